import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bar, barScale } from "../src/bars.ts";
import { places } from "../src/places.ts";

const drawn = (numbers: readonly number[], width: number, least = 0): string[] => {
  const scale = barScale(numbers, { width, least });
  return numbers.map((number) => bar(number, scale));
};

describe("bars of one sign begin at the left", () => {
  test("in eighths of a place", () => {
    expect(drawn([0.5, 1, 0, 1 / 32, 0.34375], 4)).toEqual([
      "██  ",
      "████",
      "    ",
      "▏   ",
      "█▍  ",
    ]);
    expect(drawn([1, 2], 4, 4)).toEqual(["█   ", "██  "]);
    expect(drawn([0, 0], 4)).toEqual(["    ", "    "]);
  });

  test("hollow below zero", () => {
    expect(drawn([-0.3, -1, 0], 4)).toEqual(["░░  ", "░░░░", "    "]);
  });
});

describe("bars of two signs have a zero between them", () => {
  test("with one scale for both sides", () => {
    expect(drawn([2, -1, 1, 0], 7)).toEqual(["  │████", "░░│    ", "  │██  ", "  │    "]);
    expect(drawn([-4, 0.01], 6)).toEqual(["░░░░│ ", "    │ "]);
    expect(drawn([0.5, -0.5], 9, 1)).toEqual(["   │██▌  ", "░░░│     "]);
  });

  test("whatever the numbers: as wide as asked for, larger is never shorter, and signs have their side", () => {
    const number = fc.oneof(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), fc.double());
    fc.assert(
      fc.property(
        fc.array(number, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 4, max: 30 }),
        (numbers, width) => {
          const bars = drawn(numbers, width);
          for (const one of bars) expect(places(one)).toBe(width);
          const two =
            numbers.some((x) => Number.isFinite(x) && x > 0) &&
            numbers.some((x) => Number.isFinite(x) && x < 0);
          const axes = new Set(bars.map((one) => one.indexOf("│")));
          expect(axes.size).toBe(1);
          expect([...axes][0] !== -1).toBe(two);
          numbers.forEach((number, i) => {
            const one = bars[i] ?? "";
            if (number > 0) expect(one).not.toContain("░");
            if (number < 0) expect(one).not.toMatch(/[█-▏]/);
            if (two && number < 0) expect(one.indexOf("░")).toBeLessThan(one.indexOf("│"));
          });
        },
      ),
    );
  });
});
