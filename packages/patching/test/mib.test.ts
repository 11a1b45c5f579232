import { reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { type Architecture, loadModel, type Model } from "@resolvent/transformer";
import { beforeAll, expect, test } from "vitest";
import {
  findCircuit,
  type MibGraph,
  mibGraph,
  mibScores,
  type PatchResult,
  patchEffects,
  patchGraph,
  patchSetting,
  readMibGraph,
} from "../src/index.ts";
import { naiveTarget, naiveWrites, seenBy } from "./naive.ts";

const clean = [3, 17, 5, 28];
const corrupt = [3, 9, 5, 11];
const target = { a: 4, b: 9 };
const words = { kind: "edge", level: "head", reference: { kind: "run" } } as const;

let model: Model<Tensor>;
let effects: PatchResult;
beforeAll(async () => {
  model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const setting = patchSetting({ ...words, direction: "noise" });
  effects = await patchEffects(reference, model, [{ clean, corrupt, target }], setting);
});

/** The edges of a model as EAP-IG's `Graph.from_model` adds them: everything written so far, to whatever reads next. */
function edgesAsThere({ layers, heads, parallel }: Architecture): string[] {
  const edges: string[] = [];
  const written = ["input"];
  for (let layer = 0; layer < layers; layer++) {
    const own = Array.from({ length: heads }, (_, head) => `a${layer}.h${head}`);
    for (const from of written) {
      for (const head of own) edges.push(..."qkv".split("").map((x) => `${from}->${head}<${x}>`));
    }
    if (!parallel) written.push(...own);
    for (const from of written) edges.push(`${from}->m${layer}`);
    if (parallel) written.push(...own);
    written.push(`m${layer}`);
  }
  return [...edges, ...written.map((from) => `${from}->logits`)];
}

test.each(["gpt2", "gpt_neox", "llama"])(
  "%s: names of nodes and edges are those of EAP-IG",
  async (family) => {
    const { architecture } = await loadModel(reference, tinyModel(family), { hash: false });
    const { sources, receivers } = patchGraph(architecture, "head");
    const { nodes, edges, cfg } = mibGraph(architecture, {
      ...{ level: "head", setting: effects.setting },
      sources: sources.map(({ name }) => name),
      receivers: receivers.map(({ name }) => name),
      effect: sources.map(({ stage }) => receivers.map((to) => (stage < to.stage ? 1 : null))),
    });
    const expected = edgesAsThere(architecture);
    expect(Object.keys(edges).sort()).toEqual([...expected].sort());
    expect(Object.keys(nodes)).toEqual([
      ...new Set(expected.map((edge) => edge.split("->")[0])),
      "logits",
    ]);
    expect(cfg.parallel_attn_mlp).toBe(family === "gpt_neox");
  },
);

test("GPT-2 small has as many edges as the benchmark says", () => {
  const shape = { ...model.architecture, layers: 12, heads: 12, kv_heads: 12, d_model: 768 };
  expect(edgesAsThere(shape)).toHaveLength(32_491);
});

test("scores are how far the logit difference falls where an edge is corrupt, patched one at a time", () => {
  const { edges, cfg } = mibGraph(model.architecture, effects);
  expect(cfg).toEqual({ n_layers: 2, n_heads: 2, parallel_attn_mlp: false, d_model: 16 });
  const [from, to] = [clean, corrupt].map((ids) => naiveWrites(model, ids));
  const base = naiveTarget(model, clean, target);
  for (const [edge, source, receiver] of [
    ["input->a0.h1<k>", "embed", "L0.H1.key"],
    ["input->m0", "embed", "L0.mlp"],
    ["a0.h1->m0", "L0.H1", "L0.mlp"],
    ["a0.h0->a1.h1<q>", "L0.H0", "L1.H1.query"],
    ["m0->a1.h0<v>", "L0.mlp", "L1.H0.value"],
    ["a1.h1->logits", "L1.H1", "final"],
  ] as const) {
    const delta = reference.sub(to?.get(source) as Tensor, from?.get(source) as Tensor);
    const patched = naiveTarget(model, clean, target, seenBy(model, clean, receiver, delta));
    expect(edges[edge]?.score, edge).toBeNear(base - patched, { rtol: 1e-9, atol: 1e-12 });
  }
});

test("a graph that was written is read back, and its scores are the effects'", () => {
  const graph = mibGraph(model.architecture, effects);
  const back = readMibGraph(JSON.stringify(graph));
  expect(back).toEqual(graph);
  const negated = effects.effect.map((row) => row.map((x) => (x === null ? null : 0 - x)));
  expect(mibScores(model.architecture, back)).toEqual(negated);
  // What a graph has no score for counts nothing.
  const { "input->m0": _, ...others } = back.edges;
  const receiver = effects.receivers.indexOf("L0.mlp");
  expect(mibScores(model.architecture, { ...back, edges: others })[0]?.[receiver]).toBe(0);
});

test("a circuit by given scores is that of whoever gave them", async () => {
  const pair = { clean, corrupt, target };
  const setting = patchSetting({ ...words, direction: "noise" });
  const own = await findCircuit(reference, model, [pair], setting, { method: "exact" });
  const graph = mibGraph(model.architecture, effects);
  const given = mibScores(model.architecture, readMibGraph(JSON.stringify(graph)));
  const theirs = await findCircuit(reference, model, [pair], setting, { given });
  expect(theirs).toMatchObject({ method: "given", steps: null, sizes: own.sizes, cpr: own.cpr });
  expect(theirs.edges.map(({ source, receiver }) => [source, receiver])).toEqual(
    own.edges.map(({ source, receiver }) => [source, receiver]),
  );
  expect(theirs.edges[0]?.score).toBe(0 - (own.edges[0]?.score ?? Number.NaN));
});

test("losses have the other sign, and so has denoising", () => {
  const score = (setting: Partial<PatchResult["setting"]>): number =>
    mibGraph(model.architecture, {
      ...effects,
      setting: { ...effects.setting, ...setting },
    }).edges["input->m0"]?.score ?? 0;
  const usual = score({});
  expect(usual).not.toBe(0);
  expect(score({ measure: "probability" })).toBe(usual);
  expect(score({ measure: "loss" })).toBe(-usual);
  expect(score({ measure: "kl" })).toBe(-usual);
  expect(score({ direction: "denoise" })).toBe(-usual);
  expect(score({ direction: "denoise", measure: "loss" })).toBe(usual);
});

test("what has no edges between heads, and what is no graph or another model's, is refused", () => {
  const of = (changed: Partial<PatchResult>) => () =>
    mibGraph(model.architecture, { ...effects, ...changed });
  expect(of({ level: "block" })).toThrow(expect.objectContaining({ code: "patching/mib-level" }));
  const node = { ...effects.setting, kind: "node" } as const;
  expect(of({ setting: node })).toThrow(expect.objectContaining({ code: "patching/mib-level" }));
  const graph = mibGraph(model.architecture, effects);
  for (const [text, says] of [
    ["{", "JSON"],
    ["[]", "a cfg with n_layers"],
    [JSON.stringify({ ...graph, edges: undefined }), "edges by name"],
    [JSON.stringify({ ...graph, nodes: 3 }), "nodes by name"],
    [
      JSON.stringify({ ...graph, edges: { "input->m0": { score: null } } }),
      "score of the edge input->m0",
    ],
  ] as const) {
    expect(() => readMibGraph(text, "x.json")).toThrow(says);
  }
  const other = (changed: Partial<MibGraph>) => () =>
    mibScores(model.architecture, { ...graph, ...changed });
  expect(other({ cfg: { ...graph.cfg, n_heads: 12 } })).toThrow("n_heads is 12, expected 2");
  const edges = { "m1->a0.h0<q>": { score: 1, in_graph: true } };
  expect(other({ edges })).toThrow("it has the edge m1->a0.h0<q>");
});
