import type { Axis, Normed, Ops, Shaped } from "@resolvent/tensor";
import { openLanes } from "./lanes.ts";
import type { Block, NormWeights } from "./model.ts";
import type { Site, Sites } from "./sites.ts";

/**
 * `γ · P x / σ + β` along `axis`, with `σ = √(mean((P x)²) + eps)`, or where the norm says so that times a factor, plus
 * a constant; `P` centres for LayerNorm.
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
  const { eps, scale, bias, deviation } = norm;
  const centred = norm.kind === "layer";
  const whole = (): T => (centred ? ops.center(x, axis) : x);
  let made: Normed<T> | undefined;
  const sigma = sites.at(site, () => {
    if (deviation === undefined) made = ops.fused?.norm?.(x, axis, { centred, eps, scale, bias });
    return made?.sigma ?? sigmaOf(ops, norm, whole(), axis);
  });
  // Where the site gives another σ than was made, or holds one, that is what counts.
  if (made !== undefined && made.sigma === sigma) return made.normed;
  const factor = factorOf(ops, norm, sigma);
  const normed = ops.fused?.normBy?.(x, axis, { centred, factor, bias });
  if (normed !== undefined) return normed;
  const scaled = ops.mul(whole(), factor);
  return bias === undefined ? scaled : ops.add(scaled, bias);
}

/** What a block makes of the stream first: its norm, of the lanes that are open to it. */
export function normedRead<T extends Shaped>(
  ops: Ops<T>,
  { norm, lanes }: Pick<Block<T>, "norm" | "lanes">,
  read: T,
  sites: Sites<T>,
): T {
  return normalize(ops, norm, openLanes(ops, lanes, read), "d_model", sites, "norm");
}

/**
 * The summands of something that passes a norm together: each as the norm's σ, that of the whole, leaves it, and the
 * whole is their sum and the bias.
 *
 * @param parts with `axis`, and with the axis `over` that counts them
 */
export function normalizeParts<T extends Shaped>(
  ops: Ops<T>,
  norm: NormWeights<T> | undefined,
  parts: T,
  { axis, over, rest }: { readonly axis: Axis; readonly over: Axis; readonly rest?: T | undefined },
  sites: Sites<T>,
  site: Site,
): { readonly parts: T; readonly rest: T | undefined } {
  if (norm === undefined) return { parts, rest };
  const centred = (x: T): T => (norm.kind === "layer" ? ops.center(x, axis) : x);
  const sigma = sites.at(site, () => {
    const sum = ops.sum(parts, [over]);
    const whole = centred(rest === undefined ? sum : ops.add(sum, rest));
    return sigmaOf(ops, norm, whole, axis);
  });
  const factor = factorOf(ops, norm, sigma);
  const own = rest && ops.mul(factor, centred(rest));
  return {
    parts: ops.mul(centred(parts), factor),
    rest: own && norm.bias ? ops.add(own, norm.bias) : (own ?? norm.bias),
  };
}

function sigmaOf<T extends Shaped>(
  ops: Ops<T>,
  { eps, deviation }: NormWeights<T>,
  centred: T,
  axis: Axis,
): T {
  const sigma = ops.rms(centred, axis, eps);
  if (deviation === undefined) return sigma;
  return ops.add(ops.scale(sigma, deviation.times), ops.fill({}, deviation.plus));
}

/** `γ/σ` first: where σ is frozen it has no axis of degrees, and the stack is passed over once. */
function factorOf<T extends Shaped>(ops: Ops<T>, { scale }: NormWeights<T>, sigma: T): T {
  const inverse = ops.div(ops.fill({}, 1), sigma);
  return scale === undefined ? inverse : ops.mul(inverse, scale);
}
