import {
  type AnyAnalysis,
  type Checkpoint,
  checkParameters,
  checkViews,
  type NewFolder,
  type Subject,
  type TextFile,
  type Vocabulary,
} from "@resolvent/analysis";
import { type Engine, reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, outlineModel } from "@resolvent/transformer";
import { memoryFolder } from "@resolvent/weights";
import { describe, expect, test } from "vitest";
import type { DictionaryTraining } from "../src/analyses/train-result.ts";
import { dictionaryAnalyses } from "../src/analyses.ts";
import { evaluateDictionary, loadDictionary } from "../src/index.ts";
import { codeOf } from "./make.ts";

const engine: Engine<Tensor> = reference;
const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
const analysis = dictionaryAnalyses.find(({ name }) => name === "train-dictionary") as AnyAnalysis; // ours

const vocabulary: Vocabulary = {
  encode: (prompt) => (typeof prompt === "string" ? [] : prompt),
  tokenId: Number,
  text: (id) => `t${id}`,
  entry: (id) => `t${id}`,
  decode: (ids) => ids.join(" "),
};

/** Lines of ids, one of a single one. */
const lines = [
  ...Array.from({ length: 8 }, (_, n) => Array.from({ length: 7 }, (_, i) => (5 * n + 3 * i) % 29)),
  [4],
];
const fileOf = (texts: readonly (readonly number[])[]): TextFile => ({
  name: "ids.txt",
  stream: async function* () {
    yield new TextEncoder().encode(texts.map((ids) => ids.join(",")).join("\n"));
  },
});

/** A folder in memory that keeps what is written to it. */
function newFolder(): NewFolder & { readonly files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>();
  return {
    ...{ name: "made", files },
    write: async (fill) =>
      await fill(async (file, pieces) => {
        const parts: Uint8Array[] = [];
        for await (const piece of pieces) parts.push(piece);
        files.set(file, Buffer.concat(parts));
      }),
  };
}

const small = {
  ...{ site: "L0.mlp.normed", target: "L0.mlp.write", features: 6, k: 2, steps: 6, batch: 8 },
  ...{ buffer: 16, rate: 0.01, heldOut: 2 },
};

/** Runs the analysis as a host would. */
async function run(
  given: Readonly<Record<string, unknown>>,
  more: Partial<Subject<Tensor>> = {},
): Promise<DictionaryTraining> {
  const all = { tokensFile: fileOf(lines), ...given };
  const params = await checkParameters(analysis.params, all);
  const subject: Subject<Tensor> = {
    ...{ engine, model, vocabulary, signal: new AbortController().signal },
    onProgress: () => {},
    linearAlgebra: () => Promise.reject(new Error("none is asked for")),
    ...more,
  };
  return (await analysis.run(subject, params)) as DictionaryTraining;
}

/** A place that keeps a copy of each state. */
function keeping(saved?: unknown): Checkpoint & { readonly states: unknown[] } {
  const states: unknown[] = [];
  return {
    ...{ saved, states },
    save: async (state) => {
      states.push(structuredClone(state));
    },
  };
}

test("trains, measures what is stored on texts that were kept, and writes it", async () => {
  const out = newFolder();
  const told: string[] = [];
  const result = await run(
    { ...small, out, dtype: "F16" },
    { onProgress: ({ note }) => void (note !== undefined && told.push(note)) },
  );
  expect([...out.files.keys()]).toEqual(["cfg.json", "sae_weights.safetensors"]);
  const stored = await loadDictionary(engine, memoryFolder(out.files));
  expect([result.dictionary?.site, result.dictionary?.output]).toEqual([small.site, small.target]);
  expect(result.settings).toMatchObject({ site: small.site, output: small.target, steps: 6 });
  expect(stored.trainedOn).toMatchObject({ prependBos: false, model: model.name });
  expect(stored).toMatchObject({
    features: 6,
    transcoder: true,
    architecture: "jumprelu_transcoder",
  });
  const kept = [lines[2] ?? [], lines[6] ?? []];
  expect(result.heldOut).toEqual({ texts: 2, tokens: 14 });
  expect(result.trained).toEqual({ texts: 6, tokens: 42 });
  const {
    density: _,
    site: _site,
    warnings: _warnings,
    ...own
  } = await evaluateDictionary(engine, model, stored, kept);
  expect(result.measured).toEqual(own);
  expect(result.steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(told).toHaveLength(6);
  expect(told[0]).toMatch(/^loss .*L0 2.*explained variance .*dead 0$/);
  expect(result.warnings.map(({ code }) => code)).toContain("short-texts");
  expect(result.saved?.files.map(({ bytes }) => bytes)).toEqual(
    [...out.files.values()].map(({ length }) => length),
  );
  checkViews(analysis.views?.(result) ?? [], analysis.tables(result));
  expect(analysis.answer?.(result).join(" ")).toContain("made");
});

test("a training that is stopped keeps its state, writes nothing, and goes on bit for bit", async () => {
  const whole = newFolder();
  await run({ ...small, out: whole });
  const stop = new AbortController();
  const [stopped, checkpoint, partial] = [newFolder(), keeping(), [] as DictionaryTraining[]];
  const ended = run(
    { ...small, out: stopped },
    {
      ...{ checkpoint, signal: stop.signal },
      onProgress: ({ done, of }) => void (of === "step" && done === 3 && stop.abort()),
      onPartial: (result) => void partial.push(result as DictionaryTraining),
    },
  );
  await expect(ended).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
  expect(stopped.files.size).toBe(0);
  expect(checkpoint.states).toHaveLength(1);
  expect(partial.map(({ steps, measured }) => [steps.length, measured])).toEqual([
    [1, null],
    [2, null],
    [3, null],
  ]);
  expect(analysis.answer?.(partial.at(-1) as never)[0]).toContain("After 3 of 6 steps");

  const [resumed, again] = [newFolder(), keeping(checkpoint.states[0])];
  const result = await run({ ...small, out: resumed }, { checkpoint: again });
  expect(result.steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(resumed.files).toEqual(whole.files);

  const other = { ...small, out: newFolder(), k: 3 };
  expect(await codeOf(() => run(other, { checkpoint: again }))).toBe("dictionary/other-training");
  const odd = keeping({ step: 3 });
  expect(await codeOf(() => run({ ...small, out: newFolder() }, { checkpoint: odd }))).toBe(
    "dictionary/no-checkpoint",
  );
});

test("a corpus of one text is measured on itself, and says so; a longer one is cut", async () => {
  const own = { ...small, tokensFile: fileOf(lines.slice(0, 1)), out: newFolder() };
  const one = await run(own);
  expect(one.warnings.map(({ code }) => code)).toEqual(["not-held-out"]);
  expect(one.heldOut).toEqual(one.trained);
  const cut = await run({ ...small, maxTokens: 21, out: newFolder() });
  expect(cut.corpus).toMatchObject({ tokens: 21, more: true });
  expect(await codeOf(() => run({ ...own, tokensFile: fileOf([[3]]) }))).toBe(
    "dictionary/no-tokens",
  );
});

describe("what cannot be is refused before any work", () => {
  const checked = async (given: Readonly<Record<string, unknown>>): Promise<string> =>
    await codeOf(() => checkParameters(analysis.params, given));
  const out = newFolder();
  test.each([
    ["no folder", { ...small }],
    ["a coefficient of topk", { ...small, out, coefficient: 1 }],
    ["no coefficient of l1", { ...small, out, loss: "l1" }],
    ["groups of topk", { ...small, out, loss: "topk", groups: [3, 3] }],
    ["no feature", { ...small, out, features: 0 }],
  ])("%s", async (_, given) => {
    expect(await checked(given)).toBe("analysis/bad-parameters");
    expect(await checked({ ...small, out })).toBe("none");
  });

  test.each([
    ["dictionary/not-savable", { loss: "topk" }],
    ["dictionary/no-site", { site: "L0.attn.pattern" }],
    ["dictionary/bad-setting", { k: 7 }],
    ["dictionary/bad-setting", { target: undefined, skip: true }],
    ["analysis/too-long", { length: 1e6 }],
  ])("%s, by shapes", async (code, more) => {
    const outline = { model: await outlineModel(tinyModel("gpt2")), vocabulary } as const;
    const estimate = async (given: object): Promise<number> => {
      const all = { ...small, tokensFile: fileOf(lines), out, ...given };
      const params = await checkParameters(analysis.params, all);
      return analysis.estimate({ ...outline, precision: "f64" }, params).flops;
    };
    expect(await estimate({})).toBeGreaterThan(1000);
    expect(await codeOf(() => estimate(more))).toBe(code);
  });
});
