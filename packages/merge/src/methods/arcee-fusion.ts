import { rowLength } from "./numbers.ts";

/** What probabilities are raised by before their ratio is taken. */
const FLOOR = 1e-8;

/**
 * The differences that matter (mergekit's arcee_fusion): `I = |δ| · KL(softmax(x) ‖ softmax(base))`, rows along the last axis;
 * an entry takes its difference where `I ≥ median + 1.5(q₃ − q₁)`, quantile q being `sorted[⌊q(n−1)⌋]`, and stays the base's
 * elsewhere.
 */
export function arceeFusion(
  base: Float64Array,
  x: Float64Array,
  shape: readonly number[],
): Float64Array<ArrayBuffer> {
  const row = rowLength(shape);
  const importance = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += row) {
    const divergence = klDivergence(
      x.subarray(start, start + row),
      base.subarray(start, start + row),
    );
    for (let i = start; i < start + row; i++) {
      importance[i] = Math.abs((x[i] as number) - (base[i] as number)) * divergence; // both are as long
    }
  }
  const sorted = importance.slice().sort();
  const quantile = (q: number): number => sorted[Math.floor(q * (sorted.length - 1))] ?? 0;
  const threshold = quantile(0.5) + 1.5 * (quantile(0.75) - quantile(0.25));
  const out = new Float64Array(x.length);
  for (let i = 0; i < out.length; i++) {
    const own = base[i] as number;
    out[i] = (importance[i] as number) >= threshold ? own + ((x[i] as number) - own) : own;
  }
  return out;
}

function klDivergence(x: Float64Array, base: Float64Array): number {
  const [p, q] = [softmax(x), softmax(base)];
  let total = 0;
  for (let i = 0; i < p.length; i++) {
    const [a, b] = [(p[i] as number) + FLOOR, (q[i] as number) + FLOOR]; // both are as long
    total += a * Math.log(a / b);
  }
  return Math.max(0, total); // below it by rounding only
}

function softmax(x: Float64Array): Float64Array {
  let top = Number.NEGATIVE_INFINITY;
  for (const value of x) top = Math.max(top, value);
  const out = x.map((value) => Math.exp(value - top));
  let total = 0;
  for (const value of out) total += value;
  return out.map((value) => value / total);
}
