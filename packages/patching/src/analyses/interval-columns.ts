import type { Cell, Column } from "@resolvent/analysis";
import type { Interval } from "../ratio-spread.ts";

/** An interval beside what it is of: half of it for people, its ends for data. */
export const INTERVAL_COLUMNS: readonly Column[] = [
  { name: "half", head: "±", kind: "number", view: true, missing: "–" },
  { name: "low", kind: "number", detail: true },
  { name: "high", kind: "number", detail: true },
];

/** Half of an interval, and its ends; nothing where there is none. */
export function intervalCells(interval: Interval | null): Cell[] {
  if (interval === null) return [null, null, null];
  const { low, high } = interval;
  return [(high - low) / 2, low, high];
}
