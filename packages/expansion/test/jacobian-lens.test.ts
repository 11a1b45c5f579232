import { InputError, reference, type Tensor, tangent } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { torchArchive } from "@resolvent/testkit/archives";
import {
  blockWrite,
  loadModel,
  type Model,
  mapWeights,
  plainSites,
  run,
  unembed,
} from "@resolvent/transformer";
import { memorySource } from "@resolvent/weights";
import { describe, expect, test } from "vitest";
import { lens as lensAnalysis } from "../src/analyses/lens.ts";
import {
  fitJacobianLens,
  type JacobianLens,
  type JacobianSums,
  jacobianLensChunks,
  layerEnds,
  logitLens,
  promptJacobians,
  readJacobianLens,
} from "../src/index.ts";

const tokens = [3, 17, 5, 5, 9, 11];
const skip = 2;
const load = (family: string, seed = 4): Promise<Model<Tensor>> =>
  loadModel(reference, tinyModel(family, { seed }), { hash: false });

/**
 * `J_l` column by column, forward: the derivative of the final stream for a step along one dimension of the stream behind
 * the layer at all positions that count, summed over those positions and divided by how many there are.
 */
async function forwardJacobian(model: Model<Tensor>, layer: number): Promise<number[]> {
  const { d_model } = model.architecture;
  const after = `${layerEnds(model.architecture)[layer]}.after`;
  const { trace } = run(reference, model, tokens, { sites: [after] });
  const stream = trace.get(after) as Tensor; // it was asked for
  const columns = Array.from({ length: d_model }, (_, column) => {
    const ops = tangent(reference);
    const lifted = mapWeights(model, (weight) => ops.dual(weight));
    const step = reference.constant(
      { pos: tokens.length, d_model },
      tokens.flatMap((_, pos) =>
        Array.from({ length: d_model }, (_, i) => (i === column && counts(pos) ? 1 : 0)),
      ),
    );
    let moved = ops.dual(reference.arrange(stream, ["pos", "d_model"]), step);
    for (const stage of lifted.stages) {
      if ((stage[0]?.layer ?? 0) <= layer) continue;
      const read = moved;
      moved = stage
        .map((block) => blockWrite(ops, block, read, plainSites()))
        .reduce((sum, write) => ops.add(sum, write), read);
    }
    const end = reference.arrange(moved.tangent as Tensor, ["pos", "d_model"]);
    return Array.from({ length: d_model }, (_, i) => {
      const at = tokens.flatMap((_, pos) =>
        counts(pos) ? [end.data[pos * d_model + i] ?? 0] : [],
      );
      return at.reduce((a, b) => a + b, 0) / at.length;
    });
  });
  return Array.from({ length: d_model }, (_, row) =>
    columns.map((column) => column[row] ?? 0),
  ).flat();
}
const counts = (pos: number): boolean => pos >= skip && pos < tokens.length - 1;

describe.each(tinyFamilies)("%s", (family) => {
  test("Jacobians by the adjoint are those of forward derivatives", async () => {
    const model = await load(family);
    if (model.architecture.layers < 2) return;
    const found = await promptJacobians(reference, model, tokens, { skip });
    expect([...found.keys()].sort()).toEqual(
      Array.from({ length: model.architecture.layers - 1 }, (_, layer) => layer),
    );
    for (const [layer, J] of found) {
      expect(J).toBeNear(await forwardJacobian(model, layer), { rtol: 1e-9, atol: 1e-11 });
    }
    // In groups of one row, which is all that fits.
    const [narrow] = (
      await promptJacobians(reference, model, tokens, { skip, memory: 1 })
    ).values();
    const [whole] = found.values();
    expect(narrow).toBeNear(whole ?? [], { rtol: 1e-12, atol: 1e-13 });
  });
});

describe("fitting", () => {
  const prompts = [tokens, [1, 2, 3, 4, 5], [9, 8, 7, 6, 5, 4, 3]];

  test("is the mean over prompts, and goes on from what it had", async () => {
    const model = await load("gpt2");
    const all = await Promise.all(
      prompts.map((own) => promptJacobians(reference, model, own, { skip })),
    );
    const states: JacobianSums[] = [];
    const lens = await fitJacobianLens(reference, model, prompts, {
      skip,
      onPrompt: ({ prompts, sums }) => {
        states.push({ prompts, sums: new Map([...sums].map(([layer, x]) => [layer, x.slice()])) });
      },
    });
    expect(lens).toMatchObject({ prompts: 3, d_model: 16 });
    const mean = (layer: number): number[] =>
      Array.from({ length: 256 }, (_, i) => {
        return all.reduce((sum, one) => sum + (one.get(layer)?.[i] ?? Number.NaN), 0) / 3;
      });
    for (const [layer, J] of lens.jacobians)
      expect(J).toBeNear(mean(layer), { rtol: 1e-12, atol: 1e-14 });
    const again = await fitJacobianLens(reference, model, prompts, { skip, from: states[1] });
    expect(again).toEqual(lens);
  });

  test("an interruption within a prompt hands over what those before it gave", async () => {
    const model = await load("gpt2");
    const controller = new AbortController();
    const told: number[] = [];
    const fit = fitJacobianLens(reference, model, prompts, {
      ...{ skip, signal: controller.signal },
      // After the pause behind the first prompt, in the one within the second.
      onProgress: () =>
        void setTimeout(() => setTimeout(() => controller.abort(new Error("enough")))),
      onPrompt: ({ prompts }) => void told.push(prompts),
    });
    await expect(fit).rejects.toThrow("enough");
    expect(told).toEqual([1, 1]);
  });

  test("refuses what has no position left, one layer, and no prompts", async () => {
    const model = await load("gpt2");
    const code = async (work: Promise<unknown>): Promise<string> =>
      await work.then(
        () => "none",
        (error) => (error instanceof InputError ? error.code : String(error)),
      );
    expect(await code(promptJacobians(reference, model, tokens))).toBe("expansion/short-prompt");
    expect(await code(fitJacobianLens(reference, model, []))).toBe("expansion/no-prompts");
    const one = { ...model, architecture: { ...model.architecture, layers: 1 } };
    expect(await code(promptJacobians(reference, one, tokens, { skip }))).toBe(
      "expansion/one-layer",
    );
    const streamed = {
      ...model,
      stages: { length: 1, [Symbol.iterator]: () => [][Symbol.iterator]() },
    };
    expect(await code(promptJacobians(reference, streamed, tokens, { skip }))).toBe(
      "expansion/streamed-model",
    );
  });
});

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of chunks) pieces.push(piece.slice());
  return new Uint8Array(Buffer.concat(pieces));
}

describe("reading through a lens", () => {
  const made = (async (): Promise<{ model: Model<Tensor>; lens: JacobianLens }> => {
    const model = await load("gpt2");
    return { model, lens: await fitJacobianLens(reference, model, [tokens], { skip }) };
  })();

  test("is unembedding J h behind each layer that the lens has, and the end as it is", async () => {
    const { model, lens } = await made;
    const { vocab, d_model } = model.architecture;
    const named = { ...lens, name: "mine" };
    const target = { a: 4, b: 9 };
    const through = await logitLens(reference, model, tokens, { target, through: named });
    const plain = await logitLens(reference, model, tokens, { target });
    expect(through.through).toEqual({ name: "mine", prompts: 1, layers: [0] });
    expect(plain.through).toBeUndefined();
    expect(through.points.map(({ after }) => after)).toEqual(["L0.mlp", "L1.mlp"]);
    expect(through.points[1]).toEqual(plain.points.at(-1));
    const { trace } = run(reference, model, tokens, { sites: ["L0.mlp.after"] });
    const h = reference.arrange(trace.get("L0.mlp.after") as Tensor, ["pos", "d_model"]);
    const J = lens.jacobians.get(0) ?? [];
    const carried = tokens.flatMap((_, pos) =>
      Array.from({ length: d_model }, (_, row) => {
        let sum = 0;
        for (let i = 0; i < d_model; i++) {
          sum += (J[row * d_model + i] ?? 0) * (h.data[pos * d_model + i] ?? 0);
        }
        return sum;
      }),
    );
    const stream = reference.constant({ pos: tokens.length, d_model }, carried);
    const { data } = unembed(reference, model, stream, plainSites());
    tokens.forEach((_, pos) => {
      const row = [...data.slice(pos * vocab, (pos + 1) * vocab)];
      expect(through.points[0]?.values[pos]).toBeNear((row[4] ?? 0) - (row[9] ?? 0), {
        rtol: 1e-9,
      });
      expect(through.points[0]?.top[pos]?.[0]?.id).toBe(row.indexOf(Math.max(...row)));
    });
  });

  test("the identity is the logit lens", async () => {
    const { model } = await made;
    const eye = Float64Array.from({ length: 256 }, (_, i) => (i % 17 === 0 ? 1 : 0));
    const through = { name: "I", d_model: 16, prompts: 1, jacobians: new Map([[0, eye]]) };
    const { points } = await logitLens(reference, model, tokens, { through });
    const plain = await logitLens(reference, model, tokens);
    expect(points[0]).toEqual(plain.points.find(({ after }) => after === "L0.mlp"));
  });

  test("another model's is refused", async () => {
    const { model, lens } = await made;
    const matrix = new Float64Array(256);
    for (const other of [
      { ...lens, d_model: 8 },
      { ...lens, jacobians: new Map([[2, matrix]]) },
    ]) {
      const work = logitLens(reference, model, tokens, { through: { ...other, name: "other" } });
      await expect(work).rejects.toMatchObject({ code: "expansion/other-lens" });
    }
  });

  test("a file that is written is read back, and the analysis reads through it", async () => {
    const { model, lens } = await made;
    const f32 = await readJacobianLens(
      memorySource(await bytesOf(jacobianLensChunks(lens, "f32"))),
    );
    expect(f32).toMatchObject({ d_model: 16, prompts: 1 });
    expect(f32.jacobians.get(0)).toEqual(Float32Array.from(lens.jacobians.get(0) ?? []));
    const bytes = await bytesOf(jacobianLensChunks(lens));
    const f16 = await readJacobianLens(memorySource(bytes));
    expect(f16.jacobians.get(0)).toBeNear(lens.jacobians.get(0) ?? [], {
      rtol: 2 ** -11,
      atol: 1e-6,
    });
    const file = {
      name: "lens.pt",
      stream: async function* () {
        yield bytes.subarray(0, 100);
        yield bytes.subarray(100);
      },
    };
    const vocabulary = {
      ...{ encode: () => tokens, tokenId: Number, decode: String },
      ...{ text: (id: number) => ` ${id}`, entry: (id: number) => ` ${id}` },
    };
    const result = await lensAnalysis.run(
      {
        ...{ engine: reference, model, vocabulary, signal: new AbortController().signal },
        ...{ onProgress: () => {}, linearAlgebra: () => Promise.reject(new Error("not needed")) },
      },
      { prompt: tokens, jacobian: file },
    );
    const direct = await logitLens(reference, model, tokens, {
      ...{ text: vocabulary.text, through: { ...f16, name: "lens.pt" } },
    });
    expect(result).toEqual(direct);
    const [targets] = lensAnalysis.tables(result);
    expect(targets?.title).toMatch(/^Jacobian lens: .* after every layer/);
    expect(targets?.notes?.at(-1)).toContain("lens.pt, mean Jacobians over 1 prompt");
  });

  test("what is no lens is refused", async () => {
    const { lens } = await made;
    const width = { ...lens, d_model: 8 };
    const infinite = { ...lens, jacobians: new Map([[0, new Float64Array(256).fill(Infinity)]]) };
    for (const [bytes, says] of [
      [torchArchive(Buffer.from("N"), {}), "it has no J"],
      [torchArchive(Buffer.from("}X\u0001\u0000\u0000\u0000J}s"), {}), "n_prompts and d_model"],
      [await bytesOf(jacobianLensChunks({ ...lens, jacobians: new Map() })), "it has no matrix"],
      [await bytesOf(jacobianLensChunks(infinite, "f32")), "not finite"],
    ] as const) {
      const error = await readJacobianLens(memorySource(bytes, "x.pt")).catch((caught) => caught);
      expect(error).toMatchObject({ code: "expansion/bad-lens" });
      expect(error.message).toContain(says);
    }
    await expect(bytesOf(jacobianLensChunks(width))).rejects.toMatchObject({
      code: "weights/size-mismatch",
    });
  });
});
