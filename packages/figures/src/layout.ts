import type { BarsView, RoutesView, Table, View } from "@resolvent/analysis";
import { drawnOfPaths, type LayoutOptions, titled } from "./layout-of-paths.ts";
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
export function layout(
  view: View,
  tables: readonly Table[],
  { width, turned = false, height = 0 }: LayoutOptions,
): Drawing {
  return titled(view, tables, { width }, (table) =>
    view.mark === "bars" || view.mark === "routes"
      ? drawnOfPaths(view, table, { width, turned, height })
      : drawn(view, table, width),
  );
}

function drawn(
  view: Exclude<View, BarsView | RoutesView>,
  table: Table,
  width: number,
): Omit<Drawing, "title"> {
  switch (view.mark) {
    case "dots":
    case "lines":
      return curvesLayout(view, table, width);
    case "grid":
      return gridLayout(view, table, width);
    case "arcs":
      return arcsLayout(view, table, width);
    case "scatter":
      return scatterLayout(view, table, width);
    case "slope":
      return slopeLayout(view, table, width);
    case "graph":
      return graphLayout(view, table, width);
    case "passages":
      return passagesLayout(view, table, width);
    case "list":
      return listLayout(view, table, width);
  }
}
