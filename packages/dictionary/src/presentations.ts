import type { Presentation } from "@resolvent/analysis";
import type { GraphResult } from "./analyses/graph-result.ts";
import { graphTables } from "./analyses/graph-tables.ts";
import { graphAnswer, graphViews } from "./analyses/graph-views.ts";

/** How attribution graphs are shown: results of `resolvent graph`. */
export const graphPresentation: Presentation<GraphResult> = {
  ...{ kind: "attribution-graph", schemaVersion: 1 },
  ...{ tables: graphTables, views: graphViews, answer: graphAnswer },
};
