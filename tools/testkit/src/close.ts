import { arrangedLike, type Numbers, showPlace, showSizes, tableOf } from "./numbers.ts";

/** How far two numbers may be apart: `|actual − expected| ≤ atol + rtol · scale`. */
export interface Tolerance {
  /** Relative to the scale; default 1e-9. */
  readonly rtol?: number;
  /** Absolute, in the unit of the numbers; default 0. */
  readonly atol?: number;
  /** The scale: the `largest` finite |expected| of all entries (default), or |expected| of `each` entry. */
  readonly of?: "largest" | "each";
}

/** The outcome of a comparison, with what a person needs to see. */
export interface Nearness {
  readonly near: boolean;
  readonly message: string;
}

/**
 * Whether all numbers of `actual` are near those of `expected`. Two tensors are compared by axis name, in
 * any order of axes; a tensor and nested arrays of the same sizes, or one row, in memory order. NaN is near
 * nothing, not even NaN; an infinity only itself.
 * Throws a TypeError for ragged arrays and what holds no numbers, a RangeError for a tolerance below 0.
 */
export function nearness(actual: unknown, expected: unknown, options: Tolerance = {}): Nearness {
  const { rtol = 1e-9, atol = 0, of = "largest" } = options;
  if (!(rtol >= 0 && atol >= 0)) {
    throw new RangeError(`Tolerances are 0 or more, got rtol ${rtol} and atol ${atol}.`);
  }
  const want = tableOf(expected);
  const given = tableOf(actual);
  const got = arrangedLike(given, want);
  if (got === undefined) {
    return {
      near: false,
      message: `shapes differ: got ${showSizes(given)}, expected ${showSizes(want)}`,
    };
  }
  const largest = largestOf(want.data);
  let worst = 0;
  let worstExcess = Number.NEGATIVE_INFINITY;
  let failures = 0;
  const count = want.data.length;
  const differenceAt = (i: number): number => distance(got.data[i], want.data[i]);
  const allowedAt = (i: number): number =>
    atol + rtol * (of === "each" ? finiteSize(want.data[i]) : largest);
  for (let i = 0; i < count; i++) {
    const excess = differenceAt(i) - allowedAt(i);
    if (excess > 0) failures++;
    if (excess > worstExcess) {
      worst = i;
      worstExcess = excess;
    }
  }
  if (count === 0) return { near: true, message: "both are empty" };
  const names = got.axes === undefined ? given : got;
  const place = showPlace(names.sizes.length === want.sizes.length ? names : got, worst);
  const scale = of === "each" ? "of each |expected|" : `of the largest |expected|, ${largest}`;
  return {
    near: failures === 0,
    message: [
      `${failures} of ${count} numbers differ; worst${place === "" ? "" : ` at ${place}`}:`,
      `  got        ${got.data[worst]}`,
      `  expected   ${want.data[worst]}`,
      `  difference ${differenceAt(worst)}`,
      `  allowed    ${allowedAt(worst)} (atol ${atol} + rtol ${rtol} ${scale})`,
    ].join("\n"),
  };
}

/** |a − b|; infinity where either is NaN or missing, 0 between equal infinities. */
function distance(a = Number.NaN, b = Number.NaN): number {
  if (a === b) return 0;
  const difference = Math.abs(a - b);
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
}

function finiteSize(value = Number.NaN): number {
  return Number.isFinite(value) ? Math.abs(value) : 0;
}

function largestOf(data: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) largest = Math.max(largest, finiteSize(data[i]));
  return largest;
}

declare module "vitest" {
  interface Matchers<T> {
    /**
     * All numbers of the value are near `expected`: `|a − b| ≤ atol + rtol · scale`, see `Tolerance`.
     * `expect(logits).toBeNear(golden.logits, { rtol: 1e-10 })`
     */
    toBeNear(expected: Numbers, options?: Tolerance): T;
  }
}
