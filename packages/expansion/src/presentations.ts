import type { Presentation } from "@resolvent/analysis";
import { expandTables } from "./analyses/expand-tables.ts";
import { expandAnswer, expandViews } from "./analyses/expand-views.ts";
import type { QkResult } from "./analyses/qk-result.ts";
import { qkTables } from "./analyses/qk-tables.ts";
import { qkAnswer, qkViews } from "./analyses/qk-views.ts";
import type { DegreeExpansion } from "./expand.ts";

/** How runs by degree are shown: results of `resolvent expand`. */
export const expandPresentation: Presentation<DegreeExpansion> = {
  ...{ kind: "degree-expansion", schemaVersion: 1 },
  ...{ tables: expandTables, views: expandViews, answer: expandAnswer },
};

/** How scores by pairs of sources are shown: results of `resolvent qk`. */
export const qkPresentation: Presentation<QkResult> = {
  ...{ kind: "qk", schemaVersion: 1 },
  ...{ tables: qkTables, views: qkViews, answer: qkAnswer },
};
