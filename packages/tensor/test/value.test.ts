import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { hostValue, type Nested, tensor, type Value } from "../src/index.ts";

const value = hostValue<"head" | "pos" | "key_pos">(
  tensor({ head: 2, pos: 3, key_pos: 2 }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
);

describe("at", () => {
  test("is a number where all axes are given, in any order", () => {
    const number = value.at({ key_pos: 1, head: 1, pos: 0 });
    expectTypeOf(number).toEqualTypeOf<number>();
    expect(number).toBe(7);
    expect(value.at({ head: -1, pos: -1, key_pos: -2 })).toBe(10);
  });

  test("is a smaller value where some are left", () => {
    const row = value.at({ pos: 1 });
    expectTypeOf(row).toEqualTypeOf<Value<"head" | "key_pos">>();
    expect(row.shape).toEqual({ head: 2, key_pos: 2 });
    expect([...row.data]).toEqual([2, 3, 8, 9]);
    expect(row.at({ head: 1 }).at({ key_pos: 0 })).toBe(8);
  });

  test("keeps the precision", () => {
    const narrow = hostValue<"pos">({
      shape: { pos: 2, head: 1 },
      data: Float32Array.of(0.1, 0.2),
    });
    expect(narrow.at({}).data).toBeInstanceOf(Float32Array);
  });

  test("where the axes are not known, may be either", () => {
    const open = hostValue(tensor({ pos: 2 }, [1, 2]));
    expectTypeOf(open.at({ pos: 0 })).toEqualTypeOf<number | Value>();
    expect(open.at({ pos: 0 })).toBe(1);
  });

  test("says which axes and entries there are", () => {
    // @ts-expect-error the axis is misspelt
    expect(() => value.at({ heads: 0 })).toThrow(/expected an axis "heads", got \{head: 2, pos: 3/);
    for (const pos of [3, -4, 0.5, Number.NaN]) {
      expect(() => value.at({ pos })).toThrow(
        expect.objectContaining({
          code: "tensor/no-entry",
          details: { axis: "pos", size: 3, got: pos },
        }),
      );
    }
  });
});

test("rows are the entries of an axis", () => {
  const heads = value.rows("head");
  expectTypeOf(heads).toEqualTypeOf<Value<"pos" | "key_pos">[]>();
  expect(heads.map((head) => head.nested())).toEqual([
    [
      [0, 1],
      [2, 3],
      [4, 5],
    ],
    [
      [6, 7],
      [8, 9],
      [10, 11],
    ],
  ]);
  const numbers = value.at({ head: 0, key_pos: 1 }).rows("pos");
  expectTypeOf(numbers).toEqualTypeOf<number[]>();
  expect(numbers).toEqual([1, 3, 5]);
});

describe("nested", () => {
  test("is in the order of the axes that are named", () => {
    const nested = value.nested("key_pos", "head", "pos");
    expectTypeOf(nested).toEqualTypeOf<number[][][]>();
    expect(nested).toEqual([
      [
        [0, 2, 4],
        [6, 8, 10],
      ],
      [
        [1, 3, 5],
        [7, 9, 11],
      ],
    ]);
  });

  test("is in memory order without names; of no axes a number", () => {
    expectTypeOf(value.nested()).toEqualTypeOf<Nested>();
    expect(value.nested()).toEqual(value.nested("head", "pos", "key_pos"));
    expect(hostValue(tensor({}, [5])).nested()).toBe(5);
  });

  test("needs every axis once", () => {
    for (const axes of [
      ["head", "pos"],
      ["head", "pos", "pos"],
    ] as const) {
      expect(() => value.nested(...axes)).toThrow(
        expect.objectContaining({ code: "tensor/bad-axis" }),
      );
    }
  });

  test("of any shape, holds each entry where `at` finds it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
        (sizes) => {
          const shape = Object.fromEntries(sizes.map((size, i) => [`a${i}`, size]));
          const count = sizes.reduce((a, b) => a * b, 1);
          const any = hostValue(
            tensor(
              shape,
              Float64Array.from({ length: count }, (_, i) => i),
            ),
          );
          const walk = (part: Nested, where: readonly number[]): void => {
            if (typeof part === "number") {
              expect(any.at(Object.fromEntries(where.map((at, i) => [`a${i}`, at])))).toBe(part);
            } else part.forEach((inner, i) => void walk(inner, [...where, i]));
          };
          walk(any.nested(), []);
        },
      ),
    );
  });
});
