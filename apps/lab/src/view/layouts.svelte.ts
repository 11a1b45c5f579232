import type { Table, View } from "@resolvent/analysis";
import { type Drawing, type LayoutOptions, layoutOfPaths } from "@resolvent/figures";

type Layout = typeof import("@resolvent/figures").layout;

/** Layouts of all marks, once one of them was first wanted that the screen of paths has not. */
let all: Layout | undefined = $state.raw();
let loading = false;

async function load(): Promise<void> {
  if (loading) return;
  loading = true;
  all = (await import("./all-layouts.ts")).layout;
}

/** Where everything of a view goes; nothing, for a moment, where its mark is still to be loaded. */
export function layout(view: View, tables: readonly Table[], options: LayoutOptions): Drawing {
  if (view.mark === "bars" || view.mark === "routes") return layoutOfPaths(view, tables, options);
  if (all !== undefined) return all(view, tables, options);
  void load();
  const title = view.title ?? view.table;
  return { width: options.width, height: 0, title, alt: title, shapes: [] };
}
