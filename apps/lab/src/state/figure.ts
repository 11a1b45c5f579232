import type { Table, View } from "@resolvent/analysis";

/** What a figure is called: as its view says, else as its table is. */
export function titleOf(view: View, tables: readonly Table[]): string {
  return view.title ?? tables.find(({ kind }) => kind === view.table)?.title ?? view.table;
}
