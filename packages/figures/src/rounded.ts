import type { Cell, Table } from "@resolvent/analysis";

/** The table as people see it: what is rounding is 0, so that nobody reads anything into it. */
export function rounded(table: Table): Table {
  const limits = table.columns.map(({ kind, rounding }) =>
    kind === "number" || kind === "effect" ? (rounding ?? table.rounding ?? 0) : 0,
  );
  if (limits.every((limit) => limit === 0)) return table;
  const seen = (row: readonly Cell[]): readonly Cell[] =>
    row.map((cell, i) =>
      typeof cell === "number" && Math.abs(cell) < (limits[i] ?? 0) ? 0 : cell,
    );
  return {
    ...table,
    rows: table.rows.map(seen),
    ...(table.rest !== undefined && { rest: seen(table.rest) }),
    ...(table.footer !== undefined && { footer: table.footer.map(seen) }),
  };
}
