import { describe, expect, test } from "vitest";
import {
  type AttributionGraph,
  countPaths,
  influence,
  type PathMeasure,
  readGraph,
  signedTotals,
  strongestPaths,
} from "../src/graph/index.ts";
import { madeFile, madeGraph } from "./graph-made.ts";
import { type Dense, dense, everyPath, powers, shares, weightsOf } from "./graph-naive.ts";

/** The factors of a measure as a whole matrix. */
function factors(graph: AttributionGraph, measure: PathMeasure): Dense {
  const matrix = dense(graph);
  if (measure === "influence") return shares(matrix);
  if (measure === "weight") return matrix;
  return matrix.map((row, t) => {
    const { kind, activation } = graph.nodes[t] ?? {};
    return row.map((one) => (kind === "logit" || one === 0 ? one : one / (activation ?? 0)));
  });
}

const sum = (list: readonly number[]): number => list.reduce((so, one) => so + one, 0);
const small = { layers: 3, positions: 2, features: 2 };

describe("the strongest paths are the largest of all that there are", () => {
  test.each(["influence", "effect", "weight"] as const)("%s", (measure) => {
    for (const seed of [1, 2, 3]) {
      const graph = madeGraph(seed, small);
      const every = everyPath(factors(graph, measure), weightsOf(graph)).sort(
        (a, b) => Math.abs(b.value) - Math.abs(a.value),
      );
      const { shown, count, total, notShown } = strongestPaths(graph, { measure, most: 25 });
      expect(shown.length).toBe(25);
      expect(shown.map(({ value }) => value)).toBeNear(
        every.slice(0, 25).map(({ value }) => value),
        { atol: 1e-14 },
      );
      expect(shown.map(({ nodes }) => nodes)).toEqual(every.slice(0, 25).map(({ nodes }) => nodes));
      expect(count.total).toBe(BigInt(every.length));
      count.byEdges.forEach((paths, edges) => {
        expect(paths).toBe(BigInt(every.filter(({ nodes }) => nodes.length === edges + 1).length));
      });
      expect(total).toBeNear(sum(every.map(({ value }) => value)), { atol: 1e-12 });
      expect(notShown).toBeNear(sum(every.slice(25).map(({ value }) => value)), { atol: 1e-12 });
    }
  });

  test("all of them, where as many are asked for", () => {
    const graph = madeGraph(4, small);
    const { shown, notShown, count } = strongestPaths(graph, { most: 100_000 });
    expect(BigInt(shown.length)).toBe(count.total);
    expect(new Set(shown.map(({ nodes }) => nodes.join())).size).toBe(shown.length);
    expect(notShown).toBeNear(0, { atol: 1e-14 });
  });

  test("from some nodes only, to one logit less another", () => {
    const graph = madeGraph(5, small);
    const logits = graph.nodes.flatMap(({ kind }, i) => (kind === "logit" ? [i] : []));
    const weights = new Float64Array(graph.nodes.length);
    weights[logits[0] ?? 0] = 1;
    weights[logits[1] ?? 0] = -1;
    const from = graph.nodes.flatMap(({ kind }, i) => (kind === "token" ? [i] : []));
    const options = { measure: "effect", weights, from } as const;
    const every = everyPath(factors(graph, "effect"), [...weights]).filter(({ nodes }) =>
      from.includes(nodes[0] ?? -1),
    );
    const { shown, total, count } = strongestPaths(graph, { ...options, most: 3 });
    expect(count.total).toBe(BigInt(every.length));
    expect(countPaths(graph, options)).toEqual(count);
    expect(total).toBeNear(sum(every.map(({ value }) => value)), { atol: 1e-12 });
    const best = every.reduce((a, b) => (Math.abs(b.value) > Math.abs(a.value) ? b : a));
    expect(shown[0]?.nodes).toEqual(best.nodes);
    expect(shown[0]?.value).toBeNear(best.value, { rtol: 1e-14 });
  });

  test("paths from a node add up to its influence, by number of edges", () => {
    const graph = madeGraph(6, small);
    const { total, byEdges } = influence(graph);
    graph.nodes.forEach(({ kind }, node) => {
      if (kind !== "feature") return;
      const paths = strongestPaths(graph, { from: [node], most: 10_000 });
      expect(paths.total).toBeNear(total[node] ?? 0, { atol: 1e-15 });
      byEdges.forEach((term, k) => {
        const long = paths.shown.filter(({ nodes }) => nodes.length === k + 2);
        expect(sum(long.map(({ value }) => value))).toBeNear(term[node] ?? 0, { atol: 1e-15 });
      });
    });
  });

  test("more paths than numbers can count", () => {
    // 60 layers of 2 features that all act on all later ones.
    const graph = madeGraph(7, { layers: 60, positions: 1, features: 2, density: 1 });
    const { count, shown, total } = strongestPaths(graph, { most: 5 });
    // From a source below all layers: 2 logits, and a choice of none, one or the other in each layer.
    expect(count.total).toBe(
      2n *
        (3n ** 60n +
          Array.from({ length: 60 }, (_, l) => 3n ** BigInt(59 - l)).reduce((a, b) => a + b)),
    );
    expect(count.total > BigInt(Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(shown.length).toBe(5);
    expect(total).toBeNear(sum(weightsOf(graph)), { atol: 1e-13 });
  });

  test("lists that are too long, nodes that are not there", () => {
    const graph = madeGraph(1);
    expect(() => strongestPaths(graph, { most: 100_001 })).toThrow("0 to 100000, got 100001");
    expect(() => strongestPaths(graph, { from: [32] })).toThrow(
      "There is no node 32: the graph has 32",
    );
    expect(() => countPaths(graph, { from: [-1] })).toThrow("no node -1");
  });
});

describe("signed totals", () => {
  const one = (graph: AttributionGraph): Float64Array =>
    Float64Array.from(graph.nodes, ({ fields }) => (fields.is_target_logit === true ? 1 : 0));

  test("by number of edges, against powers of the whole matrix", () => {
    const graph = madeGraph(11, { layers: 4 });
    const weights = one(graph);
    const terms = powers([...weights], factors(graph, "effect"));
    const { byEdges, total, through, certificate } = signedTotals(graph, { weights });
    expect(certificate).toBeLessThan(1e-13);
    expect(byEdges.length).toBe(terms.length + 1);
    const of = (term: readonly number[], wanted: string): number =>
      sum(term.filter((_, i) => graph.nodes[i]?.kind === wanted));
    terms.forEach((term, k) => {
      expect(byEdges[k + 1]?.edges).toBe(k + 1);
      expect(byEdges[k + 1]?.tokens).toBeNear(of(term, "token"), { atol: 1e-12 });
      expect(byEdges[k + 1]?.errors).toBeNear(of(term, "error"), { atol: 1e-12 });
    });
    expect(total).toBeNear(strongestPaths(graph, { weights, measure: "effect" }).total, {
      rtol: 1e-11,
    });
    graph.nodes.forEach((_, i) => {
      expect(through[i]).toBeNear(sum(terms.map((term) => term[i] ?? 0)), { atol: 1e-12 });
    });
  });

  test("with the constants of rows they are the logit itself", () => {
    // Rows that balance: what edges do not give is the constant.
    const graph = madeGraph(12, { layers: 4 });
    const value = graph.nodes.map(({ kind, activation }) => (kind === "logit" ? 7.5 : activation));
    const constants = Float64Array.from(dense(graph), (row, t) =>
      graph.nodes[t]?.kind === "feature" || graph.nodes[t]?.kind === "logit"
        ? (value[t] ?? 0) - sum(row)
        : 0,
    );
    const { total, byEdges } = signedTotals(graph, { weights: one(graph), constants });
    expect(total).toBeNear(7.5, { atol: 1e-11 });
    const logit = graph.nodes.findIndex(({ fields }) => fields.is_target_logit === true);
    expect(byEdges[0]).toEqual({
      ...{ edges: 0, tokens: 0, errors: 0, others: 0 },
      constants: constants[logit],
    });
    expect(byEdges.slice(1).some(({ constants: passed }) => passed !== 0)).toBe(true);
  });

  test("a file without activations has influence, and no effects", () => {
    const file = madeFile(13);
    const nodes = file.nodes.map(({ activation, ...node }) => node);
    const graph = readGraph({ ...file, nodes });
    expect(() => signedTotals(graph)).toThrow(/^\d+ nodes with inputs have no activation/);
    expect(() => strongestPaths(graph, { measure: "effect" })).toThrow("Ask for influence");
    expect(strongestPaths(graph).shown.length).toBe(10);
  });
});
