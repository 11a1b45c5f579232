import {
  type AnyAnalysis,
  type FoundModel,
  type Host,
  runAnalyses,
  runAnalysis,
  type Vocabulary,
  type Wanted,
} from "@resolvent/analysis";
import { expansionAnalyses } from "@resolvent/expansion/analyses";
import { pathsAnalyses } from "@resolvent/paths/analyses";
import { type Engine, InputError, reference, sizeOf, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { run as forward, loadModel, outlineModel } from "@resolvent/transformer";
import { modelAnalyses } from "resolvent/analyses";
import { describe, expect, test } from "vitest";

const all = [...modelAnalyses, ...expansionAnalyses, ...pathsAnalyses];
const named = (name: string): AnyAnalysis => all.find((one) => one.name === name) as AnyAnalysis;

const vocabulary: Vocabulary = {
  encode: (prompt) => (typeof prompt === "string" ? [...prompt].map(Number) : prompt),
  tokenId: Number,
  text: String,
  entry: String,
  decode: (ids) => ids.join(" "),
};

interface Counted {
  patterns: number;
  loads: number;
  readonly peaks: number[];
}

/** A host in memory that counts attention patterns, of which a run makes one a layer, and loads. */
function countingHost(counted: Counted, limit = Number.POSITIVE_INFINITY): Host {
  const folder = tinyModel("gpt2");
  const engine: Engine<Tensor> = {
    ...reference,
    softmax: (...given) => {
      counted.patterns++;
      return reference.softmax(...given);
    },
  };
  const find = async (): Promise<FoundModel> => ({
    outline: await outlineModel(folder),
    vocabulary,
    files: async () => ({ sha256: "0", tensors: [], tokenizer: false, warnings: [] }),
    weights: () => ({ kept: "in f64", bytes: 8 }),
    plan: ({ peakBytes }: Wanted) => {
      counted.peaks.push(peakBytes);
      if (peakBytes > limit) {
        throw new InputError({ code: "test/over-budget", message: `${peakBytes} > ${limit}` });
      }
      return {
        use: async (work) => {
          counted.loads++;
          return await work({ engine, model: await loadModel(engine, folder) });
        },
      };
    },
  });
  return { precision: "f64", offers: { layers: true }, find };
}

const fresh = (): Counted => ({ patterns: 0, loads: 0, peaks: [] });
const prompt = [3, 1, 4, 1, 5];

/** Analyses whose work is a run, and then what is made of it; both layers of the model have attention. */
const asked = [
  { analysis: named("run"), values: { prompt, sites: ["*.pattern", "*.write", "final.norm"] } },
  { analysis: named("lens"), values: { prompt } },
  { analysis: named("expand"), values: { prompt, target: [1, 2] } },
  { analysis: named("paths"), values: { prompt, target: [1, 2], level: "head" } },
];

async function apart(list: typeof asked) {
  const counted = fresh();
  const results = [];
  for (const { analysis, values } of list) {
    results.push((await runAnalysis(analysis, values, countingHost(counted))).result);
  }
  return { counted, results };
}

async function together(list: typeof asked) {
  const counted = fresh();
  const outcomes = await runAnalyses(list, countingHost(counted));
  return { counted, results: outcomes.map(({ result }) => result) };
}

describe("several analyses of one prompt", () => {
  test("make the run once, on a model that is loaded once; the numbers are those of each alone", async () => {
    const [one, both] = [await apart(asked), await together(asked)];
    expect(both.results).toEqual(one.results);
    expect([one.counted.loads, both.counted.loads]).toEqual([4, 1]);
    const layers = 2;
    expect(one.counted.patterns - both.counted.patterns).toBe((asked.length - 1) * layers);
  });

  test("qk shares its runs of the whole model", async () => {
    const list = [
      { analysis: named("qk"), values: { prompt, head: "L1.H0", query: 4, key: 1 } },
      ...asked.slice(1, 2),
    ];
    const [one, both] = [await apart(list), await together(list)];
    expect(both.results).toEqual(one.results);
    // It makes two of its own, to choose the target and to take the edge apart.
    expect(one.counted.patterns - both.counted.patterns).toBe(2 * 2);
  });

  test.each([
    ["series", 2],
    ["interactions", 1],
  ])("%s shares its plain runs, of which there are %d", async (name, runs) => {
    const list = [{ analysis: named(name), values: { prompt } }, ...asked.slice(1, 2)];
    const [one, both] = [await apart(list), await together(list)];
    expect(both.results).toEqual(one.results);
    expect(one.counted.patterns - both.counted.patterns).toBe(runs * 2);
  });

  test("do not share a run that is computed in another way, since its rounding is another", async () => {
    const list = [{ analysis: named("run"), values: { prompt, sites: ["*.head"] } }, ...asked];
    const [one, both] = [await apart(list), await together(list)];
    expect(both.results).toEqual(one.results);
    expect(one.counted.patterns - both.counted.patterns).toBe((asked.length - 1) * 2);
  });

  test("of different prompts share nothing but the model", async () => {
    const list = [
      { analysis: named("lens"), values: { prompt } },
      { analysis: named("lens"), values: { prompt: [1, 2] } },
    ];
    const [one, both] = [await apart(list), await together(list)];
    expect(both.results).toEqual(one.results);
    expect(both.counted.patterns).toBe(one.counted.patterns);
    expect(both.counted.loads).toBe(1);
  });

  test("with nodes taken out make runs of their own", async () => {
    const list = [
      { analysis: named("run"), values: { prompt, ablate: ["L0.H0"] } },
      { analysis: named("run"), values: { prompt } },
      { analysis: named("lens"), values: { prompt } },
    ];
    const [one, both] = [await apart(list), await together(list)];
    expect(both.results).toEqual(one.results);
  });

  test("have room for what is shared in their plan, before anything is loaded", async () => {
    const alone = (await apart(asked)).counted.peaks;
    const { peaks } = (await together(asked)).counted;
    expect(peaks).toHaveLength(1);
    const sites = [
      "embed",
      "*.write",
      "*.after",
      "*.attn.norm",
      "*.mlp.norm",
      "*.pattern",
      "*.gate",
    ];
    const { trace, residual } = forward(
      reference,
      await loadModel(reference, tinyModel("gpt2")),
      prompt,
      { sites },
    );
    const kept = [...trace.values(), residual].map(({ shape }) => sizeOf(shape));
    expect(peaks[0]).toBe(Math.max(...alone) + 8 * kept.reduce((sum, size) => sum + size, 0));
    const counted = fresh();
    const host = countingHost(counted, Math.max(...alone));
    await expect(runAnalyses(asked, host)).rejects.toMatchObject({ code: "test/over-budget" });
    expect(counted.loads).toBe(0);
  });

  test("are all refused where one is", async () => {
    const counted = fresh();
    const list = [...asked, { analysis: named("lens"), values: { prompt, top: 3 } }];
    await expect(runAnalyses(list, countingHost(counted))).rejects.toMatchObject({
      code: "analysis/bad-parameters",
    });
    expect(counted.loads).toBe(0);
  });
});
