import type { Ops, Shaped } from "@resolvent/tensor";
import { openLanes } from "./lanes.ts";
import type { Model } from "./model.ts";
import { normalize } from "./norm.ts";
import { plainSites, recording, replacing, type Site, type Sites } from "./sites.ts";

/** The final norm's denominator at a residual stream; undefined where there is no final norm. */
export function finalSigma<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  residual: T,
): T | undefined {
  const trace = new Map<Site, T>();
  const sites = recording(plainSites<T>(), () => true, trace);
  const { norm, lanes } = model.final;
  normalize(ops, norm, openLanes(ops, lanes, residual), "d_model", sites, "final.norm");
  return trace.get("final.norm");
}

/** Sites that hold the final norm's σ; those of a plain run where there is none. */
export function withFinalSigma<T extends object>(sigma: T | undefined): Sites<T> {
  const plain = plainSites<T>();
  return sigma === undefined ? plain : replacing(plain, { "final.norm": sigma });
}
