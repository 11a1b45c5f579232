import { certificateLine, isNothing, ratio } from "@resolvent/analysis";
import * as fc from "fast-check";
import { expect, test } from "vitest";

test("a ratio is null where the whole is next to nothing, and the quotient elsewhere", () => {
  expect(ratio(1, 0)).toBeNull();
  expect(ratio(0, 0)).toBeNull();
  expect(ratio(1, -0)).toBeNull();
  expect(ratio(1, 2 ** -1000)).toBe(2 ** 1000);
  expect(ratio(1, 1e-14, { scale: 1, precision: "f64" })).toBeNull();
  expect(ratio(1, -1e-6, { scale: 1, precision: "f32" })).toBeNull();
  expect(ratio(1, 1e-6, { scale: 1, precision: "f64" })).toBeNear(1e6);
  // What is not finite stays so: it is told as such.
  expect(ratio(1, Number.NaN)).toBeNaN();
  expect(ratio(Number.NaN, 2)).toBeNaN();
});

test("whether a number is nothing does not depend on the unit", () => {
  const number = fc.integer({ min: -(2 ** 30), max: 2 ** 30 });
  fc.assert(
    fc.property(number, number, fc.integer({ min: -40, max: 40 }), (whole, scale, power) => {
      const unit = 2 ** power;
      const value = whole * 2 ** -40;
      for (const precision of ["f32", "f64"] as const) {
        const size = Math.abs(scale);
        expect(isNothing(value * unit, size * unit, precision)).toBe(
          isNothing(value, size, precision),
        );
      }
    }),
  );
});

test.each([
  [{ relativeError: 3.1e-7 }, { precision: "f32" }, "3.1e-7 (f32)"],
  [
    { relativeError: 3.1e-7, relativeErrorFloat64: 8e-17 },
    { precision: "f32" },
    "3.1e-7 (f32), 8.0e-17 (computed anew in f64)",
  ],
  [{ relativeError: 3e-17, relativeErrorFloat64: 3e-17 }, { precision: "f64" }, "3.0e-17 (f64)"],
  [{ relativeError: 0.012 }, { precision: "f32" }, "0.0120 (f32, ABOVE the tolerance of 0.00100)"],
  [
    { relativeError: 2e-9, relativeErrorFloat64: 2e-9 },
    { precision: "f32" },
    "2.0e-9 (f32), 2.0e-9 (computed anew in f64, ABOVE the tolerance of 1.0e-9)",
  ],
  [
    { relativeError: 2e-3, tolerance: 0.01 },
    { precision: "f64", computed: "sums in f64" },
    "0.00200 (sums in f64)",
  ],
  [{ relativeError: Number.NaN }, { precision: "f64" }, "NaN (f64, ABOVE the tolerance of 1.0e-9)"],
  [
    { relativeError: 0 },
    { precision: "f64", remainder: "difference" },
    "0 (f64); the rest is T minus the terms by definition, so this shows rounding only",
  ],
  [{ relativeError: 0 }, { precision: "f64", remainder: "paths" }, "0 (f64)"],
  [{ relativeError: null }, { precision: "f64" }, "undefined (f64: what it is relative to is 0)"],
] as const)("the certificate %j, %j", (certificate, options, text) => {
  expect(certificateLine("a − b", certificate, options)).toBe(`certificate: a − b = ${text}`);
});
