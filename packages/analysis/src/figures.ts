/** A number in few characters: 3 digits, powers of ten where it is tiny or huge. */
export function short(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e5) return value.toExponential(1);
  return size >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** What rounding adds up to in a computation, relative to its largest numbers: some ten units in the last place. */
const ROUNDING = { f32: 1e-6, f64: 1e-14 } as const;

/**
 * A part of 1 in percent, with one decimal: `12.3 %`; with two digits where that would be 0: `0.0016 %`. What is no more
 * than the rounding of f32 is not told apart: `<1e-4 %`.
 */
export function percent(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0.0 %";
  if (size < ROUNDING.f32) return `<${(100 * ROUNDING.f32).toExponential(0)} %`;
  return `${size < 5e-4 ? (100 * value).toPrecision(2) : (100 * value).toFixed(1)} %`;
}

/**
 * The size below which differences of numbers are the rounding of their computation: `1e-6` of the largest of these
 * numbers in f32, `1e-14` in f64.
 */
export function roundingOf(
  precision: keyof typeof ROUNDING,
  numbers: Iterable<number | null>,
): number {
  let largest = 0;
  for (const number of numbers) {
    if (number !== null && Number.isFinite(number)) largest = Math.max(largest, Math.abs(number));
  }
  return largest * ROUNDING[precision];
}

/** A KL divergence in few characters. What rounding hides, which may even come out negative, is not told apart. */
export function divergence(nats: number, precision: keyof typeof ROUNDING): string {
  // Of predictions from usual logits.
  const least = ROUNDING[precision];
  // Far below zero is no rounding, and is shown.
  return nats < least && nats > -1000 * least ? `<${least.toExponential(0)}` : short(nats);
}

/** Operations on floating point numbers in few characters: `0.0420 GFLOP`, `1.20 TFLOP`. */
export function operations(flops: number): string {
  const [unit, size] =
    flops >= 1e15
      ? (["PFLOP", 1e15] as const)
      : flops >= 1e12
        ? (["TFLOP", 1e12] as const)
        : (["GFLOP", 1e9] as const);
  return `${short(flops / size)} ${unit}`;
}

/** Bytes in binary units. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const unit =
    count >= 2 ** 30
      ? (["GiB", 2 ** 30] as const)
      : count >= 2 ** 20
        ? (["MiB", 2 ** 20] as const)
        : (["KiB", 2 ** 10] as const);
  return `${(count / unit[1]).toFixed(1)} ${unit[0]}`;
}
