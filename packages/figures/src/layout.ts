import type { Table, View } from "@resolvent/analysis";
import { arcsLayout } from "./marks/arcs.ts";
import { barsLayout } from "./marks/bars.ts";
import { curvesLayout } from "./marks/curves.ts";
import { graphLayout } from "./marks/graph.ts";
import { gridLayout } from "./marks/grid.ts";
import { listLayout } from "./marks/list.ts";
import { passagesLayout } from "./marks/passages.ts";
import { routesLayout } from "./marks/routes.ts";
import { turnedRoutesLayout } from "./marks/routes-turned.ts";
import { scatterLayout } from "./marks/scatter.ts";
import { slopeLayout } from "./marks/slope.ts";
import { rounded } from "./rounded.ts";
import type { Drawing } from "./shape.ts";

export interface LayoutOptions {
  /** Pixels. */
  readonly width: number;
  /** For a tall and narrow screen: tokens of `routes` stand one below the other; default side by side. */
  readonly turned?: boolean;
  /** Whether tokens of `routes` that no path touches have columns of their own where there is no room; default together. */
  readonly open?: boolean;
}

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
  { width, turned = false, open = false }: LayoutOptions,
): Drawing {
  const table = tables.find(({ kind }) => kind === view.table);
  const title = view.title ?? table?.title ?? view.table;
  if (table === undefined) return { width, height: 0, title, alt: title, shapes: [] };
  return { ...drawn(view, rounded(table), { width, turned, open }), title };
}

function drawn(
  view: View,
  table: Table,
  { width, turned, open }: Required<LayoutOptions>,
): Omit<Drawing, "title"> {
  switch (view.mark) {
    case "bars":
      return barsLayout(view, table, width);
    case "dots":
    case "lines":
      return curvesLayout(view, table, width);
    case "grid":
      return gridLayout(view, table, width);
    case "routes":
      return turned
        ? turnedRoutesLayout(view, table, width)
        : routesLayout(view, table, width, { open });
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
