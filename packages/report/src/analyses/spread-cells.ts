import type { Cell, Column, Spread } from "@resolvent/analysis";

/** The columns of a mean and its interval: people see half of it, data formats have its two ends. */
export function spreadColumns(name: string, kind: Column["kind"]): Column[] {
  return [
    { name, kind, missing: "–" },
    { name: `${name}Half`, head: "±", kind, missing: "–", view: true },
    { name: `${name}Low`, kind: "number", detail: true },
    { name: `${name}High`, kind: "number", detail: true },
  ];
}

export function spreadCells(spread: Spread | null): Cell[] {
  if (spread === null) return [null, null, null, null];
  const { mean, low, high } = spread;
  return [mean, high === null ? null : high - mean, low, high];
}
