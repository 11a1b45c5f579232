import { divergence, operations, percent, roundingOf, short } from "@resolvent/analysis";
import { expect, test } from "vitest";

test("short: three digits, powers of ten at the ends", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [1.23456, "1.23"],
    [-12.3456, "-12.3"],
    [0.00123456, "0.00123"],
    [0.000999, "1.0e-3"],
    [123.6, "124"],
    [99999, "99999"],
    [123456, "1.2e+5"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "Infinity"],
  ];
  for (const [value, text] of cases) expect(short(value)).toBe(text);
});

test("divergence: what rounding hides is not told apart, what it cannot be is shown", () => {
  expect(divergence(0.935, "f32")).toBe("0.935");
  expect(divergence(5.5e-4, "f32")).toBe("5.5e-4");
  expect(divergence(2e-6, "f32")).toBe("2.0e-6");
  for (const kl of [6e-7, 0, -0, -3.4e-8, -5e-6]) expect(divergence(kl, "f32")).toBe("<1e-6");
  expect(divergence(-0.5, "f32")).toBe("-0.500");
  expect(divergence(6e-7, "f64")).toBe("6.0e-7");
  expect(divergence(-2e-16, "f64")).toBe("<1e-14");
  expect(divergence(Number.NaN, "f32")).toBe("NaN");
});

test("percent: one decimal; digits of what is less, and what rounding hides is not told apart", () => {
  const cases: [number, string][] = [
    [0.5, "50.0 %"],
    [-0.1, "-10.0 %"],
    [1.234, "123.4 %"],
    [-0.0006, "-0.1 %"],
    [5e-4, "0.1 %"],
    [-0.0004, "-0.040 %"],
    [1.6e-5, "0.0016 %"],
    [1e-6, "0.00010 %"],
    [9.9e-7, "<1e-4 %"],
    [-3e-17, "<1e-4 %"],
    [0, "0.0 %"],
    [-0, "0.0 %"],
    [Number.NaN, "NaN %"],
  ];
  for (const [value, text] of cases) expect(percent(value)).toBe(text);
});

test("roundingOf: a part of the largest, by the precision; what is no number does not count", () => {
  expect(roundingOf("f32", [1, -20, 3])).toBe(20 * 1e-6);
  expect(roundingOf("f64", [1, -20, 3])).toBe(20 * 1e-14);
  expect(roundingOf("f64", [null, Number.NaN, Number.NEGATIVE_INFINITY, 2])).toBe(2 * 1e-14);
  expect(roundingOf("f32", [])).toBe(0);
  expect(roundingOf("f32", [0, -0, null])).toBe(0);
});

test("operations: three digits in the unit that has them", () => {
  const cases: [number, string][] = [
    [0, "0 GFLOP"],
    [4.2e7, "0.0420 GFLOP"],
    [9.99e11, "999 GFLOP"],
    [1.2345e12, "1.23 TFLOP"],
    [5e15, "5.00 PFLOP"],
  ];
  for (const [flops, text] of cases) expect(operations(flops)).toBe(text);
});
