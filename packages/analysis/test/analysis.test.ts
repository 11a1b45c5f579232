import {
  type Analysis,
  checkParameters,
  defineAnalysis,
  inputLine,
  modelFacts,
  type Prompt,
  type Result,
  type Subject,
  tokenFacts,
  type Vocabulary,
} from "@resolvent/analysis";
import { parameters, promptParameter } from "@resolvent/analysis/parameters";
import { InputError, type LinearAlgebra, reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, outlineModel, run, runCost } from "@resolvent/transformer";
import { expect, test } from "vitest";

interface Norm extends Result {
  readonly kind: "residual-norm";
  readonly norm: number;
}

/** A schema of no object. */
const textsSchema = {
  "~standard": {
    ...parameters({})["~standard"],
    jsonSchema: { input: () => ({ type: "array" }), output: () => ({ type: "array" }) },
  },
};

/** What the README shows. */
const residualNorm: Analysis<{ prompt: Prompt }, Norm> = defineAnalysis<{ prompt: Prompt }, Norm>({
  name: "residual-norm",
  summary: "norm of the residual stream",
  description: "The norm of the final residual stream.",
  params: parameters({ prompt: promptParameter("text to read") }),
  estimate: ({ model, vocabulary, precision }, { prompt }) =>
    runCost(model, vocabulary.encode(prompt), { precision }),
  run: async ({ engine, model, vocabulary }, { prompt }) => {
    const kept = run(engine, model, vocabulary.encode(prompt));
    const { data } = await engine.read(kept.residual);
    engine.free(kept);
    return {
      schemaVersion: 1,
      kind: "residual-norm",
      model: modelFacts(model),
      norm: Math.hypot(...data),
    };
  },
  tables: ({ norm }) => [
    { kind: "norm", columns: [{ name: "norm", kind: "number" }], rows: [[norm]] },
  ],
});

const vocabulary: Vocabulary = {
  encode: (prompt) => (typeof prompt === "string" ? [...prompt].map(Number) : prompt),
  tokenId: Number,
  text: String,
  entry: String,
  decode: (ids) => ids.join(" "),
};

test("an analysis is asked what it takes, runs, and gives plain data with tables", async () => {
  const folder = tinyModel("gpt2");
  const { params, estimate, run: work, tables } = residualNorm;
  const given = await checkParameters(params, { prompt: "123" });
  const outline = { model: await outlineModel(folder), vocabulary, precision: "f64" } as const;
  expect(estimate(outline, given).flops).toBeGreaterThan(1000);
  expect(estimate(outline, { prompt: [1] }).flops).toBeLessThan(estimate(outline, given).flops);
  const model = await loadModel(reference, folder);
  const subject: Subject<Tensor> = {
    engine: reference,
    model,
    vocabulary,
    linearAlgebra: async (): Promise<LinearAlgebra> => {
      throw new Error("nobody asked for it");
    },
    signal: new AbortController().signal,
    onProgress: () => {},
  };
  const result = await work(subject, given);
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  expect(result.model).toEqual({
    name: model.name,
    sha256: model.sha256 ?? null,
    architecture: "gpt2",
    blocks: ["L0.attn", "L0.mlp", "L1.attn", "L1.mlp"],
  });
  expect(result.norm).toBeGreaterThan(0);
  expect(tables(result)[0]?.rows).toEqual([[result.norm]]);
});

test("what is defined is what comes back; names and parameters are checked", () => {
  const definition = { ...residualNorm, name: "a2-b" };
  expect(defineAnalysis(definition)).toBe(definition);
  for (const name of ["", "Norm", "a--b", "a-", "-a", "a b", "2a", "a_b"]) {
    expect(() => defineAnalysis({ ...residualNorm, name })).toThrow(InputError);
  }
  expect(() => defineAnalysis({ ...residualNorm, params: textsSchema as never })).toThrow(
    /an object, got a schema of array/,
  );
});

test("what tables say of the input", () => {
  const model = { name: "tiny", blocks: ["L0.attn"] };
  const facts = tokenFacts([1, 2], { text: (id) => ` "${id}"` });
  expect(facts).toEqual([
    { id: 1, text: ' "1"' },
    { id: 2, text: ' "2"' },
  ]);
  expect(inputLine(model, facts)).toBe('tiny, 1 blocks, 2 tokens: " \\"1\\" \\"2\\""');
  const long = inputLine(model, [{ id: 0, text: "x".repeat(61) }]);
  expect(long).toBe(`tiny, 1 blocks, 1 token: "${"x".repeat(57)}…"`);
});
