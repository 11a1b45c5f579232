import type { RotaryTable } from "@resolvent/tensor";

/** How queries and keys are rotated: one angular frequency for each pair of entries. */
export interface RotarySpec {
  /** Radians per position, one for each pair. */
  readonly frequencies: readonly number[];
  readonly pairing: "half" | "adjacent";
  /** What rotated entries are multiplied with; 1 but for YaRN. */
  readonly amplitude: number;
}

/** By what specs say, not by which they are: an engine keeps its copy of a table, and each loaded model has a spec of its own. */
const tables = new Map<string, RotaryTable>();
const keys = new WeakMap<RotarySpec, string>();

/** The table of cosines and sines for at least `positions` positions; made once for equal specs and grown by doubling. */
export function rotaryTable(spec: RotarySpec, positions: number): RotaryTable {
  const key = keys.get(spec) ?? JSON.stringify([spec.frequencies, spec.pairing, spec.amplitude]);
  keys.set(spec, key);
  const known = tables.get(key);
  if (known !== undefined && known.positions >= positions) return known;
  const rows = 2 ** Math.ceil(Math.log2(Math.max(256, positions)));
  const pairs = spec.frequencies.length;
  const cos = new Float64Array(rows * pairs);
  const sin = new Float64Array(rows * pairs);
  for (let pos = 0; pos < rows; pos++) {
    spec.frequencies.forEach((frequency, pair) => {
      cos[pos * pairs + pair] = spec.amplitude * Math.cos(pos * frequency);
      sin[pos * pairs + pair] = spec.amplitude * Math.sin(pos * frequency);
    });
  }
  const table: RotaryTable = { positions: rows, pairs, cos, sin, pairing: spec.pairing };
  tables.set(key, table);
  return table;
}
