import { createLinearAlgebra } from "@resolvent/cpu";
import { describeWithFixtures, tinyModel } from "@resolvent/testkit";
import { architectureOf } from "@resolvent/transformer";
import { encodeNumbers } from "@resolvent/weights";
import { folderOf } from "@resolvent/weights/node";
import { expect, test } from "vitest";
import {
  alignModels,
  type BasisChange,
  changeBasis,
  matchRotations,
  memoryModel,
  permutedTensors,
} from "../src/align/index.ts";
import { type OpenMergeModel, openMergeModel } from "../src/index.ts";
import { anyBases, apart, gaussian, invertible, orthogonal, pairs } from "./bases.ts";

const TOKENS = [[1, 3, 2, 5, 4]];

interface Golden {
  readonly sequences: readonly (readonly number[])[];
  readonly rows: readonly {
    readonly change: string;
    readonly exact: boolean;
    readonly max_logit_difference: number;
  }[];
}

async function changed(
  model: OpenMergeModel,
  change: BasisChange,
  options: { readonly like?: OpenMergeModel } = {},
): Promise<OpenMergeModel> {
  return await memoryModel(
    "changed",
    await changeBasis(model, change, { dtype: "F64", ...options }),
  );
}

/** The model with its numbers changed by name, without any of what is tested here. */
async function rewritten(
  model: OpenMergeModel,
  change: (name: string, numbers: Float64Array, columns: number) => ArrayLike<number>,
): Promise<OpenMergeModel> {
  const { checkpoint, config } = model;
  const tensors = await Promise.all(
    checkpoint.names.map(async (name) => {
      const { shape } = checkpoint.info(name);
      const numbers = await checkpoint.numbers(name, "f64");
      const bytes = encodeNumbers(change(name, numbers, shape.at(-1) ?? 1), "F64");
      return { name, dtype: "F64" as const, shape, bytes };
    }),
  );
  return await memoryModel("rewritten", { config, tensors });
}

// How many pairs of coordinates turn with the position.
test.each([
  ["gpt2", 0],
  ["gpt_neox", 2],
  ["llama", 4],
  ["transformer_lens-gated", 3],
])("%s in other bases computes the same, and is brought back", async (family, turning) => {
  const model = await openMergeModel(tinyModel(family));
  const any = await changed(model, anyBases(model, 5, { turning, rigid: false }));
  expect(await apart(model, any, TOKENS)).toBeLessThan(2e-13);
  const other = await changed(model, anyBases(model, 3, { turning, rigid: true }));
  expect(await apart(model, other, TOKENS)).toBeLessThan(2e-13);
  const linearAlgebra = await createLinearAlgebra();
  const found = await matchRotations(model, other, { linearAlgebra });
  expect(found.settled).toBe(true);
  expect(found.objective).toEqual([...found.objective].sort((x, y) => x - y));
  expect(found.distance[0]).toBeGreaterThan(1);
  expect(found.distance[1]).toBeLessThan(1e-5);
  const back = await changed(other, found.change, { like: model });
  expect(await apart(model, back, TOKENS)).toBeLessThan(1e-12);
  // With the scales of the model's norms it has all of the model's numbers.
  const folded = model.config.tie_word_embeddings === true ? ["lm_head.weight"] : [];
  expect(back.checkpoint.names.length).toBe(model.checkpoint.names.length + folded.length);
  for (const name of model.checkpoint.names.filter((one) => !/\.(b|bias|b_\w)$/.test(one))) {
    const expected = await model.checkpoint.numbers(name, "f64");
    expect(await back.checkpoint.numbers(name, "f64")).toBeNear(expected, { rtol: 0, atol: 1e-5 });
  }
});

describeWithFixtures("symmetries", (fixtures) => {
  const golden = fixtures.golden<Golden>("merge-symmetries");
  const open = async (name: string): Promise<OpenMergeModel> =>
    await openMergeModel(folderOf(fixtures.path(`fixtures/merging/trained/${name}`)));

  test("each is exact, or is not, as the table has it", async () => {
    const model = await open("llama-b");
    const normal = gaussian(11);
    const both = <T>(make: () => T): T[] => [make(), make()];
    const head = (): Float64Array[] => both(() => invertible(6, normal));
    const turn = orthogonal(24, normal);
    const swap = [0, 1, 2, 3, 4, 5].map((i) => [1, 0, 2, 3, 4, 5][i] as number);
    const scales = Array.from({ length: 40 }, () => Math.exp(normal()) * (normal() < 0 ? -1 : 1));
    const identity = Float64Array.from({ length: 576 }, (_, at) => (at % 25 === 0 ? 1 : 0));
    const order = {
      residual: [...Array(24).keys()],
      mlp: both(() => [...Array(40).keys()]),
      heads: both(() => [0, 1, 2, 3]),
    };
    const moved = async (
      change: Partial<typeof order> & { signs?: number[] },
    ): Promise<OpenMergeModel> =>
      await memoryModel("moved", {
        config: model.config,
        tensors: permutedTensors(model, { ...order, ...change }),
      });
    /** Rows or columns of q and k in another order, within each head. */
    const withinHeads = (name: string, x: Float64Array, columns: number): Float64Array =>
      !/[qk]_proj/.test(name)
        ? x
        : x.map((_, at) => {
            const row = Math.floor(at / columns);
            const old = Math.floor(row / 6) * 6 + (swap[row % 6] as number);
            return x[old * columns + (at % columns)] as number;
          });
    const turned = (name: string, x: Float64Array, columns: number): Float64Array =>
      /norm/.test(name)
        ? x
        : x.map((_, at) => {
            // o and down write into the stream with their rows, all others read it by columns.
            const [row, column] = [Math.floor(at / columns), at % columns];
            const writes = /o_proj|down_proj/.test(name);
            let sum = 0;
            for (let j = 0; j < 24; j++) {
              sum += writes
                ? (turn[row * 24 + j] as number) * (x[j * columns + column] as number)
                : (turn[column * 24 + j] as number) * (x[row * columns + j] as number);
            }
            return sum;
          });
    const models: Record<string, () => Promise<OpenMergeModel>> = {
      "residual basis permuted": async () => await moved({ residual: order.residual.toReversed() }),
      "MLP neurons permuted": async () =>
        await moved({ mlp: order.mlp.map((one) => one.toReversed()) }),
      "heads permuted (groups kept together)": async () =>
        await moved({ heads: both(() => [3, 2, 0, 1]) }),
      "residual signs flipped per coordinate, scales kept (RMSNorm)": async () =>
        await moved({ signs: order.residual.map((i) => (i % 3 === 0 ? -1 : 1)) }),
      "RMSNorm scales folded": async () => await changed(model, { residual: identity }),
      "orthogonal residual basis after folding": async () =>
        await changed(model, { residual: turn }),
      "orthogonal residual basis WITHOUT folding": async () => await rewritten(model, turned),
      "value basis of each kv head changed by an invertible matrix": async () =>
        await changed(model, { layers: both(() => ({ values: head() })) }),
      "rotary pairs of query and key turned and scaled together": async () =>
        await changed(model, {
          layers: both(() => ({ keys: both(() => pairs(6, 3, normal, true)) })),
        }),
      "coordinates within heads permuted in query and key, under rotary embedding": async () =>
        await rewritten(model, withinHeads),
      "up branch of each neuron scaled, down divided (any sign)": async () =>
        await changed(model, { layers: both(() => ({ neurons: Float64Array.from(scales) })) }),
      "gate branch of each neuron scaled, down divided": async () =>
        await rewritten(model, (name, x, columns) =>
          x.map((one, at) => {
            if (/gate_proj/.test(name)) return one * (scales[Math.floor(at / columns)] as number);
            return /down_proj/.test(name) ? one / (scales[at % columns] as number) : one;
          }),
        ),
      "all writes into the residual doubled, eps kept": async () =>
        await rewritten(model, (name, x) =>
          /embed|o_proj|down_proj/.test(name) ? x.map((one) => 2 * one) : x,
        ),
      "query heads swapped across groups, keys left": async () =>
        await rewritten(model, (name, x, columns) =>
          x.map((_, at) => {
            const [row, column] = [Math.floor(at / columns), at % columns];
            if (!/layers\.0/.test(name)) return x[at] as number;
            const other = (i: number): number => [1, 3, 0, 2][Math.floor(i / 6)] as number;
            if (/q_proj/.test(name))
              return x[(other(row) * 6 + (row % 6)) * columns + column] as number;
            return /o_proj/.test(name)
              ? (x[row * columns + other(column) * 6 + (column % 6)] as number)
              : (x[at] as number);
          }),
        ),
    };
    expect(Object.keys(models)).toEqual(golden.rows.map(({ change }) => change));
    /** Those in which nothing is drawn at random: the golden's number to its digits. */
    const same = /^(all writes|query heads|residual signs)/;
    for (const { change, exact, max_logit_difference: expected } of golden.rows) {
      const made = (await models[change]?.()) as OpenMergeModel; // as just compared
      const difference = await apart(model, made, golden.sequences);
      if (exact) expect(difference, change).toBeLessThan(2e-13);
      else expect(difference, change).toBeGreaterThan(4e-3);
      if (!same.test(change)) continue;
      expect(difference, change).toBeNear(expected, { rtol: 1e-10, atol: 0 });
    }
  });

  test("what is no symmetry is refused", async () => {
    const [model, gpt2, gemma] = [
      await open("llama-b"),
      await openMergeModel(tinyModel("gpt2")),
      await openMergeModel(tinyModel("gemma3")),
    ];
    const normal = gaussian(3);
    const refused = async (of: OpenMergeModel, change: BasisChange): Promise<void> => {
      await expect(changeBasis(of, change)).rejects.toMatchObject({ code: "merge/basis" });
    };
    await refused(model, { residual: invertible(24, normal) });
    await refused(model, { residual: orthogonal(23, normal) });
    await refused(gpt2, { residual: orthogonal(16, normal) }); // turns what LayerNorm takes away
    await refused(gemma, { residual: orthogonal(architectureOf(gemma.config).d_model, normal) });
    const twice = <T>(one: T): T[] => [one, one];
    const ofHeads = (m: Float64Array): Float64Array[] => twice(m);
    await refused(model, { layers: twice({ keys: ofHeads(orthogonal(6, normal)) }) });
    await refused(model, { layers: twice({ values: ofHeads(new Float64Array(36)) }) });
    await refused(model, { layers: twice({ values: [orthogonal(6, normal)] }) });
    const ones = (n: number): Float64Array => new Float64Array(n).fill(1);
    await refused(model, { layers: twice({ neurons: ones(40).fill(0, 3, 4) }) });
    const wide = architectureOf(gpt2.config).d_mlp;
    await refused(gpt2, { layers: twice({ neurons: ones(wide) }) }); // GELU
    // A norm of queries and keys scales the two of a pair by different numbers.
    const { d_head, kv_heads, layers } = architectureOf(gemma.config);
    const keys = Array.from({ length: kv_heads }, () => pairs(d_head, d_head / 2, normal, false));
    await refused(gemma, { layers: Array.from({ length: layers }, () => ({ keys })) });
  });

  test("two seeds: rotations bring them nearer than orders do, and B computes what it did", async () => {
    const [a, b] = [await open("llama-base"), await open("llama-other")];
    const rotations = { linearAlgebra: await createLinearAlgebra() };
    const seen = new Set<string>();
    const found = await alignModels(a, b, {
      rotations,
      dtype: "F64",
      sweeps: 4,
      onProgress: ({ stage }) => seen.add(stage),
    });
    expect([...seen]).toEqual(["permutation", "rotation"]);
    const [order, turn] = found.stages;
    const { groups = [], objective = [], distance = [0, 0], settled } = turn ?? {};
    expect(groups.map(({ kind, layer }) => `${kind} ${layer}`)).toEqual([
      ...["residual -1", "values 0", "keys 0", "mlp 0", "values 1", "keys 1", "mlp 1"],
    ]);
    expect([objective.length, settled]).toEqual([5, false]);
    expect(objective).toEqual([...objective].sort((x, y) => x - y));
    expect(distance[1]).toBeLessThan(order?.distance[1] ?? 0);
    expect(order?.distance[1]).toBeLessThan(order?.distance[0] ?? 0);
    const aligned = await memoryModel("aligned", found);
    expect(await apart(b, aligned, golden.sequences)).toBeLessThan(2e-12);
    // The objective by its definition: both with folded norms, whose scales are left out.
    const residual = Float64Array.from({ length: 576 }, (_, at) => (at % 25 === 0 ? 1 : 0));
    const [inA, inB] = [await changed(a, { residual }), await changed(aligned, { residual })];
    let sum = 0;
    for (const name of inA.checkpoint.names.filter((one) => !/norm/.test(one))) {
      const x = await inA.checkpoint.numbers(name, "f64");
      const y = await inB.checkpoint.numbers(name, "f64");
      sum += x.reduce((total, one, i) => total + one * (y[i] as number), 0);
    }
    expect(objective.at(-1)).toBeNear(sum, { rtol: 1e-12, atol: 0 });
    // The norms are A's.
    const name = "model.norm.weight";
    const scales = await a.checkpoint.numbers(name, "f64");
    expect(await aligned.checkpoint.numbers(name, "f64")).toEqual(scales);
  });
});
