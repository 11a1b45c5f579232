import { drawing } from "@resolvent/tensor";
import { expect, test } from "vitest";

test("the same numbers for a seed, from 0 to below 1, evenly", () => {
  const next = drawing(1);
  // The first outputs of mulberry32 for seed 1, as whole numbers.
  expect([next(), next(), next()].map((x) => x * 2 ** 32)).toEqual([
    2693262067, 11749833, 2265367787,
  ]);
  const draws = Array.from({ length: 10_000 }, drawing(7));
  expect(draws).toEqual(Array.from({ length: 10_000 }, drawing(7)));
  expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...draws)).toBeLessThan(1);
  const mean = draws.reduce((sum, x) => sum + x) / draws.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
  expect(drawing(-1)()).toBe(drawing(2 ** 32 - 1)());
});
