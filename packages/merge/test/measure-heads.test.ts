import { type Cpu, createCpu } from "@resolvent/cpu";
import { expandByDegree } from "@resolvent/expansion";
import { inOrder, reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, run } from "@resolvent/transformer";
import { expect, test } from "vitest";
import {
  combineModels,
  compareHeads,
  crossTaskLinearity,
  degreeLinearity,
} from "../src/measure/index.ts";

const rows = [
  [3, 17, 5, 9, 5],
  [1, 4, 2],
  [8, 2, 11, 6, 1],
];
const near = { rtol: 1e-10, atol: 1e-12 };

test("heads of two models and their merge, against loops over what each writes and where it looks", async () => {
  const cpu = await createCpu({ precision: "f64", threads: 1 });
  const fields = { num_key_value_heads: 1 };
  const load = (seed: number) =>
    loadModel(cpu, tinyModel("llama", { seed, ...fields }), { hash: false });
  const [first, second] = [await load(1), await load(2)];
  const alpha = 0.25;
  const merge = combineModels(cpu, [
    { model: first, factor: 1 - alpha },
    { model: second, factor: alpha },
  ]);
  await compareHeads(cpu, { first, second, merge, alpha }, rows); // engines keep tables of rotations
  const before = cpu.memory.used;
  const found = await compareHeads(cpu, { first, second, merge, alpha }, rows);
  expect(cpu.memory.used).toBe(before);
  const { layers, heads, d_model: width } = first.architecture;
  expect(found).toHaveLength(layers * heads);
  for (const { layer, head, write, pattern } of found) {
    let [off, size, moved, own, cosines, tokens] = [0, 0, 0, 0, 0, 0];
    let [elsewhere, apart, positions] = [0, 0, 0];
    for (const row of rows) {
      const seen = (model: typeof first): Seen => {
        const sites = [`L${layer}.attn.head`, `L${layer}.attn.pattern`];
        const { trace } = run(cpu, model, row, { sites });
        const [writes, patterns] = sites.map((site) => cpu.read(trace.get(site) as Handle)); // kept
        return {
          writes: inOrder(writes as Tensor, ["head", "pos", "d_model"]), // two sites
          patterns: inOrder(patterns as Tensor, ["head", "pos", "key_pos"]),
        };
      };
      const [a, b, m] = [seen(first), seen(second), seen(merge)];
      for (let pos = 0; pos < row.length; pos++) {
        const at = ({ writes }: Seen, i: number) =>
          writes.data[(head * row.length + pos) * width + i] ?? Number.NaN;
        let [ab, aa, bb] = [0, 0, 0];
        for (let i = 0; i < width; i++) {
          const [x, y, z] = [at(a, i), at(b, i), at(m, i)];
          off += (z - (1 - alpha) * x - alpha * y) ** 2;
          size += z * z;
          moved += (y - x) ** 2;
          own += x * x;
          ab += x * y;
          aa += x * x;
          bb += y * y;
        }
        cosines += ab / Math.sqrt(aa * bb);
        tokens++;
        const looks = ({ patterns }: Seen, key: number) =>
          patterns.data[(head * row.length + pos) * row.length + key] ?? Number.NaN;
        for (let key = 0; key < row.length; key++) {
          const [p, q, r] = [looks(a, key), looks(b, key), looks(m, key)];
          elsewhere += Math.abs(r - (1 - alpha) * p - alpha * q) / 2;
          apart += Math.abs(q - p) / 2;
        }
        if (pos > 0) positions++;
      }
    }
    const numbers = [write.relativeError, write.apart, write.between, pattern.merge, pattern.apart];
    expect(numbers.map((n) => n ?? Number.NaN)).toBeNear(
      [
        ...[Math.sqrt(off / size), Math.sqrt(moved / own), cosines / tokens],
        ...[elsewhere / positions, apart / positions],
      ],
      { of: "each", ...near },
    );
  }
  cpu.close();
});

/** A tensor of the engine. */
type Handle = ReturnType<Cpu["fill"]>;

interface Seen {
  readonly writes: { readonly data: ArrayLike<number> };
  readonly patterns: { readonly data: ArrayLike<number> };
}

test("a single token leaves no choice of where to look; models that are one are nowhere apart", async () => {
  const model = await loadModel(reference, tinyModel("gpt2", { seed: 1 }), { hash: false });
  const same = { first: model, second: model, merge: model, alpha: 0.5 };
  const [head] = await compareHeads(reference, same, [[3]]);
  expect(head?.pattern).toEqual({ merge: null, apart: null });
  const { blocks } = await crossTaskLinearity(reference, same, rows);
  for (const { stream, write } of blocks) expect([stream.apart, write.apart]).toEqual([0, 0]);
});

test("shares of degrees are those of each model's own expansion, and add up to 1 with what is above", async () => {
  const load = (seed: number) => loadModel(reference, tinyModel("gpt2", { seed }), { hash: false });
  const [first, second, merge] = [await load(1), await load(2), await load(3)];
  const tokens = [3, 17, 5, 9];
  const found = await degreeLinearity(reference, { first, second, merge, alpha: 0.5 }, tokens, {
    freeze: [],
    maxDegree: 2,
  });
  for (const [key, model] of Object.entries({
    firstShare: first,
    secondShare: second,
    share: merge,
  })) {
    const of = (one: object): number => Reflect.get(one, key);
    const own = await expandByDegree(reference, model, tokens, { freeze: [], maxDegree: 2 });
    const shares = found.degrees.map(of);
    expect(shares).toBeNear(
      own.terms.map(({ logitShare }) => logitShare ?? Number.NaN),
      { of: "each", ...near },
    );
    expect(found.remainder && of(found.remainder)).toBeNear(own.remainder.logitShare ?? 0, near);
    const sum = shares.reduce((all, share) => all + share, 0) + of(found.remainder ?? {});
    expect(sum).toBeNear(of(found.total), near);
  }
});
