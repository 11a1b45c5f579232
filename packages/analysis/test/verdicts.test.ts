import {
  certificateFor,
  certificateLine,
  isNothing,
  ratio,
  soundnessOf,
} from "@resolvent/analysis";
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
  [["f32", 3.1e-7], {}, "adds-up", "3.1e-7 (f32)"],
  [
    ["f32", 3.1e-7, { float64: 8e-17 }],
    {},
    "adds-up",
    "3.1e-7 (f32), 8.0e-17 (recomputed in float64)",
  ],
  [["f64", 3e-17], {}, "adds-up", "3.0e-17 (f64)"],
  [["f32", 0.012], {}, "does-not-add-up", "0.0120 (f32, ABOVE the tolerance of 0.00100)"],
  [
    ["f32", 2e-9, { float64: 2e-9 }],
    {},
    "does-not-add-up",
    "2.0e-9 (f32), 2.0e-9 (recomputed in float64, ABOVE the tolerance of 1.0e-9)",
  ],
  [
    ["f64", 2e-3, { tolerance: 0.01 }],
    { computed: "sums in f64" },
    "adds-up",
    "0.00200 (sums in f64)",
  ],
  [["f64", Number.NaN], {}, "does-not-add-up", "NaN (f64, ABOVE the tolerance of 1.0e-9)"],
  [
    ["f64", 0],
    { remainder: "difference" },
    "adds-up",
    "0 (f64); the rest is T minus the terms by definition, so this shows rounding only",
  ],
  [["f64", 0], { remainder: "paths" }, "adds-up", "0 (f64)"],
  [["f64", null], {}, "undefined", "undefined (f64: what it is relative to is 0)"],
  [
    ["f32", null, { float64: null }],
    {},
    "undefined",
    "undefined (f32: what it is relative to is 0)",
  ],
] as const)("the certificate %j, %j: %s", ([precision, error, given], options, verdict, text) => {
  const certificate = certificateFor(precision, error, given);
  expect(certificate.verdict).toBe(verdict);
  expect(certificateLine("a − b", certificate, { precision, ...options })).toBe(
    `certificate: a − b = ${text}`,
  );
});

test("a certificate has both errors and what each may be; in float64 they are the same", () => {
  expect(certificateFor("f32", 1e-4, { float64: 1e-12 })).toEqual({
    ...{ relativeError: 1e-4, relativeErrorFloat64: 1e-12, verdict: "adds-up" },
    ...{ tolerance: 1e-3, toleranceFloat64: 1e-9 },
  });
  expect(certificateFor("f64", 1e-4)).toEqual({
    ...{ relativeError: 1e-4, relativeErrorFloat64: 1e-4, verdict: "does-not-add-up" },
    ...{ tolerance: 1e-9, toleranceFloat64: 1e-9 },
  });
});

test("the verdict is what looking through a result says", () => {
  const errors = [null, 0, 1e-12, 1e-8, 1e-2, Number.NaN];
  for (const precision of ["f32", "f64"] as const) {
    for (const error of errors) {
      for (const float64 of errors) {
        const certificate = certificateFor(precision, error, { float64 });
        const model = { name: "m", sha256: null, architecture: "a" };
        const result = { schemaVersion: 1, kind: "k", model, precision, certificate };
        const { unbalanced, notFinite } = soundnessOf(result);
        const bad = unbalanced.length + notFinite.length > 0;
        expect(certificate.verdict === "does-not-add-up").toBe(bad);
      }
    }
  }
});
