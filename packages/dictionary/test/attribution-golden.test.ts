import { createCpu } from "@resolvent/cpu";
import { describeWithFixtures } from "@resolvent/testkit";
import { loadModel } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { expect, test } from "vitest";
import { attributionGraph, edgeDegrees, type PromptGraph } from "../src/attribution/index.ts";
import { graphScores, influence, pruneGraph, signedTotals } from "../src/graph/index.ts";
import { loadDictionaries, withDictionaries } from "../src/index.ts";

interface Golden {
  readonly graph: {
    readonly ids: readonly number[];
    readonly logits: readonly { readonly token_id: number; readonly prob: number }[];
    readonly replacement_score: number;
    readonly completeness_score: number;
    readonly n_nodes_kept: number;
    readonly n_edges_kept: number;
    readonly n_edges_nonzero: number;
    readonly adjacency_frobenius: number;
    /** id, kind, activation, value, sum of incoming edges, constant, influence, cumulative, kept */
    readonly nodes: readonly (readonly [
      ...[string, string, number | null, number | null, number | null, number | null],
      ...[number, number, boolean],
    ])[];
    readonly edges_kept: readonly (readonly [string, string, number])[];
    readonly signed_totals: readonly {
      readonly token_id: number;
      readonly value: number;
      readonly tokens: readonly number[];
      readonly errors: readonly number[];
      readonly constant_of_logit_row: number;
      readonly constants_of_features: number;
      readonly by_features_passed: readonly number[];
    }[];
    readonly rows_by_degree: readonly {
      readonly node: string;
      /** From features, errors and tokens. */
      readonly by_attention_blocks: readonly (readonly number[])[];
      readonly constant: readonly number[];
    }[];
    readonly zero_first_position: {
      readonly n_features: number;
      readonly replacement_score: number;
      readonly completeness_score: number;
    };
  };
}

const near = { rtol: 1e-8, atol: 1e-10 };

describeWithFixtures(
  "what an independent program says of a prompt's attribution graph",
  (fixtures) => {
    test("stories260k", async () => {
      const cpu = await createCpu({ precision: "f64", threads: 1 });
      const model = await loadModel(cpu, folderOf(fixtures.models("stories260k")));
      const folder = fixtures.path("fixtures/dictionaries/stories260k/transcoders");
      const set = await loadDictionaries(cpu, folderOf(folder));
      if (set.kind !== "per-layer") throw new Error(`It is ${set.kind}.`);
      const { graph: golden } = fixtures.golden<Golden>("dictionary-stories260k");
      await withDictionaries(cpu, model, golden.ids, set.layers, async (made) => {
        const found = await attributionGraph(cpu, made);
        expectWhole(found, golden);
        expectTotals(found, golden);

        const { edges, nodes } = found.graph;
        const { degrees, values } = await edgeDegrees(cpu, made, found.graph);
        for (const { node, by_attention_blocks } of golden.rows_by_degree) {
          (["feature", "error", "token"] as const).forEach((kind, i) => {
            const wanted = by_attention_blocks[i] ?? [];
            const sums = wanted.map(() => 0);
            edges.target.forEach((target, edge) => {
              const source = nodes[edges.source[edge] ?? -1];
              if (nodes[target]?.id !== node || source?.kind !== kind) return;
              for (let k = 0; k < degrees; k++) {
                sums[k] = (sums[k] ?? 0) + (values[edge * degrees + k] ?? 0);
              }
            });
            expect(sums).toBeNear([...wanted], near);
          });
        }

        const apart = await attributionGraph(cpu, made, { constantPositions: [0] });
        const { zero_first_position: without } = golden;
        expect(apart.features.shown).toBe(without.n_features);
        const scores = graphScores(apart.graph);
        expect(scores.replacement).toBeNear(without.replacement_score, near);
        expect(scores.completeness).toBeNear(without.completeness_score, near);
        expect(apart.certificate.rows).toBeLessThan(1e-12);
        expect(apart.certificate.logits).toBeLessThan(1e-10);
      });
    });
  },
);

function expectWhole({ graph, values, constants, ...found }: PromptGraph, golden: Golden["graph"]) {
  const ids = graph.nodes.map(({ id }) => id.replace(/^(\d+)_-1_/, "0_$1_"));
  expect(ids).toEqual(golden.nodes.map(([id]) => id));
  const column = (i: 3 | 5): number[] => golden.nodes.map((row) => row[i] ?? 0);
  expect(values).toBeNear(column(3), near);
  expect(constants).toBeNear(column(5), near);
  expect(graph.edges.weight).toHaveLength(golden.n_edges_nonzero);
  expect(Math.hypot(...graph.edges.weight)).toBeNear(golden.adjacency_frobenius, near);
  expect(found.logits.map(({ id }) => id)).toEqual(golden.logits.map((one) => one.token_id));
  expect(found.logits.map(({ probability }) => probability)).toBeNear(
    golden.logits.map(({ prob }) => prob),
    near,
  );
  expect(influence(graph).total).toBeNear(
    golden.nodes.map((row) => row[6]),
    near,
  );
  const { replacement, completeness } = graphScores(graph);
  expect(replacement).toBeNear(golden.replacement_score, near);
  expect(completeness).toBeNear(golden.completeness_score, near);
  const { graph: pruned, nodes } = pruneGraph(graph);
  expect(nodes).toEqual(golden.nodes.flatMap((row, i) => (row[8] ? [i] : [])));
  const { source, target, weight } = pruned.edges;
  const kept = Array.from(weight, (one, e) => {
    const id = (i: number | undefined): string | undefined =>
      pruned.nodes[i ?? -1]?.id.replace(/^(\d+)_-1_/, "0_$1_");
    return [`${id(source[e])} ${id(target[e])}`, one] as const;
  }).sort(([a], [b]) => (a < b ? -1 : 1));
  const wanted = golden.edges_kept
    .map(([s, t, one]) => [`${s} ${t}`, one] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  expect(kept.map(([name]) => name)).toEqual(wanted.map(([name]) => name));
  expect(kept.map(([, one]) => one)).toBeNear(
    wanted.map(([, one]) => one),
    near,
  );
  expect(found.certificate.rows).toBeLessThan(1e-12);
}

function expectTotals({ graph, constants, ...found }: PromptGraph, golden: Golden["graph"]) {
  expect(found.certificate.logits).toBeLessThan(1e-10);
  const first = graph.nodes.findIndex(({ kind }) => kind === "logit");
  golden.signed_totals.forEach((total, i) => {
    const weights = new Float64Array(graph.nodes.length);
    weights[first + i] = 1;
    const totals = signedTotals(graph, { constants, weights });
    expect(totals.total).toBeNear(total.value, near);
    expect(found.logits[i]?.total).toBeNear(total.value, near);
    const of = (kind: string): number[] =>
      graph.nodes.flatMap((node, n) => (node.kind === kind ? [totals.through[n] ?? 0] : []));
    expect(of("token")).toBeNear([...total.tokens], near);
    expect(of("error")).toBeNear([...total.errors], near);
    const [own, ...others] = totals.byEdges;
    expect(own?.constants).toBeNear(total.constant_of_logit_row, near);
    expect(others.reduce((sum, one) => sum + one.constants, 0)).toBeNear(
      total.constants_of_features,
      near,
    );
    // k edges pass k − 1 features; the constant of a feature's row is carried on by as many as pass it.
    const passed = total.by_features_passed.map((_, k) => {
      const [row, next] = [totals.byEdges[k], totals.byEdges[k + 1]];
      return (
        (row?.constants ?? 0) + (next?.tokens ?? 0) + (next?.errors ?? 0) + (next?.others ?? 0)
      );
    });
    expect(passed).toBeNear([...total.by_features_passed], near);
  });
}
