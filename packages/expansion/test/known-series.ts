import { normOf } from "@resolvent/analysis";
import type { RadiusEstimate, SeriesVerdict } from "../src/index.ts";
import { radiusEstimates } from "../src/series/radius.ts";
import { verdictOf } from "../src/series/verdict.ts";

/** A power series whose radius is known, and its value at 1 where it has one. */
export interface KnownSeries {
  readonly name: string;
  readonly radius: number;
  /** The coefficient of order `k`. */
  readonly coefficient: (k: number) => readonly number[];
  readonly atOne: readonly number[];
}

const binomial = (alpha: number, k: number): number => {
  let value = 1;
  for (let i = 0; i < k; i++) value *= (alpha - i) / (i + 1);
  return value;
};
const factorial = (k: number): number => (k < 2 ? 1 : k * factorial(k - 1));

/** `1 / (1 − z/R)` */
export const geometric = (radius: number): KnownSeries => ({
  name: `geometric, R = ${radius}`,
  radius,
  coefficient: (k) => [radius ** -k],
  atOne: [1 / (1 - 1 / radius)],
});

/** `(1 − z/R)^α`; beyond R its real part at 1. */
export const algebraic = (radius: number, alpha: number): KnownSeries => ({
  name: `(1 − z/${radius})^${alpha}`,
  radius,
  coefficient: (k) => [binomial(alpha, k) * (-1 / radius) ** k],
  atOne: [
    radius > 1 ? (1 - 1 / radius) ** alpha : (1 / radius - 1) ** alpha * Math.cos(Math.PI * alpha),
  ],
});

/** `Re 1/(1 − z e^{iθ}/R)` and `Im` of it: poles at `R e^{±iθ}`, in as many numbers as are asked for. */
export const conjugate = (radius: number, angle: number, parts: 1 | 2 = 1): KnownSeries => {
  const [x, y] = [1 - Math.cos(angle) / radius, -Math.sin(angle) / radius];
  const size = x * x + y * y;
  return {
    name: `poles at ${radius} e^±${angle}i, ${parts === 1 ? "a scalar" : "a vector"}`,
    radius,
    coefficient: (k) =>
      [Math.cos(k * angle), Math.sin(k * angle)].slice(0, parts).map((v) => v * radius ** -k),
    atOne: [x / size, -y / size].slice(0, parts),
  };
};

/** `1 / (1 + z²/R²)`: every other coefficient is zero. */
export const even = (radius: number): KnownSeries => ({
  name: `1/(1 + z²/${radius}²)`,
  radius,
  coefficient: (k) => [k % 2 === 1 ? 0 : (-1) ** (k / 2) * radius ** -k],
  atOne: [1 / (1 + radius ** -2)],
});

/** `e^{cz}` */
export const exponential = (c: number): KnownSeries => ({
  name: `e^${c}z`,
  radius: Number.POSITIVE_INFINITY,
  coefficient: (k) => [c ** k / factorial(k)],
  atOne: [Math.exp(c)],
});

/** `−log(1 − z/R)` */
export const logarithm = (radius: number): KnownSeries => ({
  name: `−log(1 − z/${radius})`,
  radius,
  coefficient: (k) => [k === 0 ? 0 : radius ** -k / k],
  atOne: [-Math.log(Math.abs(1 - 1 / radius))],
});

/** Two of them, one times a factor: the radius is that of the nearer. */
export const sum = (one: KnownSeries, other: KnownSeries, factor: number): KnownSeries => ({
  name: `${one.name} + ${factor} · ${other.name}`,
  radius: Math.min(one.radius, other.radius),
  coefficient: (k) =>
    one.coefficient(k).map((x, i) => x + factor * (other.coefficient(k)[i] ?? Number.NaN)),
  atOne: one.atOne.map((x, i) => x + factor * (other.atOne[i] ?? Number.NaN)),
});

/** The same with `T_0` times a factor. */
export const withFirst = (one: KnownSeries, factor: number): KnownSeries => {
  const first = one.coefficient(0);
  return {
    ...one,
    name: `${one.name}, T_0 times ${factor}`,
    coefficient: (k) => (k === 0 ? first.map((x) => factor * x) : one.coefficient(k)),
    atOne: one.atOne.map((x, i) => x + (factor - 1) * (first[i] ?? Number.NaN)),
  };
};

/** Estimates and verdict of a known series to an order. */
export function judge(
  { coefficient, atOne }: KnownSeries,
  order: number,
): {
  readonly estimates: readonly RadiusEstimate[];
  readonly verdict: SeriesVerdict;
  readonly reason: string;
} {
  const coefficients = Array.from({ length: order + 1 }, (_, k) =>
    Float64Array.from(coefficient(k)),
  );
  const norms = coefficients.map(normOf);
  const estimates = radiusEstimates(coefficients, norms);
  const so = Float64Array.from(atOne).fill(0);
  const errors = coefficients.map((term) => {
    term.forEach((x, i) => {
      so[i] = (so[i] ?? 0) + x;
    });
    return normOf(so.map((x, i) => x - (atOne[i] ?? 0))) / normOf(Float64Array.from(atOne));
  });
  return {
    estimates,
    ...verdictOf({
      precision: "f64",
      distance: 1,
      norms,
      residualNorm: normOf(Float64Array.from(atOne)),
      errors,
      estimates,
      highest: null,
      nearestKink: null,
      checked: true,
    }),
  };
}
