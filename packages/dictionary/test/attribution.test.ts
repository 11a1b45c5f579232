import { reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, type Model, run } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import {
  type AttributionOptions,
  attributionGraph,
  edgeDegrees,
  edgeHops,
  hopScore,
  type PromptGraph,
  verifyEdge,
  withDegrees,
} from "../src/attribution/index.ts";
import {
  type AttributionGraph,
  graphFile,
  graphScores,
  pruneGraph,
  readGraph,
} from "../src/graph/index.ts";
import { type Dictionary, type DictionaryRun, parseSite, withDictionaries } from "../src/index.ts";
import { codeOf, numbers, reluDictionary } from "./make.ts";

const tokens = [3, 17, 5, 28, 9];
const F = 10;
const rounding = { rtol: 1e-10, atol: 1e-12 };

/** A transcoder for each MLP; `plain` has no bias but the encoder's. */
function transcoders(
  model: Model<Tensor>,
  { plain = false, ...more }: Partial<Dictionary<Tensor>> & { readonly plain?: boolean } = {},
): Dictionary<Tensor>[] {
  const d = model.architecture.d_model;
  return Array.from({ length: model.architecture.layers }, (_, layer) => {
    const weights = {
      W_enc: numbers(d * F, 31 + layer),
      W_dec: numbers(d * F, 41 + layer),
      ...(!plain && { b_enc: numbers(F, 51 + layer), b_dec: numbers(d, 61 + layer) }),
    };
    return reluDictionary(reference, d, weights, {
      input: parseSite(`L${layer}.mlp.normed`),
      output: parseSite(`L${layer}.mlp.write`),
      ...{ transcoder: true, name: `transcoder ${layer}` },
      ...more,
    });
  });
}

async function withGraph(
  model: Model<Tensor>,
  dictionaries: readonly Dictionary<Tensor>[],
  options: AttributionOptions,
  use: (made: DictionaryRun<Tensor>, found: PromptGraph) => Promise<void>,
): Promise<void> {
  await withDictionaries(reference, model, tokens, dictionaries, async (made) => {
    await use(made, await attributionGraph(reference, made, options));
  });
}

function expectSums({ certificate, logits }: PromptGraph): void {
  expect(certificate.rows).toBeLessThan(1e-12);
  expect(certificate.logits).toBeLessThan(1e-10);
  for (const { total, value } of logits) expect(total).toBeNear(value, rounding);
}

/** Some edges, of all parts of the graph. */
const someEdges = ({ edges }: AttributionGraph, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * edges.weight.length) / count));

describe.each(["gpt2", "gpt_neox", "gemma2"])("%s", (family) => {
  const loading = loadModel(reference, tinyModel(family), { hash: false });

  test("rows and logits add up, and an edge is what taking it away changes", async () => {
    const model = await loading;
    const d = model.architecture.d_model;
    const W_skip = reference.constant({ d_in: d, d_out: d }, numbers(d * d, 78));
    for (const dictionaries of [
      transcoders(model),
      transcoders(model, { W_skip, zeroPositions: [0] }),
      transcoders(model).slice(1), // the first MLP passes as its linear part
    ]) {
      await withGraph(model, dictionaries, { logits: { tokens: [4, 9] } }, async (made, found) => {
        expectSums(found);
        const { graph } = found;
        expect(graph.warnings).toEqual([]);
        for (const edge of someEdges(graph, 9)) {
          const weight = graph.edges.weight[edge] ?? Number.NaN;
          const verdict = await verifyEdge(reference, made, graph, edge);
          expect(verdict.predicted).toBe(weight);
          expect(verdict.frozen).toBeNear(weight, rounding);
          expect(verdict.live).not.toBeNaN();
          const doubled = await verifyEdge(reference, made, graph, edge, { times: 3 });
          expect(doubled.frozen).toBeNear(-2 * weight, rounding);
        }
      });
    }
  });

  test("edges by degree, and the heads that they go through", async () => {
    const model = await loading;
    await withGraph(model, transcoders(model), {}, async (made, { graph }) => {
      const { degrees, values } = await edgeDegrees(reference, made, graph);
      graph.edges.weight.forEach((weight, edge) => {
        const parts = values.subarray(edge * degrees, (edge + 1) * degrees);
        expect(parts.reduce((a, b) => a + b, 0)).toBeNear(weight, rounding);
      });
      for (const edge of someEdges(graph, 6)) {
        const hops = await edgeHops(reference, made, graph, edge, { most: 10_000 });
        const passed = values
          .subarray(edge * degrees, (edge + 1) * degrees)
          .reduce((sum, part, k) => sum + k * part, 0);
        expect(hops.reduce((sum, { effect }) => sum + effect, 0)).toBeNear(passed, rounding);
        const sizes = hops.map(({ effect }) => Math.abs(effect));
        expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
      }
      const { graph: pruned } = pruneGraph(graph, { nodeThreshold: 0.6, edgeThreshold: 0.9 });
      const fewer = await edgeDegrees(reference, made, pruned);
      const marked = withDegrees(pruned, fewer);
      const again = readGraph(JSON.parse(JSON.stringify(graphFile(marked))));
      expect(again.edges.weight).toEqual(pruned.edges.weight);
      again.edges.fields.forEach(({ by_degree }, edge) => {
        const parts = Array.from(fewer.values.subarray(edge * degrees, (edge + 1) * degrees));
        const last = parts.findLastIndex((part) => part !== 0);
        expect(by_degree).toEqual(parts.slice(0, last + 1));
      });
      expect(again.edges.fields.size).toBe(again.edges.weight.length);
      expect(graphScores(again)).toEqual(graphScores(pruned));
    });
  });

  test("why a head looks somewhere", async () => {
    const model = await loading;
    await withGraph(model, transcoders(model), {}, async (made, { graph }) => {
      const head = { layer: 1, head: 1, query: 4, key: 2 };
      const found = await hopScore(reference, made, graph, head, { most: 3 });
      const { trace } = run(reference, model, tokens, { sites: ["L1.attn.score"] });
      const score = trace.get("L1.attn.score") as Tensor; // it was asked for
      const length = tokens.length;
      const own = score.data[(head.head * length + 4) * length + 2] ?? Number.NaN;
      expect(found.score).toBeNear(own, rounding);
      for (const [side, others] of [
        [found.query, found.queryOthers],
        [found.key, found.keyOthers],
      ] as const) {
        expect(side).toHaveLength(3);
        const sum = side.reduce((so, { value }) => so + value, others);
        expect(sum).toBeNear(found.score, rounding);
      }
    });
  });
});

describe("of a model without biases", () => {
  const loading = loadModel(reference, tinyModel("llama"), { hash: false });

  test("a score is the sum over pairs of nodes, and nothing else", async () => {
    const model = await loading;
    await withGraph(model, transcoders(model, { plain: true }), {}, async (made, { graph }) => {
      const head = { layer: 1, head: 0, query: 3, key: 1 };
      const most = graph.nodes.length ** 2;
      const found = await hopScore(reference, made, graph, head, { most });
      expect(Math.abs(found.score)).toBeGreaterThan(1e-6);
      expect(Math.abs(found.queryOthers)).toBeLessThan(1e-12);
      expect(Math.abs(found.keyOthers)).toBeLessThan(1e-12);
      const sum = found.pairs.reduce((so, { value }) => so + value, 0);
      expect(sum).toBeNear(found.score, rounding);
    });
  });

  test("features that are no nodes are a remainder of each row, the strongest stay", async () => {
    const model = await loading;
    const dictionaries = transcoders(model);
    let whole: PromptGraph | undefined;
    await withGraph(model, dictionaries, {}, async (_made, found) => {
      whole = found;
      expect(found.remainders.every((one) => one === 0)).toBe(true);
    });
    await withGraph(model, dictionaries, { features: 7, memory: 1 }, async (_made, found) => {
      expectSums(found);
      expect(found.features).toEqual({ active: whole?.features.active, shown: 7 });
      expect(found.remainders.some((one) => one !== 0)).toBe(true);
      const weights = new Map(
        Array.from(whole?.graph.edges.weight ?? [], (weight, edge) => [
          `${whole?.graph.nodes[whole.graph.edges.source[edge] ?? -1]?.id} ${whole?.graph.nodes[whole.graph.edges.target[edge] ?? -1]?.id}`,
          weight,
        ]),
      );
      const { nodes, edges } = found.graph;
      edges.weight.forEach((weight, edge) => {
        const id = `${nodes[edges.source[edge] ?? -1]?.id} ${nodes[edges.target[edge] ?? -1]?.id}`;
        expect(weight).toBeNear(weights.get(id) ?? Number.NaN, rounding);
      });
    });
  });

  test("what it refuses", async () => {
    const model = await loading;
    const dictionaries = transcoders(model);
    const refused = (options: AttributionOptions): Promise<string> =>
      codeOf(() => withGraph(model, dictionaries, options, async () => {}));
    expect(await refused({ logits: { tokens: [4, 4] } })).toBe("dictionary/bad-logits");
    expect(await refused({ logits: { tokens: [1e6] } })).toBe("dictionary/bad-logits");
    expect(await refused({ logits: { mass: 0 } })).toBe("dictionary/bad-logits");
    expect(await refused({ features: 0 })).toBe("dictionary/bad-count");
    expect(await refused({ constantPositions: [5] })).toBe("dictionary/bad-count");
    const d = model.architecture.d_model;
    const sae = reluDictionary(
      reference,
      d,
      { W_enc: numbers(d * F, 1), W_dec: numbers(d * F, 2) },
      { input: parseSite("L0.mlp.after"), output: parseSite("L0.mlp.after") },
    );
    for (const set of [[sae], [sae, ...dictionaries.slice(1)], []]) {
      expect(await codeOf(() => withGraph(model, set, {}, async () => {}))).toBe(
        "dictionary/no-graph",
      );
    }
    await withGraph(model, dictionaries, {}, async (made, { graph }) => {
      const [first, ...nodes] = graph.nodes;
      if (first === undefined) throw new Error("A graph has nodes.");
      const other = { ...graph, nodes: [{ ...first, feature: F }, ...nodes] };
      expect(await codeOf(() => edgeDegrees(reference, made, other))).toBe(
        "dictionary/other-graph",
      );
      expect(await codeOf(() => verifyEdge(reference, made, graph, 1e6))).toBe(
        "dictionary/no-edge",
      );
    });
  });
});
