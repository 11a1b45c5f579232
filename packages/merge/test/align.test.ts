import { createCpu } from "@resolvent/cpu";
import { drawing, reference } from "@resolvent/tensor";
import { describeWithFixtures, type Fixtures, tinyModel } from "@resolvent/testkit";
import { architectureOf, loadModel, run } from "@resolvent/transformer";
import { encodeNumbers, memoryFolder, writeSafetensors } from "@resolvent/weights";
import { folderOf } from "@resolvent/weights/node";
import fc from "fast-check";
import { expect, test } from "vitest";
import { addAgreement } from "../src/align/agreement.ts";
import { addSamples, correlations, noMoments } from "../src/align/correlation.ts";
import {
  bestAssignment,
  inverse,
  matchActivations,
  matchingCost,
  matchWeights,
  type Permutation,
  permutedTensors,
} from "../src/align/index.ts";
import { type Placed, placed } from "../src/align/places.ts";
import { numbersOf, stretches } from "../src/align/stretch.ts";
import { type OpenMergeModel, openMergeModel } from "../src/index.ts";

interface Case {
  readonly source: string;
  readonly permuted: string;
  readonly permutation: Permutation;
  readonly to_recover: Permutation;
  readonly objective?: readonly [number, number];
  readonly sequences: readonly (readonly number[])[];
  readonly logits_last_row_first5: readonly (readonly number[])[];
}

interface Barrier {
  readonly paths: {
    readonly base_other_aligned: {
      readonly objective: readonly number[];
      readonly alignment: Permutation;
    };
  };
}

async function open(fixtures: Fixtures, name: string): Promise<OpenMergeModel> {
  return await openMergeModel(folderOf(fixtures.path(`fixtures/merging/${name}`)));
}

/** The model of a permutation, in memory. */
async function permuted(model: OpenMergeModel, permutation: Permutation): Promise<OpenMergeModel> {
  return await inMemory(model, await writeSafetensors(permutedTensors(model, permutation)));
}

async function inMemory(model: OpenMergeModel, weights: Uint8Array): Promise<OpenMergeModel> {
  const config = new TextEncoder().encode(JSON.stringify(model.config));
  const files = new Map([
    ["config.json", config],
    ["model.safetensors", weights],
  ]);
  return await openMergeModel(memoryFolder(files, model.folder.name));
}

/** The model with `share` of each tensor's root mean square added as noise. */
async function noisy(model: OpenMergeModel, share: number): Promise<OpenMergeModel> {
  const normal = gaussian(7);
  const tensors = await Promise.all(
    model.checkpoint.names.map(async (name) => {
      const x = await model.checkpoint.numbers(name, "f64");
      const rms = Math.sqrt(x.reduce((sum, one) => sum + one * one, 0) / x.length);
      const { shape } = model.checkpoint.info(name);
      const bytes = encodeNumbers(
        x.map((one) => one + share * rms * normal()),
        "F64",
      );
      return { name, dtype: "F64" as const, shape, bytes };
    }),
  );
  return await inMemory(model, await writeSafetensors(tensors));
}

function gaussian(seed: number): () => number {
  const uniform = drawing(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Any order of `n` things. */
function shuffled(n: number, uniform: () => number): number[] {
  return Array.from({ length: n }, (_, i) => ({ i, key: uniform() }))
    .sort((one, other) => one.key - other.key)
    .map(({ i }) => i);
}

async function logitsOf(
  { folder }: OpenMergeModel,
  tokens: readonly number[],
): Promise<Float64Array> {
  const model = await loadModel(reference, folder);
  const { logits } = run(reference, model, tokens);
  return Float64Array.from((await reference.read(logits)).data);
}

async function weights(model: OpenMergeModel): Promise<Map<string, Uint8Array>> {
  const { checkpoint } = model;
  const bare = (name: string): string => name.replace(/^transformer\./, "");
  return new Map(
    await Promise.all(
      checkpoint.names.map(
        async (name): Promise<[string, Uint8Array]> => [
          bare(name),
          (await checkpoint.read(name)).bytes,
        ],
      ),
    ),
  );
}

/** Σ over tensors, from the files alone. */
async function naiveObjective(a: OpenMergeModel, b: OpenMergeModel): Promise<number> {
  let sum = 0;
  for (const name of a.checkpoint.names) {
    const x = await a.checkpoint.numbers(name, "f64");
    const y = await b.checkpoint.numbers(name, "f64");
    x.forEach((one, i) => {
      sum += one * (y[i] as number);
    });
  }
  return sum;
}

describeWithFixtures("permutations", (fixtures) => {
  const { cases } = fixtures.golden<{ readonly cases: readonly Case[] }>("merge-permutation");

  test.each(cases)("of $source", async (one) => {
    const source = await open(fixtures, one.source);
    const other = await open(fixtures, one.permuted);
    const made = await permuted(source, one.permutation);
    expect(await weights(made)).toEqual(await weights(other));
    expect(await weights(await permuted(other, one.to_recover))).toEqual(await weights(source));
    expect(inverse(one.permutation)).toEqual(one.to_recover);
    for (const [row, tokens] of one.sequences.entries()) {
      const [before, after] = [await logitsOf(source, tokens), await logitsOf(made, tokens)];
      expect(after).toBeNear(before, { rtol: 0, atol: 2e-13 });
      const last = after.subarray(after.length * (1 - 1 / tokens.length)).subarray(0, 5);
      expect(last).toBeNear(one.logits_last_row_first5[row] ?? [], { rtol: 1e-10, atol: 1e-11 });
    }
  });

  test.each(cases)("$permuted is brought back, with noise too", async (one) => {
    const source = await open(fixtures, one.source);
    const other = await open(fixtures, one.permuted);
    const found = await matchWeights(source, other);
    expect(found.permutation).toEqual(one.to_recover);
    expect(found.settled).toBe(true);
    if (one.objective !== undefined) {
      const ends = [found.objective[0] ?? 0, found.objective.at(-1) ?? 0];
      expect(ends).toBeNear(one.objective, { rtol: 1e-10, atol: 0 });
    }
    // An engine of float32 finds it too.
    const engine = await createCpu({ threads: 1 });
    const inNoise = await matchWeights(source, await noisy(other, 0.1), { engine });
    expect(inNoise.permutation).toEqual(one.to_recover);
  });

  test("a permuted fine-tune is brought to its sibling, from any start and in any order", async () => {
    const [a, b] = [
      await open(fixtures, "trained/llama-a"),
      await open(fixtures, cases[0]?.permuted ?? ""),
    ];
    const { to_recover: expected, permutation: start } = cases[0] as Case; // the golden has two
    expect((await matchWeights(a, b)).permutation).toEqual(expected);
    expect((await matchWeights(a, b, { first: "layers" })).permutation).toEqual(expected);
    expect((await matchWeights(a, b, { start })).permutation).toEqual(expected);
  });

  test("by activations too a permuted copy is brought back, and each thing goes with itself", async () => {
    const [one] = cases;
    const [source, other] = [
      await open(fixtures, one?.source ?? ""),
      await open(fixtures, one?.permuted ?? ""),
    ];
    const [a, b] = [
      await loadModel(reference, source.folder),
      await loadModel(reference, other.folder),
    ];
    const found = await matchActivations(reference, a, b, one?.sequences ?? []);
    expect(found.permutation).toEqual(one?.to_recover);
    expect(Object.keys(found.correlation)).toEqual([
      "residual",
      "L0.mlp",
      "L1.mlp",
      "L0.attn",
      "L1.attn",
    ]);
    for (const value of Object.values(found.correlation))
      expect(value).toBeNear(1, { rtol: 1e-9, atol: 0 });
    await expect(matchActivations(reference, a, b, [[0]])).rejects.toMatchObject({
      code: "merge/align-tokens",
    });
  });

  test("signs: recovered by weights and by activations, and refused with LayerNorm", async () => {
    const [one] = cases;
    const source = await open(fixtures, one?.source ?? "");
    const order = cases[0]?.permutation as Permutation; // the golden has it
    const signs = order.residual.map((_, i) => (i % 3 === 0 ? -1 : 1));
    const other = await permuted(source, { ...order, signs });
    const tokens = one?.sequences[0] ?? [];
    expect(await logitsOf(other, tokens)).toBeNear(await logitsOf(source, tokens), {
      rtol: 0,
      atol: 2e-13,
    });
    const back = inverse({ ...order, signs });
    expect(await weights(await permuted(other, back))).toEqual(await weights(source));
    expect((await matchWeights(source, other, { signs: true })).permutation).toEqual(back);
    expect((await matchWeights(source, other, { start: back })).permutation).toEqual(back);
    expect((await matchWeights(source, other)).permutation).not.toEqual(back);
    const [a, b] = [
      await loadModel(reference, source.folder),
      await loadModel(reference, other.folder),
    ];
    const found = await matchActivations(reference, a, b, one?.sequences ?? [], { signs: true });
    expect(found.permutation).toEqual(back);
    expect(found.correlation.residual).toBeNear(1, { rtol: 1e-9, atol: 0 });
    const gpt2 = await open(fixtures, "models/gpt2-a");
    await expect(matchWeights(gpt2, gpt2, { signs: true })).rejects.toMatchObject({
      code: "merge/align-signs",
    });
  });

  test("another seed: no exchange of two is better than what is found", async () => {
    const [a, b] = [
      await open(fixtures, "trained/llama-base"),
      await open(fixtures, "trained/llama-other"),
    ];
    const seen: number[] = [];
    const found = await matchWeights(a, b, { onProgress: ({ done }) => seen.push(done) });
    const { permutation, objective, order } = found;
    expect(seen.slice(0, 5)).toEqual([0, 1, 2, 3, 4]);
    expect(order.map(({ kind, layer }) => `${kind} ${layer}`)).toEqual([
      "residual -1",
      "heads 0",
      "mlp 0",
      "heads 1",
      "mlp 1",
    ]);
    const [start = 0] = objective;
    const value = objective.at(-1) ?? 0;
    expect(objective).toEqual([...objective].sort((x, y) => x - y));
    expect(await naiveObjective(a, b)).toBeNear(start, { rtol: 1e-12, atol: 0 });
    expect(await naiveObjective(a, await permuted(b, permutation))).toBeNear(value, {
      rtol: 1e-12,
      atol: 0,
    });
    // One local optimum of several: that of this order of groups.
    const { paths } = fixtures.golden<Barrier>("merge-barrier");
    const { alignment, objective: expected } = paths.base_other_aligned;
    expect(permutation).toEqual(alignment);
    expect([start, value]).toBeNear(expected, { rtol: 1e-10, atol: 0 });
    const swap = (list: readonly number[], i: number, j: number): number[] =>
      list.with(i, list[j] as number).with(j, list[i] as number);
    const exchanged: Permutation[] = [
      { ...permutation, residual: swap(permutation.residual, 0, 17) },
      { ...permutation, mlp: permutation.mlp.with(1, swap(permutation.mlp[1] ?? [], 3, 30)) },
      { ...permutation, heads: permutation.heads.with(0, swap(permutation.heads[0] ?? [], 0, 1)) },
      // The key-value heads with their groups.
      { ...permutation, heads: permutation.heads.map((h) => [...h.slice(2), ...h.slice(0, 2)]) },
    ];
    for (const one of exchanged) {
      expect(await naiveObjective(a, await permuted(b, one))).toBeLessThan(value);
    }
  });

  test("what is no permutation of a model, and models of two shapes", async () => {
    const b = await open(fixtures, "trained/llama-b");
    const identity = (await matchWeights(b, b, { sweeps: 0 })).permutation;
    const refused = (change: Partial<Permutation>): (() => unknown) => {
      return () => permutedTensors(b, { ...identity, ...change });
    };
    const wrong = expect.objectContaining({ code: "merge/permutation" });
    expect(refused({ residual: identity.residual.with(0, 1) })).toThrow(wrong);
    expect(refused({ residual: identity.residual.with(0, 24) })).toThrow(wrong);
    expect(refused({ mlp: [] })).toThrow(wrong);
    // One head of each key-value head.
    expect(
      refused({
        heads: [
          [0, 2, 1, 3],
          [0, 1, 2, 3],
        ],
      }),
    ).toThrow(wrong);
    const small = await open(fixtures, "models/llama-a");
    await expect(matchWeights(b, small)).rejects.toMatchObject({ code: "merge/align-shapes" });
  });
});

test.each([["gpt_neox"], ["gemma3"], ["transformer_lens-gated"]])(
  "%s in another order computes the same, and is brought back",
  async (family) => {
    const model = await openMergeModel(tinyModel(family));
    const { permutation: identity } = await matchWeights(model, model);
    const uniform = drawing(3);
    const order = (list: readonly number[]): number[] => shuffled(list.length, uniform);
    const { heads: count, kv_heads } = architectureOf(model.config);
    const group = count / kv_heads;
    const heads = identity.heads.map(() =>
      shuffled(kv_heads, uniform).flatMap((kv) =>
        shuffled(group, uniform).map((head) => kv * group + head),
      ),
    );
    const signs = architectureOf(model.config).norm !== "layer";
    const permutation = {
      residual: order(identity.residual),
      ...(signs && { signs: identity.residual.map(() => (uniform() < 0.5 ? -1 : 1)) }),
      mlp: identity.mlp.map(order),
      heads,
    };
    const other = await permuted(model, permutation);
    expect(await weights(other)).not.toEqual(await weights(model));
    const tokens = [1, 3, 2, 5, 4];
    const [before, after] = [await logitsOf(model, tokens), await logitsOf(other, tokens)];
    expect(after).toBeNear(before, { rtol: 0, atol: 1e-12 });
    expect((await matchWeights(model, other, { signs })).permutation).toEqual(inverse(permutation));
    expect(matchingCost(model, other).bytes).toBeGreaterThan(0);
  },
);

test("assignments are the best of all", () => {
  const gains = fc
    .integer({ min: 1, max: 5 })
    .chain((n) =>
      fc.array(fc.integer({ min: -3, max: 3 }), { minLength: n * n, maxLength: n * n }),
    );
  fc.assert(
    fc.property(gains, (gain) => {
      const n = Math.sqrt(gain.length);
      const found = bestAssignment(Float64Array.from(gain), n);
      expect([...found].sort()).toEqual(Array.from({ length: n }, (_, i) => i));
      const sum = found.reduce(
        (total, column, row) => total + (gain[row * n + column] as number),
        0,
      );
      expect(sum).toBe(bestOfAll(gain, n, 0, []));
    }),
  );
});

/** Every order tried. */
function bestOfAll(
  gain: readonly number[],
  n: number,
  row: number,
  used: readonly number[],
): number {
  if (row === n) return 0;
  const rest = Array.from({ length: n }, (_, j) => j).filter((j) => !used.includes(j));
  return Math.max(
    ...rest.map((j) => (gain[row * n + j] as number) + bestOfAll(gain, n, row + 1, [...used, j])),
  );
}

test("correlations are Pearson's, and 0 with what never changes", () => {
  const uniform = drawing(5);
  const a = Array.from({ length: 60 }, (_, k) => (k % 3 === 2 ? 0.1 : uniform() + 5));
  const b = Array.from({ length: 60 }, uniform);
  const moments = noMoments(3);
  addSamples(moments, a, b);
  const column = (x: readonly number[], i: number): number[] => x.filter((_, k) => k % 3 === i);
  const centred = (x: readonly number[]): number[] => {
    const mean = x.reduce((sum, one) => sum + one, 0) / x.length;
    return x.map((one) => one - mean);
  };
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((sum, one, k) => sum + one * (y[k] as number), 0);
  const expected = Array.from({ length: 9 }, (_, at) => {
    const [x, y] = [centred(column(a, Math.floor(at / 3))), centred(column(b, at % 3))];
    return at >= 6 ? 0 : dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
  });
  expect(correlations(moments)).toBeNear(expected, { rtol: 1e-9, atol: 1e-12 });
});

test("a table in stretches of rows is the table", async () => {
  const model = await openMergeModel(tinyModel("gpt2"));
  const table = placed(model).tensors.find(({ holds }) => holds.includes("embed.W_E")) as Placed;
  const parts = stretches(table, 100);
  expect(parts.length).toBeGreaterThan(3);
  const read = await Promise.all(parts.map((part) => numbersOf(model, part, {})));
  const whole = await model.checkpoint.numbers(table.name, "f64");
  expect(read.flatMap((part) => [...part])).toEqual([...whole]);
});

test("agreement along an axis of odd size, by its definition", async () => {
  const [n, rest] = [5, 301];
  const uniform = drawing(9);
  const a = Float64Array.from({ length: n * rest }, uniform);
  const b = Float64Array.from({ length: n * rest }, uniform);
  const upTo = (size: number): number[] => Array.from({ length: size }, (_, i) => i);
  const mlp = shuffled(rest, uniform);
  const residual = upTo(n);
  const sizes = { residual: n, signsFree: false, layers: [{ mlp: rest, kvHeads: 0, group: 0 }] };
  const parts = [
    { kind: "residual" as const, size: n, stride: rest, signed: true },
    { kind: "mlp" as const, size: rest, stride: 1, signed: false },
  ];
  const dtype = "F64" as const;
  const tensor = {
    ...{ place: "x", name: "x", dtype, shape: [n, rest], parts, layer: 0, copy: false },
    holds: [],
  };
  const sums = new Float64Array(n * n);
  const permutation = { residual, mlp: [mlp], heads: [[]] };
  await addAgreement(sums, { tensor, a, b }, "residual", { permutation, sizes });
  const expected = upTo(n * n).map((at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return mlp.reduce((sum, old, k) => sum + (a[i * rest + k] ?? 0) * (b[j * rest + old] ?? 0), 0);
  });
  expect(sums).toBeNear(expected, { rtol: 1e-12, atol: 0 });
});
