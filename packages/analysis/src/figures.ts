/** A number in few characters: 3 digits, powers of ten where it is tiny or huge. */
export function short(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e5) return value.toExponential(1);
  return size >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** A part of 1 in percent, with one decimal: `12.3 %`. */
export function percent(value: number): string {
  return `${(100 * value).toFixed(1).replace(/^-0\.0$/, "0.0")} %`;
}

/** Below this, a KL divergence between predictions from usual logits is the rounding of its computation, nats. */
const KL_ROUNDING = { f32: 1e-6, f64: 1e-14 } as const;

/** A KL divergence in few characters. What rounding hides, which may even come out negative, is not told apart. */
export function divergence(nats: number, precision: keyof typeof KL_ROUNDING): string {
  const least = KL_ROUNDING[precision];
  // Far below zero is no rounding, and is shown.
  return nats < least && nats > -1000 * least ? `<${least.toExponential(0)}` : short(nats);
}
