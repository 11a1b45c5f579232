import {
  checkParameters,
  type DictionaryFiles,
  type Subject,
  type Vocabulary,
} from "@resolvent/analysis";
import { effects, expandPaths, logitReadout } from "@resolvent/paths";
import { reference, type Tensor } from "@resolvent/tensor";
import { tinyDictionary, tinyModel } from "@resolvent/testkit";
import { loadModel, run } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { graphAnalysis } from "../src/analyses/graph.ts";
import type { GraphResult } from "../src/analyses/graph-result.ts";
import { graphOf } from "../src/analyses/graph-tables.ts";
import {
  attributionGraph,
  edgeDegrees,
  targetDegrees,
  verifyEdge,
} from "../src/attribution/index.ts";
import { graphFile, readGraph } from "../src/graph/index.ts";
import { type DictionaryRun, parseSite, withDictionaries } from "../src/index.ts";
import { codeOf, numbers, reluDictionary } from "./make.ts";

const tokens = [3, 17, 5, 28, 9];
const rounding = { rtol: 1e-10, atol: 1e-12 };
const F = 10;
const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

describe.each(["gpt2", "gemma2"])("a target of %s", (family) => {
  const loading = loadModel(reference, tinyModel(family), { hash: false });

  async function withMade(
    use: (made: DictionaryRun<Tensor>, again: () => Promise<number[]>) => Promise<void>,
  ): Promise<void> {
    const model = await loading;
    const d = model.architecture.d_model;
    const dictionaries = Array.from({ length: model.architecture.layers }, (_, layer) =>
      reluDictionary(
        reference,
        d,
        {
          ...{ W_enc: numbers(d * F, 31 + layer), W_dec: numbers(d * F, 41 + layer) },
          ...{ b_enc: numbers(F, 51 + layer), b_dec: numbers(d, 61 + layer) },
        },
        {
          input: parseSite(`L${layer}.mlp.normed`),
          output: parseSite(`L${layer}.mlp.write`),
          ...{ transcoder: true, name: `transcoder ${layer}` },
        },
      ),
    );
    await withDictionaries(reference, model, tokens, dictionaries, async (made) => {
      const activeOf = (layer: number): number[] => {
        const gate = made.run.gates.get(`L${layer}.mlp.gate`) as Tensor;
        const { d_mlp = 1 } = gate.shape;
        const on = Array.from(gate.data).flatMap((one, i) => (one === 0 ? [] : [i % d_mlp]));
        return [...new Set(on)].sort((a, b) => a - b);
      };
      const again = async (): Promise<number[]> => {
        const some = { chosen: activeOf };
        return await withDictionaries(reference, model, tokens, dictionaries, byDegree, some);
      };
      await use(made, again);
    });
  }

  const target = { a: 4, b: 9 };
  async function byDegree(made: DictionaryRun<Tensor>): Promise<number[]> {
    const readout = logitReadout(reference, made.model, made.run, target);
    const [found] = await effects(reference, made.model, made.run, made.sources, [readout]);
    return [
      found?.constant ?? 0,
      ...Array.from({ length: made.model.stages.length + 1 }, (_, k) =>
        sum((found?.sources ?? []).map((one) => one.byDegree[k] ?? 0)),
      ),
    ];
  }

  test("is the difference of two logits; its row adds up, and its edges are what takes them away", async () => {
    const model = await loading;
    const { logits: said } = run(reference, model, tokens);
    const { vocab = 1 } = said.shape;
    const cap = model.final.cap;
    await withMade(async (made) => {
      for (const which of [target, { a: 4, b: null }]) {
        const options = { logits: { target: which } };
        const { graph, certificate, logits } = await attributionGraph(reference, made, options);
        expect(certificate.rows).toBeLessThan(1e-12);
        expect(certificate.logits).toBeLessThan(1e-10);
        const last = Array.from(said.data).slice(-vocab);
        const uncapped = (id: number): number => {
          const one = last[id] ?? Number.NaN;
          return cap === undefined ? one : cap * Math.atanh(one / cap);
        };
        const value = uncapped(4) - (which.b === null ? 0 : uncapped(which.b));
        expect(logits).toMatchObject([{ id: vocab, probability: 1 }]);
        expect(logits[0]?.value).toBeNear(value, { rtol: 1e-8, atol: 1e-10 });
        const node = graph.nodes.length - 1;
        const edges = Array.from(graph.edges.target.keys()).filter(
          (edge) => graph.edges.target[edge] === node,
        );
        const { degrees, values } = await edgeDegrees(reference, made, graph);
        for (const edge of edges.slice(0, 4)) {
          const weight = graph.edges.weight[edge] ?? Number.NaN;
          const { frozen, live } = await verifyEdge(reference, made, graph, edge);
          expect(frozen).toBeNear(weight, rounding);
          expect(live).not.toBeNaN();
          const parts = Array.from(values.subarray(edge * degrees, (edge + 1) * degrees));
          expect(sum(parts)).toBeNear(weight, rounding);
        }
        const again = readGraph(JSON.parse(JSON.stringify(graphFile(graph))));
        expect(again.nodes.at(-1)?.fields).toMatchObject({
          target_tokens: which.b === null ? [4] : [4, 9],
        });
      }
    });
  });

  test("by degree, is that of the model by paths, and of what begins where in features", async () => {
    const model = await loading;
    const paths = await expandPaths(reference, model, tokens, { target, level: "block", top: 1 });
    await withMade(async (made, again) => {
      const { degrees, constant, certificate } = await targetDegrees(
        reference,
        model,
        made,
        target,
      );
      expect(certificate).toBeLessThan(1e-12);
      expect(degrees).toHaveLength(paths.byDegree.length);
      const all = await byDegree(made);
      expect(constant).toBeNear(all[0] ?? Number.NaN, rounding);
      degrees.forEach((row, k) => {
        expect(row.model).toBeNear(paths.byDegree[k]?.sum ?? Number.NaN, rounding);
        expect(row.replaced).toBeNear(all[k + 1] ?? Number.NaN, rounding);
        expect(row.tokens + row.errors + row.biases).toBe(row.replaced);
      });
      expect(sum(degrees.map((row) => row.errors))).not.toBe(0);
      expect(sum(degrees.map((row) => row.model))).toBeNear(paths.total, rounding);
      // With the active features alone every sum is the same.
      (await again()).forEach((one, i) => {
        expect(one).toBeNear(all[i] ?? Number.NaN, rounding);
      });
    });
  });
});

describe("graph with a target", () => {
  const vocabulary: Vocabulary = {
    encode: (prompt) => (typeof prompt === "string" ? [] : prompt),
    tokenId: Number,
    text: (id) => `t${id}`,
    entry: (id) => `t${id}`,
    decode: (ids) => ids.join(" "),
  };
  const dictionary: DictionaryFiles[] = [0, 1].map((layer) => ({
    name: `transcoder ${layer}`,
    folder: tinyDictionary({
      hook: `blocks.${layer}.ln2.hook_normalized`,
      hookOut: `blocks.${layer}.hook_mlp_out`,
      seed: layer + 1,
    }),
  }));

  async function graphWith(values: Readonly<Record<string, unknown>>): Promise<GraphResult> {
    const params = await checkParameters(graphAnalysis.params, { prompt: tokens, ...values });
    const subject: Subject<Tensor> = {
      engine: reference,
      model: await loadModel(reference, tinyModel("gpt2"), { hash: false }),
      vocabulary,
      linearAlgebra: () => Promise.reject(new Error("none")),
      provided: { dictionary },
      signal: new AbortController().signal,
      onProgress: () => {},
    };
    return await graphAnalysis.run(subject, params);
  }

  test("has paths through heads and features, checked, and the model's own beside them", async () => {
    const result = await graphWith({ target: [4, 9], top: 8, verify: 3, ablate: ["L1.F3"] });
    const { steps, target, degrees, logits } = result;
    expect(logits).toEqual([]);
    expect(target).toMatchObject({ readout: 'logit "t4" − "t9"', a: { id: 4 }, b: { id: 9 } });
    expect(graphOf(result).nodes.filter(({ kind }) => kind === "logit")).toMatchObject([
      { label: 'logit "t4" − "t9"' },
    ]);
    expect(result.certificate?.relativeError).toBeLessThan(1e-10);
    const value = target?.value ?? Number.NaN;
    const shown = steps?.shown ?? [];
    expect(shown).toHaveLength(8);
    const told = sum(shown.map(({ effect }) => effect)) + (steps?.notShown.sum ?? Number.NaN);
    expect(told + (steps?.otherSources ?? 0) + (result.constant ?? 0)).toBeNear(value, rounding);
    expect(told).toBeNear(sum(degrees.map((row) => row.tokens)), rounding);
    for (const { effect, verified } of shown.slice(0, 3)) {
      expect(verified?.predicted).toBeNear(effect, rounding);
      expect(verified?.frozen).toBeNear(effect, rounding);
    }
    expect(shown[3]?.verified).toBeNull();
    expect(result.ablated[0]?.frozen).toBeNear(result.ablated[0]?.predicted ?? 0, rounding);
    // A path without MLPs, or with one whole, is that of the model itself.
    const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
    const own = await expandPaths(reference, model, tokens, {
      ...{ target: { a: 4, b: 9 }, byPosition: true, top: 2000 },
    });
    for (const { source, position, nodes, model: beside } of shown) {
      const whole = nodes.map((node) => node.replace(/\.F\d+$/, ".mlp")).join();
      const same = own.shown.find(
        (one) => one.source === source && one.position === position && one.nodes.join() === whole,
      );
      expect(beside).toBe(same?.effect ?? null);
    }
    expect(shown.some(({ model: beside }) => beside !== null)).toBe(true);
  });

  test("is one thing to explain", async () => {
    const both = { target: [4, 9], logits: [4] };
    expect(await codeOf(() => graphWith(both))).toBe("dictionary/two-targets");
    const without = await graphWith({});
    expect(without).toMatchObject({ target: null, degrees: [], steps: null });
    expect(without.logits.length).toBeGreaterThan(0);
  });
});
