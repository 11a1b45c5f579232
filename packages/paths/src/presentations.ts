import type { Presentation } from "@resolvent/analysis";
import { pathsTables } from "./analyses/paths-tables.ts";
import { pathsAnswer, pathsViews } from "./analyses/paths-views.ts";
import type { PathExpansion } from "./path-expansion.ts";

/** How single paths are shown: results of `resolvent paths`. */
export const pathsPresentation: Presentation<PathExpansion> = {
  ...{ kind: "paths", schemaVersion: 1 },
  ...{ tables: pathsTables, views: pathsViews, answer: pathsAnswer },
};
