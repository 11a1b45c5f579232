import type { Axis, Ops, Shaped } from "@resolvent/tensor";
import type { NormWeights } from "./model.ts";
import type { Site, Sites } from "./sites.ts";

/**
 * `γ · P x / σ + β` along `axis`, with `σ = √(mean((P x)²) + eps)`; `P` centres for LayerNorm.
 * σ is a site, so it can be frozen; the rest is affine. The identity where there is no norm.
 */
export function normalize<T extends Shaped>(
  ops: Ops<T>,
  norm: NormWeights<T> | undefined,
  x: T,
  axis: Axis,
  sites: Sites<T>,
  site: Site,
): T {
  if (norm === undefined) return x;
  const centred = norm.kind === "layer" ? ops.center(x, axis) : x;
  const sigma = sites.at(site, () => ops.rms(centred, axis, norm.eps));
  // γ/σ first: where σ is frozen it has no axis of degrees, and the stack is passed over once.
  const inverse = ops.div(ops.fill({}, 1), sigma);
  const factor = norm.scale === undefined ? inverse : ops.mul(inverse, norm.scale);
  const scaled = ops.mul(centred, factor);
  return norm.bias === undefined ? scaled : ops.add(scaled, norm.bias);
}
