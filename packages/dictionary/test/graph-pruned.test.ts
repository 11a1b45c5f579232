import { describe, expect, test } from "vitest";
import { activeRows } from "../src/analyses/graph-active.ts";
import { importedResult } from "../src/analyses/graph-import.ts";
import { prunedResult, prunedSums } from "../src/analyses/graph-pruned.ts";
import { graphOf } from "../src/analyses/graph-tables.ts";
import { graphText } from "../src/analyses/graph-text.ts";
import { graphFile, influence, readGraph, strongestPaths } from "../src/graph/index.ts";
import { madeFile, madeGraph } from "./graph-made.ts";

describe("a result that is pruned in a page", () => {
  const asked = { nodeThreshold: 0.6, edgeThreshold: 0.9, top: 5 };
  const whole = madeGraph(7, { layers: 4, positions: 3, features: 3 });
  const result = importedResult(whole, "made.json", {
    ...asked,
    nodeThreshold: 1,
    edgeThreshold: 1,
  });

  test("is the result of the analysis at these thresholds", () => {
    const direct = importedResult(whole, "made.json", asked);
    expect(prunedResult(result, asked)).toEqual(direct);
    // A file that is not pruned stays as it is, whatever leads nowhere in it.
    expect(graphText(result.graph)).toBe(graphText(graphFile(whole)));
    expect(graphText(prunedResult(result, asked).graph)).toBe(graphText(direct.graph));
  });

  test("says the exact sum of what is pruned away", () => {
    const pruned = prunedResult(result, asked);
    const sums = prunedSums(pruned, result);
    const left = graphOf(pruned);
    expect(sums.nodes).toBe(whole.nodes.length - left.nodes.length);
    expect(sums.edges).toBe(whole.edges.weight.length - left.edges.weight.length);
    // Path by path, of the likeliest logit.
    const sumOf = (graph: typeof whole): number => {
      const at = graph.nodes.findIndex(({ label }) => label.includes(" l0"));
      const weights = Float64Array.from(graph.nodes, (_, i) => (i === at ? 1 : 0));
      const { shown, notShown } = strongestPaths(graph, {
        most: 100_000,
        measure: "effect",
        weights,
      });
      return shown.reduce((sum, { value }) => sum + value, notShown);
    };
    expect(sums.effect?.left).toBeCloseTo(sumOf(left), 9);
    expect(sums.effect?.others).toBeCloseTo(sumOf(whole) - sumOf(left), 9);
    const { total } = influence(whole);
    const stays = new Set(left.nodes.map(({ id }) => id));
    const all = total.reduce((so, one) => so + one, 0);
    const out = whole.nodes.reduce(
      (so, { id }, i) => so + (stays.has(id) ? 0 : (total[i] ?? 0)),
      0,
    );
    expect(sums.influence).toBeCloseTo(out / all, 12);
    expect(sums.influence).toBeGreaterThan(0);
  });

  test("has no effects where a file has no activations, and says so", () => {
    const { nodes, ...file } = madeFile(7, { layers: 4, features: 3 });
    const silent = readGraph({
      ...file,
      nodes: nodes.map((node) => ({ ...node, activation: null })),
    });
    const own = importedResult(silent, "silent.json", asked);
    expect(prunedSums(own, own).effect).toBeNull();
    expect(activeRows(own).every(({ effect }) => effect === null)).toBe(true);
  });

  test("has a row for each feature along the prompt, and for the error of each layer", () => {
    const pruned = prunedResult(result, { nodeThreshold: 1, edgeThreshold: 1 });
    const graph = graphOf(pruned);
    const rows = activeRows(pruned);
    const shown = rows.flatMap(({ at }) => at.map(({ node }) => node));
    const wanted = graph.nodes.filter(({ kind }) => kind === "feature" || kind === "error");
    expect(shown.length).toBe(wanted.length);
    expect(rows.some(({ kind, name }) => kind === "error" && name === "L0.error")).toBe(true);
    // All paths from one node, one by one.
    const at = graph.nodes.findIndex(({ label }) => label.includes(" l0"));
    const weights = Float64Array.from(graph.nodes, (_, i) => (i === at ? 1 : 0));
    const node = graph.nodes.findIndex(({ kind, layer }) => kind === "feature" && layer === 1);
    const { shown: paths, notShown } = strongestPaths(graph, {
      ...({ most: 100_000, measure: "effect", weights } as const),
      from: [node],
    });
    const effect = paths.reduce((sum, { value }) => sum + value, notShown);
    const { position, feature } = graph.nodes[node] ?? {};
    const own = rows
      .find(({ name }) => name === `L1.F${feature}`)
      ?.at.find((one) => one.position === position);
    expect(own?.effect).toBeCloseTo(effect, 9);
  });
});
