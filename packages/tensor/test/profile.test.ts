import { expect, test } from "vitest";
import { profile, reference, tensor } from "../src/index.ts";

test("times primitives by operation and by the innermost label", () => {
  let clock = 0;
  const ops = profile(reference, () => clock++); // each primitive takes one tick
  const x = tensor({ pos: 2 }, [1, 2]);
  ops.within("outer", () => {
    ops.add(x, x);
    ops.within("inner", () => ops.add(ops.add(x, x), x));
    ops.add(x, x);
  });
  expect(ops.mul(x, x)).toEqual(reference.mul(x, x));
  expect(ops.timings()).toEqual([
    { operation: "add", within: "outer", calls: 2, milliseconds: 2 },
    { operation: "add", within: "inner", calls: 2, milliseconds: 2 },
    { operation: "mul", within: "", calls: 1, milliseconds: 1 },
  ]);
});

test("a label ends where its body throws", () => {
  const ops = profile(reference, () => 0);
  expect(() =>
    ops.within("broken", () => {
      throw new Error("stop");
    }),
  ).toThrow("stop");
  ops.exp(tensor({}, [0]));
  expect(ops.timings().map(({ within }) => within)).toEqual([""]);
});

test("measures every primitive", () => {
  const notPrimitives = [
    "name",
    "precision",
    "read",
    "top",
    "free",
    "written",
    "writtenHalf",
    "scope",
  ];
  const primitives = Object.keys(reference).filter((name) => !notPrimitives.includes(name));
  const ops = profile(reference, () => 0);
  expect(Object.keys(ops)).toEqual(expect.arrayContaining(primitives));
});

test("measures the fusions that an interpreter has, and has no others", () => {
  let clock = 0;
  const x = tensor({ pos: 2 }, [1, 2]);
  const fused = {
    pairDots: () => x,
    pairSums: () => x,
    norm: () => ({ normed: x, sigma: x }),
  };
  const ops = profile({ ...reference, fused }, () => clock++);
  expect(Object.keys(ops.fused ?? {})).toEqual(Object.keys(fused));
  const normed = ops.within("L0.attn.norm", () =>
    ops.fused?.norm?.(x, "pos", { centred: false, eps: 0 }),
  );
  expect(normed).toEqual({ normed: x, sigma: x });
  expect(ops.timings()).toEqual([
    { operation: "fused.norm", within: "L0.attn.norm", calls: 1, milliseconds: 1 },
  ]);
  expect(profile(reference, () => 0).fused).toBeUndefined();
});
