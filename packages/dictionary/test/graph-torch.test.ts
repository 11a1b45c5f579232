import { readFileSync } from "node:fs";
import { describeWithFixtures } from "@resolvent/testkit";
import { fileSource } from "@resolvent/weights/node";
import { describe, expect, test } from "vitest";
import {
  type AttributionGraph,
  type GraphNode,
  graphFile,
  graphScores,
  nodesOfKind,
  prunedBefore,
  pruneGraph,
  readGraph,
  readTorchGraph,
  type WholeGraph,
  wholeGraph,
} from "../src/graph/index.ts";

describeWithFixtures("whole graphs of circuit-tracer", ({ path }) => {
  const folder = "fixtures/dictionaries/graphs";
  const text = (name: string): string => readFileSync(path(`${folder}/${name}`), "utf8");
  const expected = JSON.parse(text("expected.json"));
  const texts: Readonly<Record<number, string>> = {
    1: "<s>",
    7: " café",
    9: ' "x"\n',
    4: " yes",
    6: ' "no"',
  };
  const open = (name: string): Promise<AttributionGraph> =>
    readTorchGraph(fileSource(path(`${folder}/${name}`)), { token: (id) => texts[id] ?? "?" });

  test.each(["circuit-tracer.pt", "circuit-tracer-2025-06.pt"])("%s", async (name) => {
    const graph = await open(name);
    const wanted = expected[name];
    expect(graph.warnings).toEqual([]);
    expect(nodesOfKind(graph, "feature").length).toBe(wanted.n_features);
    expect(nodesOfKind(graph, "error").length).toBe(wanted.n_errors);
    expect(nodesOfKind(graph, "token").length).toBe(wanted.n_tokens);
    expect(nodesOfKind(graph, "logit").length).toBe(wanted.n_logits);
    expect(Math.hypot(...graph.edges.weight)).toBeNear(wanted.adjacency_frobenius, { rtol: 1e-11 });
    const { replacement, completeness } = graphScores(graph);
    expect(replacement).toBeNear(wanted.replacement_score, { atol: 1e-12 });
    expect(completeness).toBeNear(wanted.completeness_score, { atol: 1e-11 });
    expect(prunedBefore(graph)).toBe("whole");
    const pruned = pruneGraph(graph);
    expect(pruned.nodes.map((i) => graph.nodes[i]?.id)).toEqual(wanted.kept_at_0_8_0_98);
    expect(pruned.edges.length).toBe(wanted.edges_kept);
  });

  test("is the graph of the JSON file beside it", async () => {
    const graph = await open("circuit-tracer.pt");
    const file = readGraph(text("circuit-tracer.json"));
    // Labels of features and shares of influence are not in the matrix.
    const facts = ({ kind, fields: { influence, clerp, ...rest } }: GraphNode): object =>
      kind === "feature" ? rest : { ...rest, clerp };
    for (const node of file.nodes) {
      const same = graph.nodes.find(({ id }) => id === node.id);
      expect(same && facts(same)).toEqual(facts(node));
    }
    const links = (of: AttributionGraph): string[] =>
      graphFile(of)
        .links.map(
          ({ source, target, weight }) => `${source} ${target} ${Math.fround(Number(weight))}`,
        )
        .sort();
    expect(links(graph)).toEqual(links(file));
    const { metadata } = graph;
    expect(metadata).toMatchObject({
      prompt: file.metadata.prompt,
      prompt_tokens: file.metadata.prompt_tokens,
      scan: "toy",
      schema_version: 1,
    });
    expect(graph.qParams).toEqual(file.qParams);
    const again = readGraph(JSON.stringify(graphFile(graph)));
    expect(again).toEqual(graph);
  });

  test("of the same time: names of tokens where there is no tokenizer", async () => {
    const graph = await readTorchGraph(fileSource(path(`${folder}/circuit-tracer-2025-06.pt`)));
    expect(graph.metadata.prompt_tokens).toEqual(["#1", "#7", "#9"]);
    expect(graph.nodes.at(-2)?.label).toBe('Output "#4" (p=0.625)');
  });

  test("another archive is refused", async () => {
    const dictionary = fileSource(path("fixtures/dictionaries/dictionary_learning/topk/ae.pt"));
    await expect(readTorchGraph(dictionary)).rejects.toThrow(
      "cfg: expected a config with n_layers",
    );
  });
});

describe("a whole graph from its numbers", () => {
  // Two layers, two positions; one feature in each layer; 2 + 4 + 2 + 1 nodes.
  const size = 9;
  const whole = (
    change: Partial<WholeGraph> = {},
    entries: Record<number, number> = {},
  ): WholeGraph => {
    const data = new Float32Array(size * size);
    data[1 * size + 0] = 0.5; // feature of layer 1 from that of layer 0
    data[8 * size + 1] = -2; // logit from it
    data[8 * size + 6] = 0.25; // from the token at 0
    for (const [at, value] of Object.entries(entries)) data[Number(at)] = value;
    return {
      ...{ prompt: "ab", scan: ["a", "b"], layers: 2, tokens: [3, 4] },
      adjacency: { rows: size, columns: size, data },
      activeFeatures: {
        ...{ rows: 3, columns: 3 },
        data: Float64Array.from([0, 0, 7, 0, 1, 1, 1, 1, 5]),
      },
      ...{ selected: [1, 2], activations: [9, 1.5, 2.5] },
      ...{ logits: [{ text: "x − y", id: 500 }], probabilities: [0.75] },
      ...change,
    };
  };

  test("nodes in the order of the matrix", () => {
    const graph = wholeGraph(whole());
    expect(graph.nodes.map(({ id }) => id)).toEqual([
      ...["0_1_1", "1_5_1"],
      // The error of layer 1 at 1 would be called as the feature is.
      ...["0_0_0", "0_0_1", "0_1_0", "1_-1_1"],
      ...["E_3_0", "E_4_1", "3_500_1"],
    ]);
    expect(graph.nodes.slice(0, 2).map(({ activation }) => activation)).toEqual([1.5, 2.5]);
    expect(graphFile(graph).links).toEqual([
      { source: "0_1_1", target: "1_5_1", weight: 0.5 },
      { source: "1_5_1", target: "3_500_1", weight: -2 },
      { source: "E_3_0", target: "3_500_1", weight: 0.25 },
    ]);
    expect(graph.metadata).toMatchObject({ scan: "a-b", transcoder_list: ["a", "b"] });
    expect(readGraph(graphFile(graph))).toEqual(graph);
  });

  test.each<[string, WholeGraph]>([
    [
      "adjacency_matrix[1, 0]: expected a finite number, got NaN. It is the first of 2.",
      whole({}, { 9: Number.NaN, 20: Number.POSITIVE_INFINITY }),
    ],
    ["rows of adjacency_matrix: expected 8, got 9", whole({ selected: [1] })],
    [
      "columns of active_features: expected 3, got 2",
      whole({ activeFeatures: { rows: 3, columns: 2, data: new Float64Array(6) } }),
    ],
    ["activation_values: expected 3, got 2", whole({ activations: [1, 2] })],
    [
      "activation_values[1]: expected a finite number, got Infinity",
      whole({ activations: [1, Number.POSITIVE_INFINITY, 2] }),
    ],
    ["logit_probabilities: expected 1, got 2", whole({ probabilities: [0.5, 0.5] })],
    [
      "logit_probabilities[0]: expected a number from 0 to 1, got 1.5",
      whole({ probabilities: [1.5] }),
    ],
    ["selected_features[0]: expected a whole number below 3, got 3", whole({ selected: [3, 1] })],
    [
      "selected_features[1]: its layer: expected a whole number below 1, got 1",
      whole({ layers: 1, tokens: [1, 2, 3], adjacency: whole().adjacency }),
    ],
    ["input_tokens[1]: expected a whole number", whole({ tokens: [1, 0.5] })],
  ])("%s", (message, given) => {
    expect(() => wholeGraph(given, { name: "x.pt" })).toThrow(`x.pt: ${message}`);
  });

  test("features by pairs, one for one", () => {
    const graph = wholeGraph(whole());
    expect(graph.nodes[1]?.fields.feature).toBe(((1 + 5) * (1 + 5 + 1)) / 2 + 5);
    const { feature_type, ...rest } = graph.nodes[1]?.fields ?? {};
    const odd = readGraph({
      ...graphFile(graph),
      nodes: graphFile(graph).nodes.map((node, i) =>
        i === 1 ? { ...rest, feature_type, node_id: "mine" } : node,
      ),
      links: [],
    });
    expect(odd.nodes[1]?.feature).toBe(5);
  });
});
