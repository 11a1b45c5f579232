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
  /** Pixels to fill, where there is more room than a drawing takes: rows of `bars` and `routes` then stand further apart. */
  readonly height?: number;
}

/**
 * What `layout` gives, of the two marks that say what paths do: for a page that loads all others when it first shows
 * one.
 */
export function layoutOfPaths(
  view: BarsView | RoutesView,
  tables: readonly Table[],
  { width, turned = false, height = 0 }: LayoutOptions,
): Drawing {
  return titled(view, tables, { width }, (table) =>
    drawnOfPaths(view, table, { width, turned, height }),
  );
}

/** A drawing of the table of a view, which is empty where there is none. */
export function titled(
  view: View,
  tables: readonly Table[],
  { width }: { readonly width: number },
  draw: (table: Table) => Omit<Drawing, "title">,
): Drawing {
  const table = tables.find(({ kind }) => kind === view.table);
  const title = view.title ?? table?.title ?? view.table;
  if (table === undefined) return { width, height: 0, title, alt: title, shapes: [] };
  return { ...draw(rounded(table)), title };
}

/** A drawing of bars or of routes. */
export function drawnOfPaths(
  view: BarsView | RoutesView,
  table: Table,
  { width, turned, height }: Required<LayoutOptions>,
): Omit<Drawing, "title"> {
  if (view.mark === "bars") return barsLayout(view, table, { width, height });
  return turned
    ? turnedRoutesLayout(view, table, width)
    : routesLayout(view, table, { width, height });
}
