import { type Cpu, createCpu } from "@resolvent/cpu";
import { type LinearAlgebra, reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { type AttentionBlock, blocksOf, loadModel, type Model, run } from "@resolvent/transformer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  attentionFactors,
  COMPOSITION_KINDS,
  circuitSvd,
  composition,
  compositionScore,
  copying,
  cyclicFormsOf,
  eigenvaluesOf,
  headScores,
  ovCircuit,
  processingFor,
  processWeights,
  RAW,
  repeatedSequences,
  tokensRead,
  tokensWritten,
} from "../src/index.ts";
import { frobenius, fullCircuits, matrixOf, product, trace, transpose } from "./naive.ts";

const near = { rtol: 1e-9 };

let cpu: Cpu;
let linear: LinearAlgebra;
beforeAll(async () => {
  cpu = await createCpu({ precision: "f64", threads: 1 });
  linear = await cpu.linearAlgebra();
});
afterAll(() => cpu.close());

const attentionOf = (model: Model<Tensor>): AttentionBlock<Tensor>[] =>
  blocksOf(model).filter((block) => block.kind === "attn");

/** The unembedding with the final norm folded in, centred over the vocabulary. */
const centredUnembedding = (model: Model<Tensor>): Tensor =>
  reference.center(processWeights(reference, model).model.final.W_U, "vocab");

describe.each(tinyFamilies)("%s", (family) => {
  const load = (): Promise<Model<Tensor>> =>
    loadModel(reference, tinyModel(family), { hash: false });

  test("composition is that of the full matrices", async () => {
    const model = await load();
    const found = await composition(
      reference,
      linear,
      attentionFactors(reference, model, processingFor(model)),
    );
    const blocks = attentionOf(model);
    for (const [to, later] of blocks.entries()) {
      for (const [from, earlier] of blocks.entries()) {
        for (let h1 = 0; h1 < model.architecture.heads; h1++) {
          for (let h2 = 0; h2 < model.architecture.heads; h2++) {
            const A = fullCircuits(earlier, h1).OV;
            const { QK, OV } = fullCircuits(later, h2);
            for (const kind of COMPOSITION_KINDS) {
              const B = { query: QK, key: transpose(QK), value: OV }[kind];
              const score = compositionScore(
                found,
                kind,
                { layer: from, head: h1 },
                { layer: to, head: h2 },
              );
              const full = frobenius(product(A, B)) / (frobenius(A) * frobenius(B));
              expect(score).toBeNear(from < to ? full : 0, near);
            }
          }
        }
      }
    }
  });

  test("copying scores in the stream need matrices only, those through embeddings a model's ends", async () => {
    const model = await load();
    const processing = processingFor(model, RAW);
    const factors = attentionFactors(reference, model, processing);
    const all = await copying(reference, linear, factors, { model, processing });
    const own = factors.map(({ W_V, W_O }) => ({
      W_V: reference.constant(W_V.shape, W_V.data),
      W_O: reference.constant(W_O.shape, W_O.data),
    }));
    expect(await copying(reference, linear, own)).toEqual({ residual: all.residual });
    const { embed, final } = model;
    expect(await copying(reference, linear, own, { model: { embed, final } })).toEqual(all);
  });

  test("copying scores are by traces and eigenvalues of the full matrices", async () => {
    const model = await load();
    const processing = processingFor(model);
    const factors = attentionFactors(reference, model, processing);
    const all = await copying(reference, linear, factors, { model, processing });
    const W_E = matrixOf(model.embed.W_E, "vocab", "d_model");
    const W_U = matrixOf(centredUnembedding(model), "d_model", "vocab");
    const head = { layer: 1, head: 1 };
    const forms = cyclicFormsOf(reference, model, ovCircuit(reference, model, head), processing);
    const { OV } = fullCircuits(attentionOf(model)[1] as AttentionBlock<Tensor>, 1); // two layers at least
    const through = product(product(W_E, OV), W_U);
    const sizes = (full: number[][]): number =>
      eigenvaluesOf(linear, {
        shape: { d_head: full.length, other: full.length },
        data: Float64Array.from(full.flat()),
      }).reduce((sum, { re, im }) => sum + Math.hypot(re, im), 0);
    const score = (full: number[][]): number => trace(full) / sizes(full);
    // Zero eigenvalues of the full matrices are found to 1e-16^(1/k) only.
    const rough = { rtol: 1e-5 };
    expect(all.residual[1]?.[1]).toBeNear(score(OV), rough);
    expect(all.embeddingCentred[1]?.[1]).toBeNear(score(through), rough);
    expect(
      reference.sum(reference.mul(forms.embeddingCentred, identity(forms.embeddingCentred)), [
        "d_head",
        "other",
      ]),
    ).toBeNear(trace(through), near);
    for (const [form, scores] of [
      [forms.residual, all.residual],
      [forms.embedding, all.embedding],
      [forms.embeddingCentred, all.embeddingCentred],
    ] as const) {
      const own = eigenvaluesOf(linear, form);
      const total = own.reduce((sum, { re, im }) => sum + Math.hypot(re, im), 0);
      expect(scores[1]?.[1]).toBeNear(own.reduce((sum, { re }) => sum + re, 0) / total, near);
    }
  });

  test("the SVD is that of the full matrix, and its tokens those that score most", async () => {
    const model = await load();
    const head = { layer: 0, head: 0 };
    const svd = await circuitSvd(reference, linear, ovCircuit(reference, model, head));
    const { OV } = fullCircuits(attentionOf(model)[0] as AttentionBlock<Tensor>, 0); // there is one
    const again = reference.matmul(
      reference.mul(svd.left, svd.values),
      reference.rename(svd.right, { d_model: "out" }),
      ["rank"],
    );
    expect(matrixOf(again, "d_model", "out")).toBeNear(OV, near);
    const gram = reference.matmul(svd.right, reference.rename(svd.right, { rank: "other" }), [
      "d_model",
    ]);
    expect(gram).toBeNear(identity(gram), { atol: 1e-10 });
    // Whoever decomposes may give either sign of each pair.
    const other = Object.assign(Object.create(linear), {
      svd: (...given: Parameters<typeof linear.svd>) => {
        const { U, S, V } = linear.svd(...given);
        const sign = given[1] === "left" ? -1 : 1; // of the core
        return { U: reference.scale(U, sign), S, V: reference.scale(V, sign) };
      },
    });
    const turned = await circuitSvd(reference, other, ovCircuit(reference, model, head));
    expect(turned.left).toBeNear(svd.left, { atol: 0 });
    expect(turned.right).toBeNear(svd.right, { atol: 0 });

    const processing = processingFor(model);
    const read = await tokensRead(reference, model, svd.left, { top: 3 });
    const written = await tokensWritten(reference, model, svd.right, processing, { top: 3 });
    const U = transpose(matrixOf(svd.left, "d_model", "rank"));
    const V = transpose(matrixOf(svd.right, "d_model", "rank"));
    const inputs = product(U, transpose(matrixOf(model.embed.W_E, "vocab", "d_model")));
    const outputs = product(V, matrixOf(centredUnembedding(model), "d_model", "vocab"));
    for (const [ends, scores] of [
      [read, inputs],
      [written, outputs],
    ] as const) {
      ends.forEach(({ positive, negative }, rank) => {
        const row = scores[rank] ?? [];
        const sorted = row.toSorted((a, b) => b - a);
        expect(positive.map(({ score }) => score)).toBeNear(sorted.slice(0, 3), near);
        expect(negative.map(({ score }) => score)).toBeNear(sorted.slice(-3).reverse(), near);
        for (const { id, score } of [...positive, ...negative])
          expect(score).toBeNear(row[id] ?? Number.NaN, near);
      });
    }
  });

  test("scores of runs are those of the patterns and of what values write", async () => {
    const model = await load();
    const repeated = repeatedSequences(model, { length: 6, count: 2, seed: 4 });
    if (repeated === undefined) throw new Error("Its context has room.");
    const found = await headScores(reference, model, repeated);
    const { length, sequences } = repeated;
    const { heads, layers } = model.architecture;
    const processed = processWeights(reference, model, { centreWrites: false }).model;
    const W_U = matrixOf(processed.final.W_U, "d_model", "vocab");
    const centring = processed.final.norm?.kind === "layer";
    for (let layer = 0; layer < layers; layer++) {
      for (let head = 0; head < heads; head++) {
        const sums = { previous: 0, duplicate: 0, induction: 0, copied: 0, received: 0 };
        for (const tokens of sequences) {
          const name = `L${layer}.attn`;
          const { trace: sites } = run(reference, model, tokens, {
            sites: [`${name}.pattern`, `${name}.value`],
          });
          const of = (a: Tensor | undefined, axis: string, i: number): Tensor => {
            if (a === undefined) throw new Error("Every run has it.");
            return reference.sum(reference.slice(a, axis, i, i + 1), [axis]);
          };
          const A = matrixOf(of(sites.get(`${name}.pattern`), "head", head), "pos", "key_pos");
          const block = attentionOf(model)[layer] as AttentionBlock<Tensor>; // one for each layer
          const groups = block.W_Q.shape.group ?? 1;
          const values = matrixOf(
            of(sites.get(`${name}.value`), "kv_head", Math.floor(head / groups)),
            "key_pos",
            "d_head",
          );
          const { right } = ovCircuit(
            reference,
            model,
            { layer, head },
            { processing: { foldNorms: false, centreWrites: centring } },
          );
          const { scale } = block.writeNorm ?? {};
          const output = scale === undefined ? right : reference.mul(right, scale);
          const logits = product(product(values, matrixOf(output, "d_head", "d_model")), W_U);
          const size = tokens.length;
          const mean = (rows: number[], back: number): number =>
            rows.reduce((sum, i) => sum + (A[i]?.[i - back] ?? Number.NaN), 0) /
            rows.length /
            sequences.length;
          const second = Array.from({ length }, (_, i) => size - length + i);
          sums.previous += mean(
            Array.from({ length: size - 1 }, (_, i) => i + 1),
            1,
          );
          sums.duplicate += mean(second, length);
          sums.induction += mean(second, length - 1);
          for (let key = repeated.bos === null ? 0 : 1; key < size; key++) {
            const weight = A.reduce((sum, row) => sum + (row[key] ?? 0), 0);
            const choices = tokens.slice(-length);
            const gained = choices.map((token) => logits[key]?.[token] ?? Number.NaN);
            sums.copied +=
              weight *
              correlation(
                gained,
                choices.map((token) => (token === tokens[key] ? 1 : 0)),
              );
            sums.received += weight;
          }
        }
        const own = (table: readonly (readonly (number | null)[])[]): number =>
          table[layer]?.[head] ?? Number.NaN;
        expect(own(found.previousToken)).toBeNear(sums.previous, near);
        expect(own(found.duplicateToken)).toBeNear(sums.duplicate, near);
        expect(own(found.induction)).toBeNear(sums.induction, near);
        expect(own(found.copying)).toBeNear(sums.copied / sums.received, near);
      }
    }
  });
});

test("a head that turns each embedding into its own logit copies perfectly, the opposite not at all", () => {
  const side = 4;
  const matrix = (factor: number): Tensor =>
    reference.scale(identity(reference.fill({ d_head: side, other: side }, 0)), factor);
  const score = (factor: number): number => {
    const values = eigenvaluesOf(linear, matrix(factor));
    return (
      values.reduce((sum, { re }) => sum + re, 0) /
      values.reduce((sum, { re, im }) => sum + Math.hypot(re, im), 0)
    );
  };
  expect(score(2)).toBe(1);
  expect(score(-3)).toBe(-1);
});

test("repeated tokens: deterministic, different within a copy, within bounds", async () => {
  const model = await loadModel(reference, tinyModel("llama"), { hash: false });
  const first = repeatedSequences(model, { length: 20, count: 3, seed: 1 });
  expect(repeatedSequences(model, { length: 20, count: 3, seed: 1 })).toEqual(first);
  expect(repeatedSequences(model, { length: 20, count: 3, seed: 2 })).not.toEqual(first);
  for (const row of first?.sequences ?? []) {
    expect(row).toHaveLength(41);
    expect(row[0]).toBe(1); // the model's bos
    const copy = row.slice(1, 21);
    expect(row.slice(21)).toEqual(copy);
    expect(new Set(copy).size).toBe(20);
    for (const special of [1, 2, 28]) expect(copy).not.toContain(special);
  }
  const few = repeatedSequences(model, { length: 9, allowed: (id) => id < 3, bos: undefined });
  expect(few?.bos).toBeNull();
  expect(new Set(few?.sequences.flat())).toEqual(new Set([0, 1, 2]));
  const error = (code: string): unknown => expect.objectContaining({ code });
  expect(() => repeatedSequences(model, { length: 32 })).toThrow(error("attention/too-long"));
  expect(() => repeatedSequences(model, { bos: 29 })).toThrow(error("attention/bad-token"));
  expect(() => repeatedSequences(model, { count: 0 })).toThrow(error("attention/bad-repeat"));
  expect(() => repeatedSequences(model, { allowed: () => false })).toThrow(
    error("attention/no-tokens"),
  );
});

function identity({ shape }: Tensor): Tensor {
  const [size = 0] = Object.values(shape);
  return {
    shape,
    data: Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0)),
  };
}

function correlation(x: readonly number[], y: readonly number[]): number {
  const centred = (z: readonly number[]): number[] => {
    const mean = z.reduce((sum, value) => sum + value, 0) / z.length;
    return z.map((value) => value - mean);
  };
  const [a, b] = [centred(x), centred(y)];
  return (
    a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0) /
    (Math.hypot(...a) * Math.hypot(...b))
  );
}
