import { readFileSync } from "node:fs";
import { checkParameters, runAlone, type TextFile } from "@resolvent/analysis";
import { describeWithFixtures } from "@resolvent/testkit";
import { describe, expect, test } from "vitest";
import { graphAnalysis } from "../src/analyses/graph.ts";
import type { GraphResult } from "../src/analyses/graph-result.ts";
import {
  graphFile,
  graphScores,
  influence,
  nodesOfKind,
  pruneGraph,
  readGraph,
} from "../src/graph/index.ts";
import { madeFile } from "./graph-made.ts";
import { codeOf } from "./make.ts";

function textFile(content: string | Uint8Array, name = "graph.json"): TextFile {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return {
    name,
    stream: async function* () {
      yield bytes.subarray(0, 1); // in pieces, as they come
      yield bytes.subarray(1);
    },
  };
}

async function imported(file: TextFile, more: object = {}): Promise<GraphResult> {
  const outcome = await runAlone(graphAnalysis, { import: file, ...more });
  if (outcome === undefined) throw new Error("It needs no model.");
  return outcome.result;
}

describe("a graph that is imported", () => {
  const file = madeFile(3, { layers: 4, features: 3 });
  const graph = readGraph(file);

  test("is counted, scored and pruned, whole and pruned apart, without a model", async () => {
    const result = await imported(textFile(JSON.stringify(file)));
    const pruned = pruneGraph(graph);
    expect(result.nodes).toBe(graph.nodes.length);
    expect(result.edges).toBe(graph.edges.weight.length);
    expect(result.kinds.feature).toBe(nodesOfKind(graph, "feature").length);
    expect(result.scores.whole).toEqual({ ...graphScores(graph), reason: null });
    expect(result.scores.pruned).toEqual({ ...graphScores(pruned.graph), reason: null });
    expect(result.pruned).toMatchObject({
      nodes: pruned.nodes.length,
      edges: pruned.edges.length,
    });
    expect(readGraph(JSON.parse(JSON.stringify(result.graph))).edges).toEqual(pruned.graph.edges);
    const { total } = influence(graph);
    const ends = graph.nodes.map(({ kind }, i) =>
      kind === "token" || kind === "error" ? (total[i] ?? 0) : 0,
    );
    const told = result.influence.reduce((sum, { tokens, errors }) => sum + tokens + errors, 0);
    expect(told).toBeCloseTo(
      ends.reduce((a, b) => a + b, 0),
      12,
    );
    expect(result.file).toMatchObject({ name: "graph.json", prunedBefore: "unknown" });
    expect(result.certificate).toBeNull();
  });

  test("is written as it was pruned, and labelled", async () => {
    const written: Uint8Array[] = [];
    const labels = textFile(
      '{"layer":"1-tc","index":"203","description":"cats"}\n',
      "labels.jsonl",
    );
    const result = await imported(textFile(JSON.stringify(file)), {
      ...{ labels, nodeThreshold: 1, edgeThreshold: 1 },
      write: {
        name: "new.json",
        write: async (pieces: AsyncIterable<Uint8Array>) => {
          for await (const piece of pieces) written.push(piece);
        },
      },
    });
    const again = readGraph(new TextDecoder().decode(written[0]));
    expect(graphFile(again)).toEqual(JSON.parse(JSON.stringify(result.graph)));
    const label = ({ layer, feature }: { layer: number | null; feature: number | null }): string =>
      layer === 1 && feature === 203 ? "cats" : "";
    for (const node of again.nodes.filter(({ kind }) => kind === "feature")) {
      expect(node.label).toBe(label(node));
    }
    expect(again.nodes.some((node) => label(node) !== "")).toBe(true);
    const odd = { labels: textFile('{"cats": "L1.F203"}') };
    expect(await codeOf(() => imported(textFile(JSON.stringify(file)), odd))).toBe(
      "dictionary/bad-labels",
    );
  });

  test("is refused where it is none, and where a prompt is given as well", async () => {
    expect(await codeOf(() => imported(textFile("{")))).toBe("dictionary/not-json");
    expect(await codeOf(() => imported(textFile(Uint8Array.of(0xff, 0xfe))))).toBe(
      "dictionary/not-json",
    );
    expect(await codeOf(() => imported(textFile("{}")))).toBe("dictionary/bad-graph");
    const both = { prompt: [1, 2] };
    expect(await codeOf(() => imported(textFile(JSON.stringify(file)), both))).toBe(
      "dictionary/two-graphs",
    );
    expect(await runAlone(graphAnalysis, { prompt: [1, 2] })).toBeUndefined();
    const params = await checkParameters(graphAnalysis.params, {});
    const { needs } = graphAnalysis;
    expect(typeof needs === "function" && needs(params)).toEqual(["layers", "dictionary"]);
  });
});

describeWithFixtures("files of others", ({ path }) => {
  const at = (name: string): string => path(`fixtures/dictionaries/graphs/${name}`);
  const expected = JSON.parse(readFileSync(at("expected.json"), "utf8"));

  test("a .pt file of circuit-tracer", async () => {
    const name = "circuit-tracer.pt";
    const result = await imported(textFile(readFileSync(at(name)), name));
    expect(result.scores.whole.replacement).toBeCloseTo(expected[name].replacement_score, 11);
    expect(result.scores.whole.completeness).toBeCloseTo(expected[name].completeness_score, 11);
    expect(result.pruned?.edges).toBe(expected[name].edges_kept);
    expect(graphAnalysis.tables(result).length).toBeGreaterThan(4);
  });

  test("a cyclic graph is named, and not scored", async () => {
    const result = await imported(textFile(readFileSync(at("refuse-cycle.json"))));
    expect(result.warnings.map(({ code }) => code)).toContain("cycle");
    expect(result.scores.whole).toMatchObject({ replacement: null, completeness: null });
    expect(result.pruned).toBeNull();
    expect(graphAnalysis.tables(result).map(({ kind }) => kind)).toContain("graph-edge");
    expect(graphAnalysis.views?.(result).length).toBeGreaterThan(1);
  });
});
