import { type CausalMask, drawing, reference, type Tensor } from "@resolvent/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entry, filled, smooth } from "./numbers.ts";

const { constant, softmax } = reference;

describe("softmax", () => {
  test("by hand", () => {
    const x = constant({ a: 2, b: 2 }, [0, Math.log(3), Math.log(4), 0]);
    expect(softmax(x, "b")).toBeNear([0.25, 0.75, 0.8, 0.2], { rtol: 1e-15 });
    expect(softmax(x, "a")).toBeNear([0.2, 0.75, 0.8, 0.25], { rtol: 1e-15 });
  });

  test("a causal mask by hand, masked entries exactly 0", () => {
    const x = reference.fill({ pos: 3, key_pos: 3 }, 1);
    const third = 1 / 3;
    expect(softmax(x, "key_pos", { query: "pos" })).toBeNear(
      [1, 0, 0, 0.5, 0.5, 0, third, third, third],
      { rtol: 1e-15 },
    );
    expect(softmax(x, "key_pos", { query: "pos", window: 2 })).toBeNear(
      [1, 0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5],
      { rtol: 1e-15 },
    );
    const masked = softmax(x, "key_pos", { query: "pos" }).data;
    expect([masked[1], masked[2], masked[5]]).toEqual([0, 0, 0]);
  });

  test("a query beyond the last key sees all keys", () => {
    const x = reference.fill({ pos: 3, key_pos: 2 }, 1);
    expect(softmax(x, "key_pos", { query: "pos" })).toBeNear([1, 0, 0.5, 0.5, 0.5, 0.5], {
      rtol: 1e-15,
    });
    const offset = softmax(x, "key_pos", { query: "pos", offset: 7 });
    expect(offset).toBeNear(reference.fill({ pos: 3, key_pos: 2 }, 0.5), { rtol: 1e-15 });
  });

  test("a window may end at the last key, and no further", () => {
    const x = (pos: number): Tensor => reference.fill({ pos, key_pos: 3 }, 1);
    expect(softmax(x(4), "key_pos", { query: "pos", window: 2 })).toBeNear(
      [1, 0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5, 0, 0, 1],
      { rtol: 1e-15 },
    );
    expect(() => softmax(x(5), "key_pos", { query: "pos", window: 2 })).toThrow(
      'got none for entry 4 of "pos" among the 3 of "key_pos" (offset 0, window 2)',
    );
  });

  test("what is masked does not matter, not even NaN", () => {
    const x = constant({ pos: 2, key_pos: 2 }, [1, Number.NaN, 2, 2]);
    expect(softmax(x, "key_pos", { query: "pos" })).toBeNear([1, 0, 0.5, 0.5], { rtol: 1e-15 });
  });

  test("an input of −∞ counts as nothing", () => {
    const x = constant({ a: 3 }, [Number.NEGATIVE_INFINITY, 5, 5]);
    expect(softmax(x, "a")).toBeNear([0, 0.5, 0.5], { rtol: 1e-15 });
  });

  const masks = fc.record({
    queries: fc.integer({ min: 1, max: 5 }),
    keys: fc.integer({ min: 1, max: 6 }),
    offset: fc.integer({ min: 0, max: 3 }),
    window: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
    masked: fc.boolean(),
    seed: fc.integer(),
  });

  test("is exp over the sum of the visible exps, for any offset and window", () => {
    fc.assert(
      fc.property(masks, ({ queries, keys, offset, window, masked, seed }) => {
        // A query that sees no key is an input error, which errors.test.ts has.
        fc.pre(!masked || window === undefined || queries - 1 + offset - window < keys - 1);
        const mask: CausalMask = {
          query: "pos",
          offset,
          ...(window === undefined ? {} : { window }),
        };
        const x = smooth({ head: 2, key_pos: keys, pos: queries }, drawing(seed));
        const visible = (i: number, j: number): boolean =>
          !masked || (j <= i + offset && (window === undefined || j > i + offset - window));
        const weight = filled(x.shape, (place) => {
          const { pos = 0, key_pos = 0 } = place;
          return visible(pos, key_pos) ? Math.exp(entry(x, place)) : 0;
        });
        const expected = reference.div(weight, reference.sum(weight, ["key_pos"]));
        const pattern = softmax(x, "key_pos", masked ? mask : undefined);
        expect(pattern).toBeNear(expected, { rtol: 1e-14 });
        expect(reference.sum(pattern, ["key_pos"])).toBeNear(
          reference.fill({ head: 2, pos: queries }, 1),
          { rtol: 1e-14 },
        );
        expected.data.forEach((w, n) => {
          if (w === 0)
            expect(reference.arrange(pattern, ["head", "key_pos", "pos"]).data[n]).toBe(0);
        });
      }),
    );
  });

  test("huge inputs do not overflow, tiny ones do not vanish", () => {
    const x = constant({ a: 2, b: 3 }, [1e308, 1e308, -1e308, -1e5, -1e5, -1e5 - 1000]);
    expect(softmax(x, "b")).toBeNear([0.5, 0.5, 0, 0.5, 0.5, 0], { rtol: 1e-15 });
  });
});
