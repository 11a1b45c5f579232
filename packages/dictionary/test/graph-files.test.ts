import { readFileSync } from "node:fs";
import { describeWithFixtures } from "@resolvent/testkit";
import { describe, expect, test } from "vitest";
import { graphFile, nodesOfKind, readGraph } from "../src/graph/index.ts";
import { madeFile } from "./graph-made.ts";

describeWithFixtures("files of others", ({ path }) => {
  const folder = "fixtures/dictionaries/graphs";
  const text = (name: string): string => readFileSync(path(`${folder}/${name}`), "utf8");
  interface Expected {
    readonly n_features?: number;
    readonly n_errors?: number;
    readonly n_tokens?: number;
    readonly n_logits?: number;
    readonly n_links?: number;
    readonly warn?: string;
    readonly refuse?: string;
  }
  const expected: Readonly<Record<string, Expected>> = JSON.parse(text("expected.json"));
  const files = Object.keys(expected).filter((name) => name.endsWith(".json"));
  const readable = [...files.filter((name) => !expected[name]?.refuse), "stories260k.json"];

  test("there are some", () => {
    expect(files.length).toBeGreaterThanOrEqual(12);
  });

  test.each([...readable, "refuse-cycle.json"])("%s: what goes in comes out", (name) => {
    const file = JSON.parse(text(name));
    expect(JSON.parse(JSON.stringify(graphFile(readGraph(text(name)))))).toEqual(file);
    expect(graphFile(readGraph(file))).toEqual(file);
  });

  test.each(readable)("%s: nodes and links", (name) => {
    const graph = readGraph(text(name));
    const wanted = expected[name] ?? {};
    const counts = {
      n_features: nodesOfKind(graph, "feature").length,
      n_errors: nodesOfKind(graph, "error").length,
      n_tokens: nodesOfKind(graph, "token").length,
      n_logits: nodesOfKind(graph, "logit").length,
      n_links: graph.edges.source.length,
    };
    for (const [count, value] of Object.entries(counts)) {
      if (count in wanted) expect([count, value]).toEqual([count, wanted[count as "n_links"]]);
    }
    const codes = graph.warnings.map(({ code }) => code);
    if (wanted.warn !== undefined) expect(codes).toContain(wanted.warn);
    else if (name !== "attention-features.json") expect(codes).toEqual([]);
  });

  test.each(files.filter((name) => expected[name]?.refuse && name !== "refuse-cycle.json"))(
    "%s is refused by name",
    (name) => {
      expect(() => readGraph(text(name), { name })).toThrow(expected[name]?.refuse);
      expect(() => readGraph(text(name), { name })).toThrow(name);
    },
  );

  test("a cycle is named when it is read", () => {
    const [warning] = readGraph(text("refuse-cycle.json")).warnings;
    expect(warning?.code).toBe("cycle");
    expect(warning?.message).toMatch(/0_5_1 → 1_3_2 → 0_5_1|1_3_2 → 0_5_1 → 1_3_2/);
    expect(warning?.message).toContain("; 3 nodes are"); // 0_11_2 lies between the two
  });

  test("two nodes of one id: links that only one can have are its own", () => {
    const graph = readGraph(text("id-collision.json"));
    const { source, target, weight } = graph.edges;
    const twins = graph.nodes.flatMap(({ id }, i) => (id === "0_1_2" ? [i] : []));
    expect(twins.map((i) => graph.nodes[i]?.kind).sort()).toEqual(["error", "feature"]);
    // What feeds layer 1 is the feature of layer 0; what feeds a logit could be either.
    const own = [...weight.keys()].filter((e) => twins.includes(source[e] as number));
    expect(own.map((e) => [graph.nodes[source[e] as number]?.kind, weight[e]])).toEqual([
      ["feature", 0.3125],
    ]);
    expect(own.map((e) => graph.nodes[target[e] as number]?.id)).toEqual(["1_3_2"]);
    expect(graph.outside.map(({ why, fields }) => [why, fields.weight])).toEqual([
      ["duplicate-node-id", 1],
    ]);
  });

  test("features, tokens and logits by their numbers", () => {
    for (const name of ["circuit-tracer.json", "before-schema-1.json", "attention-features.json"]) {
      const { nodes } = readGraph(text(name));
      const facts = nodes.map(({ kind, layer, feature }) => [kind, layer, feature]);
      expect(facts.slice(0, 3)).toEqual([
        ["feature", 0, 5],
        ["feature", 0, 11],
        ["feature", 1, 3],
      ]);
      expect(facts.slice(5, 8)).toEqual([
        ["token", null, 1],
        ["token", null, 7],
        ["token", null, 9],
      ]);
      expect(facts.slice(8, 10).map(([kind, , feature]) => [kind, feature])).toEqual([
        ["logit", 4],
        ["logit", 6],
      ]);
      expect(nodes.slice(8, 10).map(({ probability }) => probability)).toEqual([0.625, 0.25]);
    }
  });

  test("features of attention are features, and said so", () => {
    const graph = readGraph(text("attention-features.json"));
    const attention = graph.nodes.filter((node) => node.attention);
    expect(attention.map(({ kind, feature }) => [kind, feature])).toEqual([
      ["feature", 8],
      ["error", null],
    ]);
    expect(graph.warnings.map(({ code }) => code)).toEqual(["attention-features"]);
    expect(graph.fields).toHaveProperty("qk_only_nodes");
  });
});

describe("what is wrong is named: what, where, how many", () => {
  const broken = (change: (file: ReturnType<typeof madeFile>) => void): (() => unknown) => {
    const file = structuredClone(madeFile(1));
    change(file);
    return () => readGraph(file, { name: "toy.json" });
  };

  test("weights that are not finite", () => {
    for (const weight of [null, Number.NaN, Number.POSITIVE_INFINITY, "", "NaN", "1e999"]) {
      const read = broken(({ links }) => {
        for (const i of [2, 5, 6]) links[i] = { ...links[i], weight };
      });
      expect(read).toThrow("links[2].weight");
      expect(read).toThrow("3 faults");
    }
  });

  test.each(["node_id", "feature", "layer", "ctx_idx", "feature_type", "jsNodeId", "clerp"])(
    "a node without %s",
    (field) => {
      const read = broken(({ nodes }) => {
        nodes[4] = Object.fromEntries(Object.entries(nodes[4] ?? {}).filter(([k]) => k !== field));
      });
      expect(read).toThrow(`toy.json: nodes[4].${field}: expected`);
    },
  );

  test.each([
    ["ctx_idx", -1],
    ["ctx_idx", 1.5],
    ["activation", "much"],
    ["token_prob", Number.NaN],
    ["layer", null],
  ])("a node whose %s is %s", (field, value) => {
    const read = broken(({ nodes }) => {
      nodes[0] = { ...nodes[0], [field]: value };
    });
    expect(read).toThrow(`nodes[0].${field}`);
  });

  test("parts that are missing or no lists", () => {
    expect(() => readGraph("[]")).toThrow("the file: expected an object, got []");
    expect(() => readGraph("{}")).toThrow("metadata: expected an object, got nothing");
    expect(() => readGraph({ metadata: {}, qParams: {}, nodes: {}, links: [] })).toThrow("nodes:");
    expect(() => readGraph({ metadata: {}, qParams: {}, nodes: [], links: 3 })).toThrow("links:");
    expect(() => readGraph({ metadata: {}, qParams: {}, nodes: [1], links: [null] })).toThrow(
      "6 faults",
    );
  });

  test("more than a graph may have", () => {
    const nodes = { length: 0 };
    expect(() =>
      readGraph({ metadata: {}, qParams: {}, nodes: new Array(200_001).fill(nodes), links: [] }),
    ).toThrow("200001 nodes; the limit is 200000");
  });
});

describe("oddities are kept", () => {
  test("numbers as texts count, and stay texts", () => {
    const file = madeFile(2);
    const texts = {
      ...file,
      nodes: file.nodes.map((node) => ({
        ...node,
        ctx_idx: String(node.ctx_idx),
        token_prob: String(node.token_prob),
        activation: node.activation === null ? null : String(node.activation),
      })),
      links: file.links.map((link) => ({ ...link, weight: String(link.weight) })),
    };
    const [plain, read] = [readGraph(file), readGraph(texts)];
    expect(read.edges.weight).toEqual(plain.edges.weight);
    const facts = ({ nodes }: typeof read) =>
      nodes.map(({ position, probability, activation }) => [position, probability, activation]);
    expect(facts(read)).toEqual(facts(plain));
    expect(graphFile(read)).toEqual(texts);
  });

  test("links to nodes that are not there keep their places", () => {
    const file = madeFile(3);
    const lost = (i: number) => ({
      source: `none_${i}`,
      target: file.nodes[0]?.node_id,
      weight: i,
    });
    const links = [lost(1), lost(2), ...file.links, lost(3)];
    links.splice(7, 0, lost(4), lost(5));
    const graph = readGraph({ ...file, links });
    expect(graph.edges.weight.length).toBe(file.links.length);
    expect(graphFile(graph).links).toEqual(links);
    expect(graph.warnings[0]?.message).toContain("5 links");
    expect(graph.warnings[0]?.message).toContain("none_1");
  });

  test("links with the ends of another are counted", () => {
    const file = madeFile(4);
    const again = [file.links[1], file.links[1], file.links[2]].map((link) => ({ ...link }));
    const graph = readGraph({ ...file, links: [...file.links, ...again] });
    expect(graph.warnings.map(({ code }) => code)).toEqual(["duplicate-link"]);
    expect(graph.warnings[0]?.message).toContain("3 links have");
  });

  test("a key called __proto__ is a field like any other", () => {
    const file = JSON.parse(
      JSON.stringify(madeFile(5)).replace('"metadata":{', '"metadata":{"__proto__":{"a":1},'),
    );
    const out = JSON.stringify(graphFile(readGraph(file)));
    expect(out).toContain('"__proto__":{"a":1}');
    expect(JSON.parse(out)).toEqual(file);
  });

  test("a probability that only the label has", () => {
    const file = madeFile(6);
    const nodes = file.nodes.map((node) => ({ ...node, token_prob: 0 }));
    const { nodes: read } = readGraph({ ...file, nodes });
    const said = read.filter(({ kind }) => kind === "logit").map(({ probability }) => probability);
    expect(said).toEqual([0.6, 0.3]);
    const bare = nodes.map((node) => ({ ...node, clerp: "" }));
    expect(readGraph({ ...file, nodes: bare }).warnings.map(({ code }) => code)).toEqual([
      "no-probability",
    ]);
  });
});
