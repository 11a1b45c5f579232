import type { Presentation } from "@resolvent/analysis";
import type { RunResult } from "./analyses/run-result.ts";
import { runTables } from "./analyses/run-tables.ts";
import { runAnswer, runViews } from "./analyses/run-views.ts";

/** How forward passes are shown: results of `resolvent run`. */
export const runPresentation: Presentation<RunResult> = {
  ...{ kind: "run", schemaVersion: 1 },
  ...{ tables: runTables, views: runViews, answer: runAnswer },
};
