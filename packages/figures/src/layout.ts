import type { Table, View } from "@resolvent/analysis";
import { type LayoutOptions, laidOut, pathMarks } from "./layout-by.ts";
import { arcsLayout } from "./marks/arcs.ts";
import { curvesLayout } from "./marks/curves.ts";
import { graphLayout } from "./marks/graph.ts";
import { gridLayout } from "./marks/grid.ts";
import { listLayout } from "./marks/list.ts";
import { passagesLayout } from "./marks/passages.ts";
import { scatterLayout } from "./marks/scatter.ts";
import { slopeLayout } from "./marks/slope.ts";
import type { Drawing } from "./shape.ts";

/**
 * Where everything of a view goes: shapes in pixels, without a DOM. Views from elsewhere go through `checkViews`
 * first; one whose table is not there is empty.
 *
 * ```ts
 * const drawing = layout({ mark: "bars", table: "degree-term", y: "degree", x: "logitShare" }, tables, { width: 640 });
 * const svg = svgOf(drawing);
 * ```
 */
export function layout(view: View, tables: readonly Table[], options: LayoutOptions): Drawing {
  return laidOut(view, tables, options, (own, table, { width, ...others }) => {
    switch (own.mark) {
      case "bars":
      case "routes":
        return pathMarks(own, table, { width, ...others });
      case "dots":
      case "lines":
        return curvesLayout(own, table, width);
      case "grid":
        return gridLayout(own, table, width);
      case "arcs":
        return arcsLayout(own, table, width);
      case "scatter":
        return scatterLayout(own, table, width);
      case "slope":
        return slopeLayout(own, table, width);
      case "graph":
        return graphLayout(own, table, width);
      case "passages":
        return passagesLayout(own, table, width);
      case "list":
        return listLayout(own, table, width);
    }
  });
}
