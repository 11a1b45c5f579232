import {
  checkParameters,
  type DictionaryFiles,
  type Outline,
  type Subject,
  type TextFile,
  type Vocabulary,
} from "@resolvent/analysis";
import { type Engine, reference, type Tensor } from "@resolvent/tensor";
import { type TinyDictionaryOptions, tinyDictionary, tinyModel } from "@resolvent/testkit";
import { loadModel, outlineModel } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { dictionaryAnalysis } from "../src/analyses/dictionary.ts";
import type { DictionaryResult } from "../src/analyses/dictionary-result.ts";
import { featuresAnalysis } from "../src/analyses/features.ts";
import type { FeaturesResult } from "../src/analyses/features-result.ts";
import { readLabels } from "../src/analyses/labels.ts";
import { gatherFeatures } from "../src/features/index.ts";
import { evaluateDictionary, loadDictionary, outlineDictionaries } from "../src/index.ts";
import { codeOf } from "./make.ts";

const engine: Engine<Tensor> = reference;

const vocabulary: Vocabulary = {
  encode: (prompt) => (typeof prompt === "string" ? [] : prompt),
  tokenId: Number,
  text: (id) => `t${id}`,
  entry: (id) => `t${id}`,
  decode: (ids) => ids.join(" "),
};

const fileOf = (text: string, name = "a.txt"): TextFile => ({
  name,
  stream: async function* () {
    yield new TextEncoder().encode(text);
  },
});

const texts = [[3, 1, 4, 1, 5], [9], [2, 6, 5, 3]];
const tokensFile = fileOf(texts.map((text) => text.join(",")).join("\n"));

const given = (name: string, options: TinyDictionaryOptions = {}): DictionaryFiles => ({
  name,
  folder: tinyDictionary(options),
});
const sae = given("sae");
const before = given("before", {
  ...{ hook: "blocks.0.ln2.hook_normalized", hookOut: "blocks.0.hook_mlp_out", seed: 1 },
});

async function subjectOf(dictionary: readonly DictionaryFiles[]): Promise<Subject<Tensor>> {
  return {
    engine,
    model: await loadModel(engine, tinyModel("gpt2"), { hash: false }),
    vocabulary,
    linearAlgebra: () => Promise.reject(new Error("none")),
    provided: { dictionary },
    signal: new AbortController().signal,
    onProgress: () => {},
  };
}

async function measured(
  values: Readonly<Record<string, unknown>>,
  dictionary: readonly DictionaryFiles[] = [sae],
): Promise<DictionaryResult> {
  const params = await checkParameters(dictionaryAnalysis.params, values);
  return await dictionaryAnalysis.run(await subjectOf(dictionary), params);
}

async function described(
  values: Readonly<Record<string, unknown>>,
  dictionary: readonly DictionaryFiles[] = [sae],
): Promise<FeaturesResult> {
  const params = await checkParameters(featuresAnalysis.params, values);
  return await featuresAnalysis.run(await subjectOf(dictionary), params);
}

describe("dictionary", () => {
  test("has what evaluateDictionary measures, and says what the dictionary is", async () => {
    const got = await measured({ tokensFile });
    const { model } = await subjectOf([]);
    const own = await evaluateDictionary(
      engine,
      model,
      await loadDictionary(engine, sae.folder),
      texts,
    );
    expect(got).toMatchObject({
      kind: "dictionary",
      dictionary: {
        ...{ architecture: "standard", layout: "saelens", site: "L1.mlp.after", features: 24 },
        ...{ output: "L1.mlp.after", d_in: 16, d_out: 16, transcoder: false, activation: "relu" },
      },
      corpus: { name: "a.txt", sequences: 3, tokens: 10, cut: 0, more: false },
      ...{ tokens: 10, l0: own.l0, explainedVariance: own.explainedVariance, loss: own.loss },
      ...{ recovered: own.recovered, kl: own.kl, density: own.density, formulas: own.formulas },
    });
    expect(got.warnings.map(({ code }) => code)).toEqual(["no-next-token"]);
  });

  test("texts of one token count for the reconstruction, and for no loss", async () => {
    const with1 = await measured({ tokensFile });
    const without = await measured({ tokensFile: fileOf("3,1,4,1,5\n2,6,5,3") });
    expect(with1.loss).toEqual({ ...without.loss, mean: expect.any(Number) });
    expect([with1.tokens, without.tokens]).toEqual([10, 9]);
    const only = await measured({ tokensFile: fileOf("9\n4\n7") });
    expect(only).toMatchObject({ tokens: 3, loss: null, recovered: null, recoveredFromMean: null });
    expect(only.explainedVariance).toBeTypeOf("number");
    expect(dictionaryAnalysis.tables(only).map(({ kind }) => kind)).not.toContain("loss");
  });

  test("without a corpus it says what the files say", async () => {
    const got = await measured({});
    const { data } = await engine.read((await loadDictionary(engine, sae.folder)).W_dec);
    const norms = Array.from({ length: 24 }, (_, f) =>
      Math.hypot(...Array.from({ length: 16 }, (_, i) => data[f * 16 + i] ?? Number.NaN)),
    );
    expect(got.weights.decoderNorm.most).toBeNear(Math.max(...norms), { rtol: 1e-12, atol: 0 });
    expect(got.weights.decoderNorm.least).toBeNear(Math.min(...norms), { rtol: 1e-12, atol: 0 });
    expect(got).toMatchObject({ corpus: null, tokens: null, l0: null, loss: null, density: null });
  });

  test("no more is read than is asked for, and what is not read is said", async () => {
    const got = await measured({ tokensFile, maxTokens: 7, length: 4 });
    expect(got.corpus).toMatchObject({ sequences: 3, tokens: 7, length: 4, cut: 1, more: true });
    expect(got.warnings.map(({ code }) => code)).toEqual([
      ...["no-next-token", "cut-texts", "part-of-corpus"],
    ]);
  });

  test("a site of its own, one for each; what does not fit is refused", async () => {
    expect((await measured({ tokensFile, site: ["L0.mlp.after"] })).dictionary.site).toBe(
      "L0.mlp.after",
    );
    const code = async (
      values: Readonly<Record<string, unknown>>,
      all?: readonly DictionaryFiles[],
    ): Promise<string> => await codeOf(() => measured({ tokensFile, ...values }, all));
    expect(await code({ site: ["L0.mlp.after", "L1.mlp.after"] })).toBe("dictionary/sites");
    expect(await code({ site: ["L0.mlp.behind"] })).toBe("dictionary/no-site");
    expect(await code({}, [sae, before])).toBe("dictionary/several");
    expect(await code({ corpus: fileOf("a") })).toBe("analysis/corpus");
    expect(await code({ tokensFile: fileOf("1,29") })).toBe("analysis/bad-tokens");
    expect(await code({ layer: 1 })).toBe("dictionary/no-layer"); // one dictionary has no layers to choose from
    expect(await code({ layer: 7 }, [sae, before])).toBe("dictionary/no-layer");
    expect(await code({}, [given("wide", { width: 8 })])).toBe("dictionary/width");
  });
});

test("shapes of a dictionary are those of its weights, of which none is read", async () => {
  const read: string[] = [];
  const folder = {
    ...sae.folder,
    open: async (file: string) => {
      const source = await sae.folder.open(file);
      if (source === undefined) return undefined;
      const bytes = async (from: number, to: number): Promise<Uint8Array> => {
        if (file.endsWith("safetensors") && from >= (await headerOf(source))) read.push(file);
        return await source.read(from, to);
      };
      return { ...source, read: bytes };
    },
  };
  const found = await outlineDictionaries(folder);
  const whole = await loadDictionary(engine, sae.folder);
  if (found.kind !== "one") throw new Error(found.kind);
  const { dictionary } = found;
  for (const name of ["W_enc", "W_dec", "b_dec"] as const) {
    expect(dictionary[name].shape).toEqual(whole[name].shape);
  }
  expect([dictionary.features, dictionary.input]).toEqual([24, whole.input]);
  expect(read).toEqual([]);
});

/** Where the numbers of a safetensors file begin. */
async function headerOf(source: {
  read(from: number, to: number): Promise<Uint8Array>;
}): Promise<number> {
  const length = await source.read(0, 8);
  return 8 + Number(new DataView(length.buffer, length.byteOffset).getBigUint64(0, true));
}

describe("features", () => {
  test("those with the largest activations, by what gatherFeatures finds", async () => {
    const got = await described({ tokensFile, top: 5, examples: 2 });
    const { model } = await subjectOf([]);
    const dictionary = await loadDictionary(engine, sae.folder);
    const all = await gatherFeatures(engine, model, dictionary, texts, { examples: 2 });
    const every = Array.from({ length: 24 }, (_, f) => all.of(f));
    const largest = every
      .filter(({ max }) => max !== null)
      .sort((a, b) => (b.max ?? 0) - (a.max ?? 0))
      .slice(0, 5);
    expect(got.features.map(({ feature }) => feature)).toEqual(largest.map((f) => f.feature));
    expect(got).toMatchObject({ tokens: 10, dead: all.dead, by: "max" });
    for (const [i, { examples, histogram, density }] of largest.entries()) {
      const row = got.features[i];
      expect(row).toMatchObject({ histogram, density });
      expect(row?.examples.map(({ tokens }) => tokens.map(({ id }) => id))).toEqual(
        examples.map(({ tokens }) => tokens),
      );
      expect(row?.examples.map(({ tokens }) => tokens.map(({ activation }) => activation))).toEqual(
        examples.map(({ activations }) => activations),
      );
      expect(row?.nearest).toHaveLength(5);
      expect(row?.promoted).toHaveLength(5);
    }
    const dense = await described({ tokensFile, top: 24, by: "density" });
    const densities = dense.features.map(({ density }) => density);
    expect(densities).toEqual(densities.toSorted((a, b) => b - a));
    expect(densities).toHaveLength(24 - all.dead);
  });

  test("named ones, with labels, and with what another dictionary feeds them", async () => {
    const labels = fileOf('{"7": "seven", "99": "nobody"}', "labels.json");
    const got = await described({ tokensFile, feature: [7, 2, 7], labels }, [sae, before]);
    expect(got.features.map(({ feature, label }) => [feature, label])).toEqual([
      [7, "seven"],
      [2, null],
    ]);
    expect(got.by).toBeNull();
    expect(got.others.map(({ site }) => site)).toEqual(["L0.mlp.normalized"]);
    for (const { fedBy, feeds } of got.features) {
      expect(fedBy.map(({ site, dictionary }) => [site, dictionary])).toEqual(
        Array.from({ length: 5 }, () => ["L0.mlp.write", 1]),
      );
      expect(feeds).toEqual([]);
    }
    expect(got.warnings.map(({ code }) => code)).toContain("labels");
    // The other way round the same pair has the same weight.
    const [strongest] = got.features[0]?.fedBy ?? [];
    const back = await described(
      { tokensFile, feature: [strongest?.feature], near: 24, which: 1 },
      [sae, before],
    );
    const same = back.features[0]?.feeds.find(({ feature }) => feature === 7);
    expect(same?.weight).toBeNear(strongest?.weight ?? Number.NaN, { rtol: 1e-10, atol: 1e-12 });
  });

  test("what there is not is refused", async () => {
    const code = async (values: Readonly<Record<string, unknown>>): Promise<string> =>
      await codeOf(() => described({ tokensFile, ...values }));
    expect(await code({ feature: [24] })).toBe("dictionary/no-feature");
    expect(await code({ which: 1 })).toBe("dictionary/no-dictionary");
    expect(await code({ tokensFile: undefined })).toBe("analysis/corpus");
    expect(await code({ labels: fileOf("[1]") })).toBe("dictionary/bad-labels");
  });
});

test("what they take is known before, and is more for more", async () => {
  const model = await outlineModel(tinyModel("gpt2"));
  const outline: Outline = { model, vocabulary, precision: "f32" };
  const provided = { dictionary: [sae] };
  for (const analysis of [dictionaryAnalysis, featuresAnalysis]) {
    const cost = async (maxTokens: number): Promise<number> => {
      const params = await checkParameters(analysis.params, { tokensFile, maxTokens });
      const found = await analysis.estimateProvided?.(outline, params as never, provided); // its own
      return found?.flops ?? 0;
    };
    expect(await cost(240)).toBeGreaterThan(1.8 * (await cost(120)));
    expect(await cost(120)).toBeGreaterThan(0);
  }
});

describe("labels", () => {
  const read = async (text: string): Promise<[number, string][]> => [
    ...(await readLabels(fileOf(text), 100)).of,
  ];

  test("as an object, as a list, and as lines, as Neuronpedia exports them", async () => {
    const entries = [
      { modelId: "m", layer: "6-res", index: "12", description: "past\u001b[31m tense" },
      { modelId: "m", layer: "6-res", index: 3, description: "names" },
      { modelId: "m", layer: "6-res", index: 3, description: "other names" },
    ];
    const expected = [
      [12, "past [31m tense"],
      [3, "names"],
    ];
    expect(await read(JSON.stringify(entries))).toEqual(expected);
    expect(await read(entries.map((one) => JSON.stringify(one)).join("\n"))).toEqual(expected);
    expect(await read('{"12": "past tense"}')).toEqual([[12, "past tense"]]);
    expect(await read(JSON.stringify(entries[0]))).toEqual([expected[0]]);
  });

  test("what is none is refused", async () => {
    for (const wrong of [
      ...["", "x", "3", "[[]]", '{"a": "b"}', '{"1": 2}', '{"-1": "x"}', '[{"index": 1.5}]'],
      '[{"index": 1, "description": "a", "layer": "1"}, {"index": 1, "description": "b", "layer": "2"}]',
    ]) {
      expect([wrong, await codeOf(() => read(wrong))]).toEqual([wrong, "dictionary/bad-labels"]);
    }
  });
});
