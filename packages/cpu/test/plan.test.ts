import { reference, type Shape, tensor } from "@resolvent/tensor";
import { afterAll, expect, test } from "vitest";
import { createCpu } from "../src/index.ts";
import { planOf, productShape } from "../src/plan.ts";

const cpu = await createCpu({ precision: "f64", threads: 1, blas: "off" });
afterAll(() => cpu.close());

const numbered = (shape: Shape): ReturnType<typeof tensor> => {
  const size = Object.values(shape).reduce((product, n) => product * n, 1);
  return tensor(
    shape,
    Array.from({ length: size }, (_, i) => i + 1),
  );
};

test("tensors that look alike have plans of their own", () => {
  // Other memory orders, sizes that swap places, and names that read like several axes once they are joined.
  const pairs: readonly (readonly [Shape, Shape])[] = [
    [
      { i: 2, k: 3 },
      { k: 3, j: 4 },
    ],
    [
      { k: 3, i: 2 },
      { k: 3, j: 4 },
    ],
    [
      { k: 3, i: 2 },
      { j: 4, k: 3 },
    ],
    [
      { i: 4, k: 3 },
      { k: 3, j: 2 },
    ],
    [
      { "i2,1:k": 2, k: 3 },
      { k: 3, j: 4 },
    ],
    [
      { i: 2, b: 1, k: 3 },
      { k: 3, b: 1, j: 4 },
    ],
  ];
  const lasts = [undefined, [], ["i"], ["j"]];
  for (const round of [1, 2]) {
    for (const [left, right] of pairs) {
      const [a, b] = [numbered(left), numbered(right)];
      for (const last of lasts) {
        if (last?.some((axis) => !(axis in left || axis in right))) continue;
        const got = cpu.scope(() => {
          const [x, y] = [a, b].map(({ shape, data }) => cpu.constant(shape, data));
          if (x === undefined || y === undefined) throw new Error("There are two.");
          return cpu.read(cpu.matmul(x, y, ["k"], last));
        });
        const expected = reference.matmul(a, b, ["k"], last);
        expect(Object.entries(got.shape), `round ${round}`).toEqual(Object.entries(expected.shape));
        expect([...got.data]).toEqual([...expected.data]);
      }
    }
  }
});

test("what has been worked out is given again", () => {
  const shapes = [
    { i: 5, k: 7 },
    { k: 7, j: 6 },
  ] as const;
  const shape = productShape(...shapes, ["k"], undefined);
  expect(productShape({ ...shapes[0] }, { ...shapes[1] }, ["k"], undefined)).toBe(shape);
  const plan = planOf(...shapes, ["k"], shape);
  expect(planOf({ ...shapes[0] }, { ...shapes[1] }, ["k"], { ...shape })).toBe(plan);
});
