import { reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { blocksOf, blockWrite, loadModel, type Model, plainSites } from "@resolvent/transformer";
import { beforeAll, describe, expect, test } from "vitest";
import {
  areaUnder,
  CIRCUIT_SIZES,
  circuitTargets,
  edgesOf,
  findCircuit,
  type PatchGraph,
  type PatchReference,
  patchEffects,
  patchGraph,
  patchSetting,
} from "../src/index.ts";
import { withoutDangling } from "../src/smallest-circuit.ts";
import { naiveTarget, naiveWrites, valueAt, type Writes } from "./naive.ts";

const clean = [3, 17, 5, 28];
const corrupt = [3, 9, 5, 11];
const target = { a: 4, b: 9 };
const rtol = 1e-9;

type Level = "block" | "head";
type Kept = (source: number, receiver: number) => boolean;

/** Some edges and not others, the same every time. */
const some =
  (seed: number): Kept =>
  (source, receiver) =>
    (source * 31 + receiver * 17 + seed * 7 + source * receiver) % 3 > 0;

function got<V>(value: V | undefined): V {
  if (value === undefined) throw new Error("There is no such value.");
  return value;
}

/** A circuit run as it is defined, one receiver at a time. */
function naiveCircuit(model: Model<Tensor>, graph: PatchGraph, ref: Writes, kept: Kept): number {
  const own = new Map<string, Tensor>([["embed", valueAt(model, clean, "embed")]]);
  const blocks = blocksOf(model);
  const biasBefore = (stage: number): Tensor => {
    const zero = reference.fill(got(own.get("embed")).shape, 0);
    if (graph.level.name === "block") return zero;
    const ahead = graph.receivers.filter((to) => to.stage < stage && to.node?.part?.index === 0);
    const names = new Set(ahead.map(({ node }) => node?.block));
    return blocks.reduce((sum, block) => {
      const bias = block.kind === "attn" && names.has(block.name) ? block.b_O : undefined;
      return bias === undefined ? sum : reference.add(sum, bias);
    }, zero);
  };
  const readOf = (name: string): Tensor => {
    const receiver = graph.receivers.findIndex((to) => to.name === name);
    const { stage } = got(graph.receivers[receiver]);
    return graph.sources.reduce((sum, source, s) => {
      if (source.stage >= stage) return sum;
      return reference.add(sum, got((kept(s, receiver) ? own : ref).get(source.name)));
    }, biasBefore(stage));
  };
  for (const block of blocks) {
    if (graph.level.name === "block" || block.kind === "mlp") {
      own.set(block.name, blockWrite(reference, block, readOf(block.name), plainSites()));
      continue;
    }
    for (let head = 0; head < model.architecture.heads; head++) {
      const name = `L${block.layer}.H${head}`;
      const inputs = ["query", "key", "value"].map((input) => {
        const site = `${block.name}.${input}`;
        const read = { [`${block.name}.read`]: readOf(`${name}.${input}`) };
        return [site, valueAt(model, clean, site, read)];
      });
      const heads = valueAt(model, clean, `${block.name}.head`, Object.fromEntries(inputs));
      own.set(name, reference.sum(reference.slice(heads, "head", head, head + 1), ["head"]));
    }
  }
  return naiveTarget(model, clean, target, {
    [`${got(blocks.at(-1)).name}.after`]: readOf("final"),
  });
}

/** Writes as one stack in the order of a graph. */
function stacked(graph: PatchGraph, writes: Writes): Tensor {
  const each = graph.sources.map(({ name }) => got(writes.get(name)));
  const parts = each.map((write) => reference.broadcast(write, { source: 1 }));
  return reference.concat(parts, "source");
}

describe.each(tinyFamilies)("%s", (family) => {
  let model: Model<Tensor>;
  beforeAll(async () => {
    model = await loadModel(reference, tinyModel(family), { hash: false });
  });

  test.each<Level>(["block", "head"])("circuits of %s edges are as defined", (level) => {
    const graph = patchGraph(model.architecture, level);
    const ref = naiveWrites(model, corrupt);
    const x0 = valueAt(model, clean, "embed");
    const all = [some(0), some(1), () => true, () => false];
    const values = circuitTargets(
      reference,
      { model, graph, x0, reference: stacked(graph, ref), target },
      all,
    );
    expect(values.data[2]).toBeNear(naiveTarget(model, clean, target), { rtol });
    expect(values.data[3]).toBeNear(naiveTarget(model, corrupt, target), { rtol });
    const naive = all.slice(0, 2).map((kept) => naiveCircuit(model, graph, ref, kept));
    expect([...values.data.slice(0, 2)]).toBeNear(naive, { rtol });
  });

  test("with the corrupt run as the reference, dangling edges change nothing", () => {
    const graph = patchGraph(model.architecture, "head");
    const ref = stacked(graph, naiveWrites(model, corrupt));
    const x0 = valueAt(model, clean, "embed");
    const circuits = [2, 3, 5, 7].flatMap((seed) => {
      // Few edges, so that many of them dangle.
      const edges = edgesOf(graph).filter(
        ({ source, receiver }) => (source * 7 + receiver * 5 + seed) % 4 === 0,
      );
      const named = edges.map(({ source, receiver }) => ({
        source: got(graph.sources[source]).name,
        receiver: got(graph.receivers[receiver]).name,
        score: 1,
      }));
      const left = withoutDangling(named);
      expect(left.length).toBeLessThan(named.length);
      const key = (source: string, receiver: string): string => `${source} ${receiver}`;
      return [named, left].map((some): Kept => {
        const names = new Set(some.map((edge) => key(edge.source, edge.receiver)));
        return (s, r) => names.has(key(got(graph.sources[s]).name, got(graph.receivers[r]).name));
      });
    });
    const subject = { model, graph, x0, reference: ref, target };
    const { data } = circuitTargets(reference, subject, circuits);
    for (let i = 0; i < data.length; i += 2) {
      expect(data[i + 1]).toBeNear(got(data[i]), { rtol });
    }
  });

  test("without one edge, a circuit is the model with this edge patched", async () => {
    const graph = patchGraph(model.architecture, "head");
    const edges = edgesOf(graph);
    const x0 = valueAt(model, clean, "embed");
    const ref = stacked(graph, naiveWrites(model, corrupt));
    const without = edges.map(
      (edge): Kept =>
        (s, r) =>
          s !== edge.source || r !== edge.receiver,
    );
    const values = circuitTargets(reference, { model, graph, x0, reference: ref, target }, without);
    const setting = patchSetting({
      kind: "edge",
      level: "head",
      reference: { kind: "run" },
      direction: "noise",
    });
    const { effect, targetClean } = await patchEffects(
      reference,
      model,
      [{ clean, corrupt, target }],
      setting,
    );
    const patched = edges.map(({ source, receiver }) => {
      return targetClean + (effect[source]?.[receiver] ?? Number.NaN);
    });
    expect([...values.data]).toBeNear(patched, { rtol });
  });
});

test.each<[Level, PatchReference]>([
  ["block", { kind: "run" }],
  ["head", { kind: "zero" }],
  ["head", { kind: "mean", prompts: [corrupt, [1, 2]] }],
])("faithfulness of %s circuits, reference %o", async (level, ref) => {
  const model = await loadModel(reference, tinyModel("gpt2-untied"), { hash: false });
  const setting = patchSetting({ kind: "edge", level, reference: ref, direction: "noise" });
  const pairs = [
    { clean, corrupt, target },
    { clean: [1, 2, 3], corrupt: [4, 2, 9], target },
  ];
  const result = await findCircuit(reference, model, pairs, setting, { memory: 1 });
  const { sizes, edges, edgeCount, targetModel, targetEmpty } = result;
  expect(sizes.map(({ share }) => share)).toEqual(CIRCUIT_SIZES);
  expect(sizes.map((size) => size.edges)).toEqual(
    CIRCUIT_SIZES.map((share) => Math.floor(share * edgeCount)),
  );
  expect(Math.abs(sizes[0]?.faithfulness ?? 1)).toBe(0); // no edge yet
  expect(sizes.at(-1)?.faithfulness).toBeNear(1, { rtol });
  const mean = (values: readonly number[]): number => values.reduce((s, x) => s + x, 0) / 2;
  expect(targetModel).toBeNear(mean(pairs.map((pair) => naiveTarget(model, pair.clean, target))));
  for (const { value, faithfulness } of sizes) {
    const expected = (value - targetEmpty) / (targetModel - targetEmpty);
    expect(faithfulness).toBeNear(expected, { rtol: 1e-12, atol: 1e-12 });
  }
  const scores = edges.map(({ score }) => Math.abs(score));
  expect(scores).toEqual([...scores].sort((x, y) => y - x));
  expect(edges.length).toBe(edgeCount);
  const f = sizes.map((size) => size.faithfulness ?? Number.NaN);
  const trapezoids = (heights: readonly number[]): number =>
    CIRCUIT_SIZES.slice(1).reduce((sum, k, i) => {
      const width = k - (CIRCUIT_SIZES[i] ?? 0);
      return sum + (width * ((heights[i] ?? 0) + (heights[i + 1] ?? 0))) / 2;
    }, 0);
  expect(result.cpr ?? Number.NaN).toBeNear(trapezoids(f));
  expect(result.cmd ?? Number.NaN).toBeNear(trapezoids(f.map((x) => Math.abs(1 - x))));
  expect(result.pairs.map(({ targets }) => targets.length)).toEqual([10, 10]);
});

test("areas by hand", () => {
  expect(
    areaUnder([
      [0, 1],
      [0.5, 2],
      [1, 0],
    ]),
  ).toBe(0.75 + 0.5);
  expect(areaUnder([[0.1, 7]])).toBe(0);
});

test("what is no circuit", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const run = { kind: "run" } as const;
  const nodes = patchSetting({ kind: "node", level: "block", reference: run, direction: "noise" });
  const edges = patchSetting({ kind: "edge", level: "block", reference: run, direction: "noise" });
  const pairs = [{ clean, corrupt, target }];
  const find = (setting: typeof nodes, sizes?: readonly number[], other = pairs) =>
    findCircuit(reference, model, other, setting, sizes === undefined ? {} : { sizes });
  await expect(find(nodes)).rejects.toMatchObject({ code: "patching/circuit-of-edges" });
  await expect(find(edges, [])).rejects.toMatchObject({ code: "patching/bad-sizes" });
  await expect(find(edges, [0.2, 0.1])).rejects.toMatchObject({ code: "patching/bad-sizes" });
  const same = [{ clean, corrupt: clean, target }];
  await expect(find(edges, [1], same)).rejects.toMatchObject({ code: "patching/no-difference" });
});
