import { addTo, minus } from "./numbers.ts";
import type { Products } from "./slerp.ts";
import type { Weighted } from "./weighted.ts";

export interface NuslerpOptions {
  readonly shape: readonly number[];
  /** Differences from it are interpolated, and added back; absent: the tensors themselves. */
  readonly base?: Float64Array | undefined;
  /** One vector for the whole tensor; default true. Else one for each row, along the last axis. */
  readonly flatten?: boolean;
  /** Without `flatten`: vectors along the FIRST axis. That is what mergekit's `nuslerp_row_wise` does; default false. */
  readonly rowWise?: boolean;
}

/** Norms are clamped here from below. */
export const LEAST_NORM = 1e-7;

/**
 * Below this sine the way is straight: 1e-8 in mergekit, and what a cosine of ±1 becomes by a few units of rounding, which
 * between opposite tensors would decide which way is taken.
 */
export const STRAIGHT = 3e-8;

/** Sums of weights nearer to zero mean the middle. */
const LEAST_WEIGHT = 1e-6;

/**
 * Spherical interpolation of two tensors at `t = w₂/(w₁+w₂)`, or 1/2 where the weights cancel (mergekit's nuslerp). Unlike
 * `slerp` it is straight only where `|sin θ|` is zero but for rounding.
 */
export function nuslerp(
  [first, second]: readonly [Weighted, Weighted],
  { shape, base, flatten = true, rowWise = false }: NuslerpOptions,
): Float64Array<ArrayBuffer> {
  const t = nuslerpShare(first.weight, second.weight);
  const a = base === undefined ? first.x : minus(first.x, base);
  const b = base === undefined ? second.x : minus(second.x, base);
  const out = new Float64Array(a.length);
  const size = a.length;
  const along = flatten ? size : ((rowWise ? shape[0] : shape.at(-1)) ?? 1);
  const stride = flatten || !rowWise || along === 0 ? 1 : size / along;
  const count = along === 0 ? 0 : size / along;
  for (let v = 0; v < count; v++) {
    arc(a, b, out, { start: stride === 1 ? v * along : v, stride, length: along, t });
  }
  if (base !== undefined) addTo(out, base);
  return out;
}

/** How much of the second there is. */
export function nuslerpShare(first: number, second: number): number {
  const total = first + second;
  return Math.abs(total) < LEAST_WEIGHT ? 0.5 : second / total;
}

/** What two vectors are multiplied by, from their products. */
export function nuslerpFactors({ aa, ab, bb }: Products, t: number): readonly [number, number] {
  const norms = Math.max(Math.sqrt(aa), LEAST_NORM) * Math.max(Math.sqrt(bb), LEAST_NORM);
  const angle = Math.acos(Math.min(1, Math.max(-1, ab / norms)));
  const sine = Math.sin(angle);
  if (Math.abs(sine) < STRAIGHT) return [1 - t, t];
  return [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
}

/** One vector within the tensors: `length` entries from `start`, `stride` apart. */
interface Arc {
  readonly start: number;
  readonly stride: number;
  readonly length: number;
  readonly t: number;
}

function arc(
  a: Float64Array,
  b: Float64Array,
  out: Float64Array,
  { start, stride, length, t }: Arc,
): void {
  const end = start + length * stride;
  const product = (x: Float64Array, y: Float64Array): number => {
    let total = 0;
    for (let from = start; from < end; from += 4096 * stride) {
      const to = Math.min(from + 4096 * stride, end);
      let part = 0;
      for (let i = from; i < to; i += stride) part += (x[i] as number) * (y[i] as number); // both are as long
      total += part;
    }
    return total;
  };
  const products = { aa: product(a, a), ab: product(a, b), bb: product(b, b) };
  const [ofA, ofB] = nuslerpFactors(products, t);
  for (let i = start; i < end; i += stride)
    out[i] = ofA * (a[i] as number) + ofB * (b[i] as number); // in range
}
