import type { Ids, Ops, Shaped } from "@resolvent/tensor";
import { chooses, type Model, recordedStream, type Site } from "@resolvent/transformer";
import { type Gate, isGateOf } from "./gates.ts";

/** The run that is taken apart: its start, its end, what each block wrote, and its gates. */
export interface Anatomy<T> {
  /** `x0`: `…, pos, d_model`. */
  readonly embedding: T;
  /** `T`, before the final norm: `…, pos, d_model`. */
  readonly residual: T;
  /** `C_i` by block name. */
  readonly writes: ReadonlyMap<string, T>;
  /** The gates of the run by site, those of the chosen kinds. */
  readonly gates: ReadonlyMap<Site, T>;
}

/** One forward pass that keeps `x0`, `T`, every `C_i`, and the gates in `keep`. */
export function anatomyOf<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  keep: readonly Gate[],
): Anatomy<T> {
  return ops.scope(() => {
    const trace = new Map<Site, T>();
    const isGate = isGateOf(keep);
    const chosen = (site: Site): boolean => site === "embed" || isWrite(site) || isGate(site);
    const residual = recordedStream(ops, model, ids, chosen, trace);
    const select = (test: (site: Site) => boolean): [Site, T][] =>
      [...trace].filter(([site]) => test(site));
    const writes = select(isWrite).map(([site, C]): [string, T] => [
      site.slice(0, -".write".length),
      C,
    ]);
    const embedding = trace.get("embed") as T; // every run passes it
    return { embedding, residual, writes: new Map(writes), gates: new Map(select(isGate)) };
  });
}

const isWrite = chooses(["*.write"]);
