import { checkViews, type GraphView, type Table } from "@resolvent/analysis";
import { layout } from "@resolvent/figures";
import { describe, expect, test } from "vitest";
import {
  graphFile,
  graphLayout,
  graphScores,
  groupGraph,
  pinnedIds,
  readGraph,
  subgraph,
  supernodes,
  unpinnedAsErrors,
  withLabels,
  withPins,
} from "../src/graph/index.ts";
import { madeFile, madeGraph } from "./graph-made.ts";
import { dense, shares, solved, weightsOf } from "./graph-naive.ts";

const featuresOf = (graph: ReturnType<typeof madeGraph>): string[] =>
  graph.nodes.filter(({ kind }) => kind === "feature").map(({ id }) => id);

describe("pins and groups", () => {
  test("as lists and as page addresses have them", () => {
    const file = madeFile(1);
    const [a = "", b = "", c = ""] = featuresOf(readGraph(file));
    const groups = [
      ["two", a, b],
      ["one", c],
    ];
    for (const qParams of [
      { pinnedIds: [a, c], supernodes: groups },
      { pinnedIds: `${a},${c}`, supernodes: JSON.stringify(groups) },
    ]) {
      const graph = readGraph({ ...file, qParams });
      expect(pinnedIds(graph)).toEqual([a, c]);
      expect(supernodes(graph)).toEqual([
        { label: "two", ids: [a, b] },
        { label: "one", ids: [c] },
      ]);
      expect(graphFile(graph).qParams).toEqual(qParams);
    }
    expect(pinnedIds(readGraph(file))).toEqual([]);
    expect(supernodes(readGraph({ ...file, qParams: { supernodes: "no list" } }))).toEqual([]);
  });

  test("are written as files have them", () => {
    const graph = madeGraph(2);
    const [a = "", b = ""] = featuresOf(graph);
    const pinned = withPins(graph, [a, b], [{ label: "both", ids: [a, b] }]);
    expect(graphFile(pinned).qParams).toEqual({ pinnedIds: [a, b], supernodes: [["both", a, b]] });
    expect(() => withPins(graph, [a, "nobody"])).toThrow("1 of 2 ids are of no node: nobody");
  });

  test("labels from elsewhere are written where files have them", () => {
    const graph = madeGraph(11);
    const named = withLabels(graph, ({ kind, layer, feature }) =>
      kind === "feature" && layer === 1 && feature === 200 ? "capitals" : undefined,
    );
    const labels = graphFile(named).nodes.map(({ clerp }) => clerp);
    expect(labels.filter((label) => label === "capitals").length).toBe(1);
    const at = labels.indexOf("capitals");
    expect(named.nodes[at]).toMatchObject({ layer: 1, feature: 200, label: "capitals" });
    expect(labels.with(at, "")).toEqual(graphFile(graph).nodes.map(({ clerp }) => clerp));
    expect(readGraph(graphFile(named))).toEqual(named);
  });

  test("a subgraph has the nodes asked for, tokens, logits and the edges between them", () => {
    const graph = madeGraph(3);
    const [a = "", , , d = ""] = featuresOf(graph);
    const part = subgraph(withPins(graph, [a, d], [{ label: "x", ids: [a] }]), [a, d]);
    const inside = new Set(
      graph.nodes.flatMap(({ id, kind }) =>
        id === a || id === d || kind === "token" || kind === "logit" ? [id] : [],
      ),
    );
    expect(new Set(part.nodes.map(({ id }) => id))).toEqual(inside);
    const { links } = graphFile(graph);
    expect(graphFile(part).links).toEqual(
      links.filter(
        ({ source, target }) => inside.has(String(source)) && inside.has(String(target)),
      ),
    );
    expect(pinnedIds(part)).toEqual([a, d]);
    expect(readGraph(graphFile(part))).toEqual(part);
  });

  test("features that are not pinned act as the error of their place", () => {
    const file = madeFile(4, { layers: 3, positions: 2, features: 3 });
    // One error is not in the file: it is made.
    const nodes = file.nodes.filter(({ node_id }) => node_id !== "0_1_1");
    const links = file.links.filter(({ source }) => source !== "0_1_1");
    const graph = readGraph({ ...file, nodes, links });
    const pinned = featuresOf(graph).filter((_, i) => i % 2 === 0);
    const folded = unpinnedAsErrors(graph, pinned);
    // In whole matrices: the columns of the unpinned are added to those of errors, their rows emptied.
    const all = [...graph.nodes];
    const matrix = dense(graph);
    const made = all.length;
    for (const row of matrix) row.push(0);
    matrix.push(new Array(made + 1).fill(0));
    graph.nodes.forEach(({ id, kind, layer, position }, i) => {
      if (kind !== "feature" || pinned.includes(id)) return;
      const error = graph.nodes.findIndex(
        (node) => node.kind === "error" && node.layer === layer && node.position === position,
      );
      for (const row of matrix) {
        const to = error < 0 ? made : error;
        row[to] = (row[to] ?? 0) + (row[i] ?? 0);
        row[i] = 0;
      }
      matrix[i] = new Array(made + 1).fill(0);
    });
    const total = solved([...weightsOf(graph), 0], shares(matrix));
    const errors = total.filter((_, i) => i === made || graph.nodes[i]?.kind === "error");
    const tokens = total.filter((_, i) => graph.nodes[i]?.kind === "token");
    const [e, t] = [errors, tokens].map((list) => list.reduce((so, one) => so + one, 0));
    const { replacement, completeness } = graphScores(folded);
    expect(replacement).toBeNear((t ?? 0) / ((t ?? 0) + (e ?? 0)), { rtol: 1e-13 });
    expect(completeness).toBeLessThan(graphScores(graph).completeness ?? 0);
    expect(folded.nodes.map(({ id, kind }) => `${kind} ${id}`)).toContain("error 0_1_1");
    expect(featuresOf(folded)).toEqual(pinned);
  });
});

describe("groups for nodes", () => {
  test("the edges between them are sums, and all of them the sum of all edges", () => {
    const graph = madeGraph(5);
    const [a = "", b = "", c = "", d = ""] = featuresOf(graph);
    const groups = [
      { label: "low", ids: [a, b] },
      { label: "other", ids: [c, d, a] }, // a is in the first already
    ];
    const grouped = groupGraph(graph, groups);
    expect(
      grouped.groups.slice(0, 2).map(({ nodes }) => nodes.map((i) => graph.nodes[i]?.id)),
    ).toEqual([
      [a, b],
      [c, d],
    ]);
    expect(grouped.groups.flatMap(({ nodes }) => nodes).sort((x, y) => x - y)).toEqual([
      ...graph.nodes.keys(),
    ]);
    const { links } = graphFile(graph);
    const named = (id: unknown): string =>
      id === a || id === b ? "low" : id === c || id === d ? "other" : String(id);
    for (const { source, target, weight, absolute, edges } of grouped.edges) {
      const between = links
        .filter((link) => named(link.source) === source && named(link.target) === target)
        .map((link) => Number(link.weight));
      expect(edges).toBe(between.length);
      expect(weight).toBeNear(
        between.reduce((so, one) => so + one, 0),
        { atol: 1e-14 },
      );
      expect(absolute).toBeNear(
        between.reduce((so, one) => so + Math.abs(one), 0),
        { atol: 1e-14 },
      );
    }
    expect(grouped.edges.reduce((so, { edges }) => so + edges, 0)).toBe(links.length);
  });

  test("those of the file, where none are given", () => {
    const graph = madeGraph(6);
    const [a = "", b = ""] = featuresOf(graph);
    const pinned = withPins(graph, [a], [{ label: "both", ids: [a, b] }]);
    expect(groupGraph(pinned).groups[0]?.label).toBe("both");
    expect(() => groupGraph(graph, [{ label: "x", ids: ["y"] }])).toThrow("of no node: y");
  });
});

describe("layers × positions", () => {
  test("tokens below, logits above, each row by position", () => {
    const graph = madeGraph(7, { layers: 2, positions: 2, features: 1 });
    const { layers, edges, nodes, left } = graphLayout(graph);
    expect(layers).toEqual([
      ['" t0"@0', '" t1"@1'],
      ["L0.F200@0", "L0.error@0", "L0.F201@1", "L0.error@1"],
      ["L1.F200@0", "L1.error@0", "L1.F201@1", "L1.error@1"],
      ['logit " l0"', 'logit " l1"'],
    ]);
    expect(left).toEqual({ nodes: 0, edges: 0 });
    expect(nodes.map(({ name }) => name)).toEqual(layers.flat());
    for (const { name, node, row, position } of nodes) {
      expect(layers[row]).toContain(name);
      expect(graph.nodes[node]?.position).toBe(position);
    }
    const sizes = edges.map(({ weight }) => Math.abs(weight));
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(edges.length).toBe(graph.edges.source.length);
    const index = new Map(nodes.map(({ name, node }) => [name, node]));
    const pairs = edges.map(({ from, to }) => `${index.get(from)} ${index.get(to)}`).sort();
    const { source, target } = graph.edges;
    expect(pairs).toEqual([...source.keys()].map((e) => `${source[e]} ${target[e]}`).sort());
  });

  test("the most influential of a large one, and how much is left out", () => {
    const graph = madeGraph(8, { layers: 6, features: 4 });
    const { layers, edges, left } = graphLayout(graph, { nodesAtMost: 12, edgesAtMost: 9 });
    expect(layers.flat().length).toBe(12);
    expect(layers.at(-1)?.length).toBe(2);
    expect(edges.length).toBe(9);
    expect(left.nodes).toBe(graph.nodes.length - 12);
    expect(left.edges).toBe(graph.edges.source.length - 9);
    expect(() => graphLayout(graph, { nodesAtMost: 0 })).toThrow("whole number from 1, got 0");
  });

  test("nodes of one id have names of their own", () => {
    const file = madeFile(9, { layers: 2, positions: 1, features: 1 });
    const twin = { ...file.nodes[0], jsNodeId: "twin" };
    const { layers } = graphLayout(readGraph({ ...file, nodes: [...file.nodes, twin] }));
    expect(layers[1]).toEqual(["L0.F200@0", "L0.error@0", "L0.F200@0 (2)"]);
  });

  test("figures draw all of it", () => {
    const { layers, edges } = graphLayout(madeGraph(10), { nodesAtMost: 15 });
    const table: Table = {
      kind: "edge",
      columns: [
        { name: "from", kind: "text" },
        { name: "to", kind: "text" },
        { name: "weight", kind: "effect" },
      ],
      rows: edges.map(({ from, to, weight }) => [from, to, weight]),
    };
    const view: GraphView = {
      ...{ mark: "graph", table: "edge", from: "from", to: "to", value: "weight" },
      layers,
    };
    expect(checkViews([view], [table])).toEqual([view]);
    const { shapes } = layout(view, [table], { width: 640 });
    const boxes = shapes.filter(({ kind }) => kind === "rect");
    expect(boxes.map(({ node }) => node)).toEqual(layers.flat());
    expect(shapes.filter(({ kind }) => kind === "path").length).toBe(edges.length);
  });
});
