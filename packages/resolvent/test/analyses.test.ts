import {
  type AnyAnalysis,
  type AnyOutlineAnalysis,
  type FoundModel,
  type Host,
  runAnalysis,
  type Vocabulary,
} from "@resolvent/analysis";
import { reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, outlineModel } from "@resolvent/transformer";
import { modelAnalyses } from "resolvent/analyses";
import { expect, test } from "vitest";

const vocabulary: Vocabulary = {
  encode: (prompt) => (typeof prompt === "string" ? [...prompt].map(Number) : prompt),
  tokenId: Number,
  text: String,
  entry: String,
  decode: (ids) => ids.join(" "),
};

/** A host in memory: the reference engine and a tiny model. It says what was loaded. */
function tinyHost(loaded: string[]): Host {
  const folder = tinyModel("gpt2");
  const find = async (): Promise<FoundModel> => ({
    outline: await outlineModel(folder, { name: "tiny" }),
    vocabulary,
    textWarnings: () => [],
    files: async () => ({ sha256: "0", tensors: [], tokenizer: false, warnings: [] }),
    weights: () => ({ kept: "in f64", bytes: 8 }),
    plan: ({ purpose }) => ({
      use: async (work) => {
        loaded.push(purpose);
        return await work({
          engine: reference,
          model: await loadModel(reference, folder, { name: "tiny" }),
        });
      },
    }),
  });
  return { precision: "f64", offers: { layers: true }, find };
}

function named(name: string): AnyAnalysis | AnyOutlineAnalysis {
  const found = modelAnalyses.find((analysis) => analysis.name === name);
  if (found === undefined) throw new Error(`There is no ${name}.`);
  return found;
}

test("their order is that of a list of commands", () => {
  expect(modelAnalyses.map(({ name }) => name)).toEqual(["inspect", "run", "profile"]);
});

test("each runs on any host: of files alone without loading a model", async () => {
  const loaded: string[] = [];
  const inspected = await runAnalysis(named("inspect"), {}, tinyHost(loaded));
  expect(inspected.result).toMatchObject({ kind: "inspection", model: { sha256: "0" } });
  expect(loaded).toEqual([]);
  for (const name of ["run", "profile"]) {
    const { result } = await runAnalysis(named(name), { prompt: [1, 2, 3] }, tinyHost(loaded));
    expect(result.kind).toBe(name);
  }
  expect(loaded).toHaveLength(2);
});
