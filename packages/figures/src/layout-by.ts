import type { BarsView, RoutesView, Table, View } from "@resolvent/analysis";
import { barsLayout } from "./marks/bars.ts";
import { routesLayout } from "./marks/routes.ts";
import { turnedRoutesLayout } from "./marks/routes-turned.ts";
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

/** A view whose marks are those of paths. */
export type PathView = BarsView | RoutesView;

/** The same as `layout` of `bars` and `routes`, for a page that brings no other marks with it. */
export function pathLayout(
  view: PathView,
  tables: readonly Table[],
  options: LayoutOptions,
): Drawing {
  return laidOut(view, tables, options, pathMarks);
}

/** A view with its title, by what lays its mark out; empty where its table is not there. */
export function laidOut<Own extends View>(
  view: Own,
  tables: readonly Table[],
  { width, turned = false, open = false }: LayoutOptions,
  by: (view: Own, table: Table, options: Required<LayoutOptions>) => Omit<Drawing, "title">,
): Drawing {
  const table = tables.find(({ kind }) => kind === view.table);
  const title = view.title ?? table?.title ?? view.table;
  if (table === undefined) return { width, height: 0, title, alt: title, shapes: [] };
  return { ...by(view, rounded(table), { width, turned, open }), title };
}

/** Bars, and routes. */
export function pathMarks(
  view: PathView,
  table: Table,
  { width, turned, open }: Required<LayoutOptions>,
): Omit<Drawing, "title"> {
  if (view.mark === "bars") return barsLayout(view, table, width);
  return turned
    ? turnedRoutesLayout(view, table, width)
    : routesLayout(view, table, width, { open });
}
