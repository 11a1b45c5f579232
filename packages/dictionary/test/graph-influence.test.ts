import { readFileSync } from "node:fs";
import { drawing } from "@resolvent/tensor";
import { describeWithFixtures } from "@resolvent/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AttributionGraph,
  cumulativeInfluence,
  graphScores,
  influence,
  prunedBefore,
  readGraph,
  unpinnedAsErrors,
  withPins,
} from "../src/graph/index.ts";
import { madeFile, madeGraph } from "./graph-made.ts";
import { dense, powers, shares, solved, weightsOf } from "./graph-naive.ts";

const sumOf = (terms: readonly ArrayLike<number>[], node: number): number =>
  terms.reduce((sum, term) => sum + (term[node] ?? 0), 0);

describeWithFixtures("graphs of others", ({ path, golden }) => {
  const folder = "fixtures/dictionaries/graphs";
  const text = (name: string): string => readFileSync(path(`${folder}/${name}`), "utf8");
  const graph = (name: string): AttributionGraph => readGraph(text(name));
  interface Expected {
    readonly replacement_score: number;
    readonly completeness_score: number;
    readonly influence: Readonly<Record<string, number>>;
  }
  const expected: Readonly<Record<string, Expected>> = JSON.parse(text("expected.json"));

  test.each(["circuit-tracer.json", "neuronpedia-full.json"])(
    "%s: influence and scores",
    (name) => {
      const read = graph(name);
      const { total, byEdges, longer, certificate } = influence(read);
      read.nodes.forEach(({ id }, i) => {
        expect(total[i]).toBeNear(expected[name]?.influence[id] ?? Number.NaN, { atol: 1e-12 });
        expect(sumOf(byEdges, i)).toBeNear(total[i] ?? Number.NaN, { atol: 1e-15 });
      });
      expect(longer).toBeNull();
      expect(certificate).toBeLessThan(1e-15);
      // By hand: 1_3_2 reaches the logits over one edge, 0_5_1 over two and three, tokens over up to four.
      const of = (id: string): boolean[] => {
        const i = read.nodes.findIndex((node) => node.id === id);
        return byEdges.map((term) => term[i] !== 0);
      };
      expect(of("1_3_2")).toEqual([true, false, false, false]);
      expect(of("0_5_1")).toEqual([false, true, true, false]);
      expect(of("E_7_1")).toEqual([true, false, true, true]);
      const scores = graphScores(read);
      expect(scores.replacement).toBeNear(expected[name]?.replacement_score ?? 0, { atol: 1e-12 });
      expect(scores.completeness).toBeNear(expected[name]?.completeness_score ?? 0, {
        atol: 1e-11,
      });
      expect(scores.reason).toBeUndefined();
      expect(prunedBefore(read)).toMatchObject({ nodes: 0.8 });
    },
  );

  test("989 edges of a small model: the terms, the sum and a dense solution agree", () => {
    const read = graph("stories260k.json");
    const { total, byEdges } = influence(read);
    const matrix = shares(dense(read));
    const weights = weightsOf(read);
    expect(total).toBeNear(solved(weights, matrix), { atol: 1e-14 });
    const terms = powers(weights, matrix);
    expect(byEdges.length).toBe(terms.length);
    terms.forEach((term, k) => {
      expect(byEdges[k]).toBeNear(term, { atol: 1e-15 });
    });
  });

  test("its file has the shares of the whole graph, which are not those of the file", () => {
    interface Golden {
      readonly graph: { readonly nodes: readonly (readonly [string, ...unknown[]])[] };
    }
    const whole = golden<Golden>("dictionary-stories260k").graph.nodes;
    const total = Float64Array.from(whole, (row) => Number(row[6]));
    const cumulative = cumulativeInfluence(total);
    whole.forEach((row, i) => {
      if (row[1] !== "logit") expect(cumulative[i]).toBeNear(Number(row[7]), { atol: 1e-9 });
    });
    const own = cumulativeInfluence(influence(graph("stories260k.json")).total);
    const field = graph("stories260k.json").nodes.map(({ fields }) => fields.influence);
    expect(Math.abs((own[0] ?? 0) - Number(field[0]))).toBeGreaterThan(1e-3);
  });

  test("a cycle is not scored", () => {
    const read = graph("refuse-cycle.json");
    for (const score of [graphScores, influence]) {
      expect(() => score(read)).toThrow(/has a cycle: .*0_5_1/);
    }
  });

  test("features of attention: a reason instead of a number", () => {
    expect(graphScores(graph("attention-features.json"))).toEqual({
      ...{ replacement: null, completeness: null },
      reason: expect.stringContaining("2 of 12 nodes are features or errors of attention"),
    });
  });

  test("links that have no ends, and links that cannot be told apart, count nowhere", () => {
    const base = graph("circuit-tracer.json");
    expect(graphScores(graph("missing-node.json"))).toEqual(graphScores(base));
    const file = JSON.parse(text("id-collision.json"));
    const without = readGraph({
      ...file,
      links: file.links.filter(
        (link: { source: string; target: string }) =>
          `${link.source} ${link.target}` !== "0_1_2 3_4_2",
      ),
    });
    expect(graphScores(graph("id-collision.json"))).toEqual(graphScores(without));
  });
});

describe("against whole matrices", () => {
  test.each([1, 2, 3, 4, 5, 6])("random graph %i", (seed) => {
    const graph = madeGraph(seed, { layers: 4, positions: 3, features: 3 });
    const { total, byEdges, certificate } = influence(graph);
    const [matrix, weights] = [shares(dense(graph)), weightsOf(graph)];
    expect(total).toBeNear(solved(weights, matrix), { atol: 1e-14 });
    powers(weights, matrix).forEach((term, k) => {
      expect(byEdges[k]).toBeNear(term, { atol: 1e-15 });
    });
    expect(certificate).toBeLessThan(1e-14);
    const { replacement, completeness } = graphScores(graph);
    const kind = (wanted: string): number =>
      graph.nodes.reduce((sum, node, i) => (node.kind === wanted ? sum + (total[i] ?? 0) : sum), 0);
    expect(replacement).toBeNear(kind("token") / (kind("token") + kind("error")), { rtol: 1e-13 });
    const own = solved(weights, matrix).map((one, i) => one + (weights[i] ?? 0));
    const explained = own.map((one, t) =>
      graph.nodes.reduce(
        (left, node, s) => (node.kind === "error" ? left - (matrix[t]?.[s] ?? 0) * one : left),
        one,
      ),
    );
    const sum = (list: readonly number[]): number => list.reduce((so, one) => so + one, 0);
    expect(completeness).toBeNear(sum(explained) / sum(own), { rtol: 1e-13 });
  });

  test("terms beyond those kept are one sum", () => {
    const graph = madeGraph(7, { layers: 5 });
    const all = influence(graph);
    const some = influence(graph, { termsAtMost: 2 });
    expect(all.byEdges.length).toBe(6);
    expect(some.byEdges).toEqual(all.byEdges.slice(0, 2));
    graph.nodes.forEach((_, i) => {
      expect(some.longer?.[i]).toBeNear(sumOf(all.byEdges.slice(2), i), { atol: 1e-15 });
    });
  });

  test("weights of one's own: a single logit", () => {
    const graph = madeGraph(8);
    const weights = new Float64Array(graph.nodes.length);
    weights[graph.nodes.findIndex(({ kind }) => kind === "logit")] = 1;
    const { total } = influence(graph, { weights });
    expect(total).toBeNear(solved([...weights], shares(dense(graph))), { atol: 1e-14 });
    expect(() => influence(graph, { weights: weights.slice(1) })).toThrow("are 31 numbers for 32");
  });

  test("without probabilities there are no scores", () => {
    const file = madeFile(9);
    const nodes = file.nodes.map((node) => ({ ...node, token_prob: 0, clerp: "" }));
    expect(graphScores(readGraph({ ...file, nodes })).reason).toBe("no logit has a probability");
  });

  test("weights of links with the same ends add up, before they are sizes", () => {
    const file = madeFile(14);
    const [first] = file.links;
    const again = { ...first, weight: -3 * Number(first?.weight) };
    const sum = { ...first, weight: -2 * Number(first?.weight) };
    const twice = readGraph({ ...file, links: [...file.links, again] });
    const once = readGraph({ ...file, links: file.links.map((l, i) => (i === 0 ? sum : l)) });
    expect(influence(twice).total).toBeNear(influence(once).total, { atol: 1e-15 });
    expect(graphScores(twice)).toEqual(graphScores(once));
    const none = { ...first, weight: -Number(first?.weight) };
    const away = readGraph({ ...file, links: [...file.links, none] });
    const without = readGraph({ ...file, links: file.links.slice(1) });
    expect(influence(away).total).toBeNear(influence(without).total, { atol: 1e-15 });
    const huge = { ...first, weight: 1.7e308 };
    expect(() => readGraph({ ...file, links: [huge, huge] })).toThrow(
      "The weights of 2 links from",
    );
  });

  test("rows whose sum is beyond all numbers, and rows of next to nothing", () => {
    const file = madeFile(15);
    const scaled = (factor: number): AttributionGraph =>
      readGraph({
        ...file,
        links: file.links.map((link) => ({ ...link, weight: factor * Number(link.weight) })),
      });
    const { total } = influence(scaled(1));
    expect(influence(scaled(1.7e308)).total).toBeNear(total, { atol: 1e-14 });
    // Below 1e-10 a row counts by its sum: influence dies out.
    const small = scaled(1e-14);
    expect(influence(small).total).toBeNear(solved(weightsOf(small), shares(dense(small))), {
      atol: 1e-18,
    });
    expect(Math.max(...influence(small).total)).toBeLessThan(1e-3);
  });

  test("biases are constants, and outside of it all", () => {
    const file = madeFile(10);
    const bias = { ...file.nodes[0], node_id: "b", feature_type: "bias", layer: 0 };
    const links = [...file.links, { source: "b", target: file.links[0]?.target, weight: 5 }];
    const graph = readGraph({ ...file, nodes: [...file.nodes, bias], links });
    expect(graph.warnings.map(({ code }) => code)).toEqual(["bias-links"]);
    expect(graphScores(graph)).toEqual(graphScores(madeGraph(10)));
  });
});

describe("laws", () => {
  const seeds = fc.integer({ min: 0, max: 2 ** 31 });
  const shuffled = <V>(list: readonly V[], seed: number): V[] => {
    const draw = drawing(seed);
    return list
      .map((value) => [draw(), value] as const)
      .sort(([a], [b]) => a - b)
      .map(([, value]) => value);
  };
  const byId = (graph: AttributionGraph): Map<string, number> => {
    const { total } = influence(graph);
    return new Map(graph.nodes.map(({ id, kind }, i) => [`${kind} ${id}`, total[i] ?? Number.NaN]));
  };
  const check = (law: (seed: number) => void): void => {
    fc.assert(fc.property(seeds, law), { numRuns: 30 });
  };
  const same = (a: AttributionGraph, b: AttributionGraph): void => {
    const [left, right] = [byId(a), byId(b)];
    for (const [id, value] of left) expect(right.get(id)).toBeNear(value, { atol: 1e-14 });
    const [x, y] = [graphScores(a), graphScores(b)];
    expect(y.replacement ?? -1).toBeNear(x.replacement ?? -1, { atol: 1e-13 });
    expect(y.completeness ?? -1).toBeNear(x.completeness ?? -1, { atol: 1e-13 });
  };

  test("the order of nodes and links says nothing", () => {
    check((seed) => {
      const file = madeFile(seed);
      const other = {
        ...file,
        nodes: shuffled(file.nodes, seed + 1),
        links: shuffled(file.links, seed + 2),
      };
      same(readGraph(file), readGraph(other));
    });
  });

  test("a node from which no logit is reached changes nothing", () => {
    check((seed) => {
      const file = madeFile(seed);
      const node = { ...file.nodes[0], node_id: "9_9_0", layer: "9", feature: 180 };
      const links = file.nodes.flatMap(({ node_id, feature_type }) =>
        feature_type === "logit" ? [] : [{ source: node_id, target: "9_9_0", weight: 0.5 }],
      );
      const more = { ...file, nodes: [...file.nodes, node], links: [...file.links, ...links] };
      same(readGraph(file), readGraph(more));
    });
  });

  test("the scale and the signs of what a node reads do not matter to its influence", () => {
    check((seed) => {
      const file = madeFile(seed);
      const draw = drawing(seed);
      const scale = new Map(file.nodes.map(({ node_id }) => [node_id, 1e3 * draw() - 500]));
      const links = file.links.map((link) => ({
        ...link,
        weight: Number(link.weight) * (scale.get(link.target) ?? 1),
      }));
      same(readGraph(file), readGraph({ ...file, links }));
    });
  });

  test("what ends is what began: the influence of nodes without inputs is that of the logits with some", () => {
    check((seed) => {
      const graph = madeGraph(seed);
      const { total, byEdges } = influence(graph);
      const reads = new Set(graph.edges.target);
      const weights = weightsOf(graph);
      const begun = weights.reduce((sum, one, i) => (reads.has(i) ? sum + one : sum), 0);
      const ended = graph.nodes.reduce(
        (sum, _, i) => (reads.has(i) ? sum : sum + (total[i] ?? 0)),
        0,
      );
      expect(ended).toBeNear(begun, { atol: 1e-14 });
      // One edge on, everything is shared out.
      expect(Array.from(byEdges[0] ?? []).reduce((sum, one) => sum + one, 0)).toBeNear(begun, {
        atol: 1e-14,
      });
    });
  });

  test("all features pinned: the scores of the graph; none: all goes to errors", () => {
    check((seed) => {
      const graph = madeGraph(seed);
      const features = graph.nodes.filter(({ kind }) => kind === "feature").map(({ id }) => id);
      expect(graphScores(unpinnedAsErrors(withPins(graph, features)))).toEqual(graphScores(graph));
      const none = unpinnedAsErrors(graph, []);
      expect(none.nodes.some(({ kind }) => kind === "feature")).toBe(false);
      expect(graphScores(none).replacement ?? 0).toBeLessThanOrEqual(
        (graphScores(graph).replacement ?? 0) + 1e-12,
      );
    });
  });
});
