import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../src/random.ts";

const draws = (seed: number | string, count = 5): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.next());
};

describe("seededRandom", () => {
  test("gives the same draws for the same seed, today as when this was written", () => {
    expect(draws(1, 3)).toEqual([1698403241, 199302822, 2913731259]);
    expect(draws(1)).toEqual(draws("1"));
    expect(draws(1)).not.toEqual(draws(2));
  });

  test("a fork depends on seed and name, not on what was drawn before", () => {
    const used = seededRandom(7);
    used.next();
    expect(used.fork("a").next()).toBe(seededRandom(7).fork("a").next());
    expect(used.fork("a").next()).not.toBe(used.fork("b").next());
    expect(used.fork("a").fork("b").next()).toBe(seededRandom("7/a/b").next());
  });

  test("below stays in range and reaches every number about equally often", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, limit) => {
        const drawn = seededRandom(seed).below(limit);
        return Number.isInteger(drawn) && drawn >= 0 && drawn < limit;
      }),
    );
    const random = seededRandom(3);
    const counts = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 6000; i++) {
      const drawn = random.below(6);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150); // 5 σ = 144
  });

  test("sample draws different entries, all of them where the list is short", () => {
    fc.assert(
      fc.property(fc.integer(), fc.uniqueArray(fc.integer()), fc.nat(20), (seed, list, count) => {
        const drawn = seededRandom(seed).sample(list, count);
        return (
          drawn.length === Math.min(count, list.length) &&
          new Set(drawn).size === drawn.length &&
          drawn.every((entry) => list.includes(entry))
        );
      }),
    );
  });

  test("chance 0 never happens, chance 1 always", () => {
    const random = seededRandom(5);
    for (let i = 0; i < 100; i++) {
      expect(random.chance(0)).toBe(false);
      expect(random.chance(1)).toBe(true);
    }
  });

  test("picking from nothing is an error of ours", () => {
    expect(() => seededRandom(1).pick([])).toThrow(
      expect.objectContaining({ code: "train/empty-pick" }),
    );
  });
});
