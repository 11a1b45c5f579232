import { reference } from "@resolvent/tensor";
import { afterAll, expect, test } from "vitest";
import { createGpujs } from "../src/index.ts";

const engine = await createGpujs();
afterAll(async () => await engine.close());

// What is longer than a texture may be became zeros, and so did all after it.
test.each([
  [1, 1],
  [1, 3],
  [3, 1],
  [3, 2],
])("%i batches of %i rows have more columns than a texture is wide", (head, pos) => {
  const v = 20_000;
  const x = { head, pos, k: 2 };
  const w = { head, v, k: 2 };
  const entries = (shape: Record<string, number>): number[] =>
    Array.from({ length: Object.values(shape).reduce((a, b) => a * b) }, (_, i) => (i * 7) % 11);
  const product = (ops: typeof engine | typeof reference) =>
    ops.matmul(ops.constant(x, entries(x)) as never, ops.constant(w, entries(w)) as never, ["k"]);
  const got = product(engine);
  expect(engine.read(got).data).toEqual(Float32Array.from(reference.read(product(reference)).data));
  const tall = engine.arrange(got, ["v", "head", "pos"]);
  for (const long of [got, tall]) {
    for (const name of ["center", "softmax"] as const) {
      const expected = reference[name](reference.constant(long.shape, long.data), "v");
      expect(engine.read(engine[name](long, "v")).data).toBeNear(expected.data, {
        rtol: 1e-5,
        atol: 1e-6,
      });
    }
    const short = reference.softmax(reference.constant(long.shape, long.data), "pos");
    expect(engine.read(engine.softmax(long, "pos")).data).toBeNear(short.data, {
      rtol: 1e-5,
      atol: 1e-6,
    });
  }
});
