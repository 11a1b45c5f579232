import type { Presentation } from "@resolvent/analysis";
import type { GraphResult } from "./analyses/graph-result.ts";
import { graphTables } from "./analyses/graph-tables.ts";
import { graphAnswer, graphViews } from "./analyses/graph-views.ts";

/** How attribution graphs are shown: results of `resolvent graph`. */
export const graphPresentation: Presentation<GraphResult> = {
  ...{ kind: "attribution-graph", schemaVersion: 1 },
  ...{ tables: graphTables, views: graphViews, answer: graphAnswer },
};

export { type ActiveAt, type ActiveRow, activeRows } from "./analyses/graph-active.ts";
export { fileGraph, importedResult } from "./analyses/graph-import.ts";
export { type PrunedSums, prunedResult, prunedSums } from "./analyses/graph-pruned.ts";
export type { GraphResult } from "./analyses/graph-result.ts";
export { graphOf } from "./analyses/graph-tables.ts";
export { graphText } from "./analyses/graph-text.ts";
export { graphDrawing } from "./analyses/graph-views.ts";
