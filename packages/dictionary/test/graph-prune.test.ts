import { describe, expect, test } from "vitest";
import {
  type AttributionGraph,
  graphFile,
  graphScores,
  pruneGraph,
  readGraph,
} from "../src/graph/index.ts";
import { madeFile, madeGraph } from "./graph-made.ts";
import { pruned } from "./graph-naive.ts";

describe("what circuit-tracer keeps", () => {
  const pairs = ({ edges }: AttributionGraph, list: readonly number[]): string[] =>
    list.map((e) => `${edges.target[e]} ${edges.source[e]}`).sort();

  test.each([
    [1, 0.8, 0.98],
    [2, 0.8, 0.98],
    [3, 0.5, 0.9],
    [4, 0.9, 0.7],
    [5, 0.6, 0.5],
    [6, 0.99, 0.999],
    [7, 0.3, 0.3],
    [8, 0, 0],
  ])("random graph %i at %f and %f", (seed, nodeThreshold, edgeThreshold) => {
    const graph = madeGraph(seed, { layers: 4, positions: 3, features: 3 });
    const kept = pruneGraph(graph, { nodeThreshold, edgeThreshold });
    const naive = pruned(graph, nodeThreshold, edgeThreshold);
    expect(kept.nodes).toEqual(naive.nodes.flatMap((one, i) => (one ? [i] : [])));
    expect(pairs(graph, kept.edges)).toEqual(
      naive.edges.flatMap((row, t) => row.flatMap((one, s) => (one ? [`${t} ${s}`] : []))).sort(),
    );
    expect(kept.graph.nodes.length).toBe(kept.nodes.length);
    expect(kept.graph.edges.source.length).toBe(kept.edges.length);
    if (nodeThreshold > 0 && nodeThreshold < 0.95)
      expect(kept.nodes.length).toBeLessThan(graph.nodes.length);
  });

  test("everything at 1 and 1, but for what leads nowhere", () => {
    const graph = madeGraph(9, { density: 1 });
    const kept = pruneGraph(graph, { nodeThreshold: 1, edgeThreshold: 1 });
    // What writes in the last layer's last position only, and what no logit reads, goes.
    const naive = pruned(graph, 1, 1);
    expect(kept.nodes).toEqual(naive.nodes.flatMap((one, i) => (one ? [i] : [])));
  });

  test("shares that are none", () => {
    expect(() => pruneGraph(madeGraph(1), { nodeThreshold: 80 })).toThrow(
      "nodeThreshold is a share from 0 to 1, got 80",
    );
    expect(() => pruneGraph(madeGraph(1), { edgeThreshold: Number.NaN })).toThrow("edgeThreshold");
  });
});

describe("the graph that is left", () => {
  test("keeps its weights, labels, unknown fields, pins and groups", () => {
    const file = madeFile(11, { layers: 4, features: 3 });
    const ids = file.nodes.map(({ node_id }) => String(node_id));
    const whole = readGraph({
      ...file,
      nodes: file.nodes.map((node, i) => ({ ...node, own: i })),
      links: file.links.map((link, i) => (i % 3 === 0 ? { ...link, own: i } : link)),
      qParams: { pinnedIds: ids, supernodes: [["all", ...ids], ["none"]], clickedId: ids[0], x: 1 },
      own: [1],
    });
    const { graph, nodes, edges } = pruneGraph(whole, { nodeThreshold: 0.5, edgeThreshold: 0.8 });
    const out = graphFile(graph);
    const kept = nodes.map((i) => ids[i]);
    expect(kept.length).toBeLessThan(ids.length);
    expect(out.nodes.map(({ own }) => own)).toEqual(nodes);
    expect(out.links).toEqual(edges.map((e) => graphFile(whole).links[e]));
    expect(out.links.some((link) => "own" in link)).toBe(true);
    expect(out.qParams).toEqual({
      pinnedIds: kept,
      supernodes: [["all", ...kept], ["none"]],
      clickedId: kept.includes(ids[0]) ? ids[0] : "",
      x: 1,
    });
    expect(out.own).toEqual([1]);
    expect(out.metadata).toMatchObject({
      node_threshold: 0.5,
      pruning_settings: { node_threshold: 0.5, edge_threshold: 0.8 },
    });
    expect(readGraph(JSON.stringify(out)).edges).toEqual(graph.edges);
  });

  test("keeps links to missing nodes in their places, and what biases add to nodes that stay", () => {
    const file = madeFile(16, { layers: 4, features: 3 });
    const lost = (i: number) => ({ source: `none_${i}`, target: "none", weight: i });
    const bias = { ...file.nodes[0], node_id: "b", feature_type: "bias", layer: "0" };
    const links = file.links.flatMap((link, i) =>
      i % 10 === 0 ? [lost(i), link, { source: "b", target: link.target, weight: 9 }] : [link],
    );
    const whole = readGraph({ ...file, nodes: [...file.nodes, bias], links });
    const { graph, nodes } = pruneGraph(whole, { nodeThreshold: 0.5, edgeThreshold: 0.8 });
    const ids = new Set(nodes.map((i) => whole.nodes[i]?.id));
    expect(ids.has("b")).toBe(true);
    const plain = pruneGraph(readGraph(file), { nodeThreshold: 0.5, edgeThreshold: 0.8 });
    const kept = new Set(
      graphFile(plain.graph).links.map(({ source, target }) => `${source} ${target}`),
    );
    expect(graphFile(graph).links).toEqual(
      links.filter(
        ({ source, target }) =>
          kept.has(`${source} ${target}`) ||
          String(source).startsWith("none") ||
          (source === "b" && ids.has(String(target))),
      ),
    );
  });

  test("has the cumulative shares of the whole graph, small = important; logits have none", () => {
    const whole = madeGraph(12);
    const { graph, nodes, cumulative, influence } = pruneGraph(whole);
    graph.nodes.forEach((node, i) => {
      const from = nodes[i] ?? -1;
      expect(node.fields.influence).toBe(node.kind === "logit" ? null : cumulative[from]);
    });
    const falling = [...influence.keys()].sort((a, b) => (influence[b] ?? 0) - (influence[a] ?? 0));
    const total = influence.reduce((sum, one) => sum + one, 0);
    expect(cumulative[falling[0] ?? 0]).toBeNear((influence[falling[0] ?? 0] ?? 0) / total, {
      rtol: 1e-14,
    });
    expect(cumulative[falling.at(-1) ?? 0]).toBeNear(1, { atol: 1e-14 });
  });

  test("has scores of its own", () => {
    const whole = madeGraph(13, { layers: 4, features: 3 });
    const { graph } = pruneGraph(whole, { nodeThreshold: 0.5 });
    const [before, after] = [graphScores(whole), graphScores(graph)];
    expect(Math.abs((after.replacement ?? 0) - (before.replacement ?? 0))).toBeGreaterThan(1e-3);
  });
});
