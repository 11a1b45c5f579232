import { describe, expect, test } from "vitest";
import {
  adjoint,
  type Ops,
  type Pairs,
  pairDots,
  pairSums,
  reference,
  type Shaped,
  type Tensor,
  transposed,
} from "../src/index.ts";

const entry = { entry: 5 };
const pairs: Pairs = {
  left: { axis: "row", ids: { shape: entry, data: Int32Array.of(1, 0, 1, 1, 2) } },
  right: { axis: "feature", ids: { shape: entry, data: Int32Array.of(0, 3, 3, 1, 3) } },
};
const at = (n: number): number => Math.sin(1 + 3 * n) * (1 + (n % 4));
const made = (shape: Readonly<Record<string, number>>, from: number): Tensor =>
  reference.constant(
    shape,
    Array.from({ length: Object.values(shape).reduce((a, b) => a * b, 1) }, (_, i) => at(from + i)),
  );
const x = made({ row: 3, d: 2 }, 0);
const W = made({ feature: 4, d: 2 }, 10);
const w = made(entry, 30);

/** `[row, feature]` of each pair. */
const listed = Array.from({ length: 5 }, (_, e) => [
  pairs.left.ids.data[e] as number,
  pairs.right.ids.data[e] as number,
]) as [number, number][];
const cell = ({ data }: Tensor, row: number, d: number): number => data[2 * row + d] as number;

test("pairDots and pairSums in plain loops", () => {
  const dots = listed.map(
    ([i, j]) => cell(x, i, 0) * cell(W, j, 0) + cell(x, i, 1) * cell(W, j, 1),
  );
  expect(Array.from(reference.read(pairDots(reference, x, W, ["d"], pairs)).data)).toBeNear(dots, {
    rtol: 1e-14,
    atol: 1e-14,
  });
  const sums = [0, 0, 0, 0, 0, 0];
  listed.forEach(([i, j], e) => {
    for (const d of [0, 1]) sums[2 * i + d] = (sums[2 * i + d] ?? 0) + at(30 + e) * cell(W, j, d);
  });
  const got = pairSums(reference, w, W, pairs, 3);
  expect(got.shape).toEqual({ row: 3, d: 2 });
  expect(Array.from(got.data)).toBeNear(sums, { rtol: 1e-14, atol: 1e-14 });
});

describe("derivatives are those of the primitives", () => {
  /** `Σ (weights · dots)²`-like: both, one after the other. */
  const loss = <T extends Shaped>(ops: Ops<T>, a: T, b: T, own: T): T => {
    const z = ops.mul(pairDots(ops, a, b, ["d"], pairs), own);
    const y = pairSums(ops, z, b, pairs, 3);
    return ops.sum(ops.mul(y, y), ["row", "d"]);
  };

  test("backwards", () => {
    const found = [true, false].map((fused) => {
      const { fused: kept, ...rest } = adjoint(reference);
      const tape = { ...rest, ...(fused && kept && { fused: kept }) };
      const variables = [x, W, w].map((value) => tape.variable(value)) as [
        ReturnType<typeof tape.variable>,
        ReturnType<typeof tape.variable>,
        ReturnType<typeof tape.variable>,
      ];
      const gradients = tape.gradients(loss(tape, ...variables), reference.fill({}, 1), variables);
      return gradients.map((one, i) =>
        Array.from(reference.arrange(one, Object.keys([x, W, w][i]?.shape ?? {})).data),
      );
    });
    for (const i of [0, 1, 2])
      expect(found[0]?.[i]).toBeNear(found[1]?.[i] ?? [], { rtol: 1e-12, atol: 1e-12 });
    // and that of a difference
    const moved = (h: number): number =>
      loss(reference, reference.add(x, reference.scale(made({ row: 3, d: 2 }, 50), h)), W, w)
        .data[0] ?? Number.NaN;
    const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
    const along = (found[0]?.[0] ?? []).reduce((sum, g, i) => sum + g * at(50 + i), 0);
    expect(along).toBeNear(slope, { rtol: 1e-7, atol: 1e-7 });
  });

  test("of a map that is linear in one side, for a batch of covectors", () => {
    const back = transposed(reference);
    const left = back.variable(x.shape);
    const dots = pairDots(back, left, back.fixed(W), ["d"], pairs);
    const covector = made({ batch: 2, entry: 5 }, 60);
    const pulled = reference.arrange(back.pull(dots, covector, left), ["batch", "row", "d"]);
    const expected = [0, 1].flatMap((batch) => {
      const sums = [0, 0, 0, 0, 0, 0];
      listed.forEach(([i, j], e) => {
        for (const d of [0, 1])
          sums[2 * i + d] = (sums[2 * i + d] ?? 0) + at(60 + 5 * batch + e) * cell(W, j, d);
      });
      return sums;
    });
    expect(Array.from(pulled.data)).toBeNear(expected, { rtol: 1e-13, atol: 1e-13 });
    expect(() => pairDots(back, left, back.rename(left, { row: "feature" }), ["d"], pairs)).toThrow(
      /pairDots.*linear/,
    );
  });
});
