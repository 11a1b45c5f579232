import { inOrder, reference, type Tensor } from "@resolvent/tensor";
import { describeWithFixtures, tinyFamilies, tinyModel } from "@resolvent/testkit";
import { blocksOf, loadModel, run, targetReadout } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { chooseEdge, expandScore, qkDegrees } from "../src/index.ts";
import { valueTerms } from "../src/qk/edge-degrees.ts";
import { goldenModels, loadGolden } from "./golden.ts";

const sum = (numbers: readonly number[]): number => numbers.reduce((all, x) => all + x, 0);

describe("V-degree and QK-degree", () => {
  test.each(tinyFamilies)("of an edge of %s add up, each to what the run says", async (family) => {
    const model = await loadModel(reference, tinyModel(family, { seed: 8 }));
    const tokens = [3, 17, 5, 9, 28, 11];
    const [query, key] = [4, 3];
    const layer = model.architecture.layers - 1;
    const target = { a: 7, b: 2 };
    const head = { layer, head: 1 };
    const found = await qkDegrees(reference, model, tokens, { head, query, key, target });

    const { logits, residual, trace } = run(reference, model, tokens.slice(0, query + 1), {
      sites: ["*.value", "*.pattern", "*.head", "final.*"],
    });
    const last = inOrder(trace.get("final.uncapped") ?? logits, ["pos", "vocab"]).data.slice(
      query * 29,
    );
    const difference = (last[7] ?? Number.NaN) - (last[2] ?? Number.NaN);
    expect(found.value.total).toBeNear(difference, { rtol: 1e-12 });
    expect(sum(found.value.degrees) + found.value.constant).toBeNear(difference, { atol: 1e-10 });
    expect(found.value.degrees).toHaveLength([...model.stages].length + 1);

    // All edges of the query together are what the head writes there.
    const { covector } = targetReadout(reference, model, residual, target);
    const written = trace.get(`L${layer}.attn.head`);
    if (written === undefined) throw new Error("The run has no heads.");
    const ofHead = reference.slice(reference.slice(written, "head", 1, 2), "pos", query, query + 1);
    const direct = reference.matmul(ofHead, covector, ["d_model"]).data[0] ?? Number.NaN;
    const block = blocksOf(model).find((one) => one.kind === "attn" && one.layer === layer);
    const windowed = block?.kind === "attn" && block.window === 3;
    const keys = windowed ? [2, 3, 4] : [0, 1, 2, 3, 4];
    const edges = await Promise.all(
      keys.map((k) => qkDegrees(reference, model, tokens, { head, query, key: k, target })),
    );
    expect(sum(edges.map(({ edge }) => edge.total))).toBeNear(direct, { atol: 1e-12 });
    for (const { edge } of edges) expect(sum(edge.degrees)).toBeNear(edge.total, { atol: 1e-12 });

    const { score } = found;
    expect(sum(score.matrix.flat())).toBeNear(score.total, { atol: 1e-11 });
    for (const sums of [score.query, score.key, score.both]) {
      expect(sum(sums)).toBeNear(score.total, { atol: 1e-11 });
    }
    expect(score.sources.at(-1)).toBe("constant");
    expect(score.query).toHaveLength(score.sources.length);
    expect(found.certificate.relativeError).toBeLessThan(1e-12);
  });

  test("the sum of both degrees: a constant has been through no block", async () => {
    const model = await loadModel(reference, tinyModel("gpt2", { seed: 8 }));
    const edge = { head: { layer: 1, head: 0 }, query: 3, key: 1, target: { a: 1, b: null } };
    const { score } = await qkDegrees(reference, model, [4, 9, 2, 6], edge);
    const entry = (a: number, b: number): number => score.matrix[a]?.[b] ?? Number.NaN;
    expect(score.sources).toEqual(["degree 0", "degree 1", "degree 2", "constant"]);
    expect(score.both).toHaveLength(5);
    expect(score.both[0]).toBeNear(entry(0, 0) + entry(0, 3) + entry(3, 0) + entry(3, 3));
    expect(score.both[1]).toBeNear(entry(0, 1) + entry(1, 0) + entry(1, 3) + entry(3, 1));
    expect(score.both[4]).toBeNear(entry(2, 2));
  });
});

/** What the golden files say about the target, by the words of their `spec`. */
interface GoldenTargets {
  readonly prompts: readonly {
    readonly ids: readonly number[];
    readonly target: { readonly a: number; readonly b: number; readonly value: number };
    readonly paths_head: { readonly degree_sum: readonly number[] };
    readonly dla: { readonly heads: Readonly<Record<string, readonly number[]>> };
  }[];
}

describeWithFixtures("golden V-degrees", (fixtures) => {
  describe.each(goldenModels)("of %s", (name) => {
    const { prompts } = fixtures.golden<GoldenTargets>(name);
    const loading = loadGolden(reference, fixtures, name);
    test.each(prompts.map((prompt, i) => [i, prompt] as const))(
      "prompt %i",
      async (_, prompt) => {
        const { ids, target, paths_head, dla } = prompt;
        const model = await loading;
        const { target: likeliest, ...edge } = await chooseEdge(reference, model, ids);
        expect(likeliest).toEqual({ a: target.a, b: target.b });
        const { value } = await qkDegrees(reference, model, ids, { ...edge, target: likeliest });
        expect(value.total).toBeNear(target.value);
        expect(value.degrees).toBeNear(paths_head.degree_sum);

        if (ids.length > 12) return; // all edges of the query one by one take long
        const { head, query } = edge;
        let direct = 0;
        for (let key = 0; key <= query; key++) {
          const place = { head, query, key, target: likeliest };
          direct += readScalar(valueTerms(reference, model, ids, place).edge.total);
        }
        const expected = dla.heads[`L${head.layer}.attn`]?.[head.head] ?? Number.NaN;
        expect(direct).toBeNear(expected, { atol: 1e-10 });
      },
      30_000,
    );
  });
});

const readScalar = ({ data }: Tensor): number => data[0] ?? Number.NaN;

describeWithFixtures("induction on neel-induction-2l", (fixtures) => {
  /** Mean shares of the centred score of L1.H2, from a token to the one after its earlier occurrence. */
  const shares = async (period: number): Promise<(query: string, key: string) => number> => {
    const model = await loadGolden(reference, fixtures, "neel-induction-2l");
    const { head_scores } = fixtures.golden<{
      head_scores: { sequences: readonly (readonly number[])[] };
    }>("neel-induction-2l");
    const sums = new Map<string, number>();
    let total = 0;
    for (const sequence of head_scores.sequences) {
      const block = sequence.slice(1, 1 + period);
      for (let query = period + 2; query < 2 * period; query += 4) {
        const found = await expandScore(reference, model, [0, ...block, ...block], {
          head: { layer: 1, head: 2 },
          query,
          key: query - period + 1,
          by: "head",
        });
        total += found.centredScore;
        found.matrixKeyCentred.forEach((row, a) => {
          row.forEach((effect, b) => {
            const pair = `${found.querySources[a]} ${found.keySources[b]}`;
            sums.set(pair, (sums.get(pair) ?? 0) + effect);
          });
        });
      }
    }
    return (query, key) =>
      sum(
        [...sums].flatMap(([pair, effect]) => {
          const [a, b] = pair.split(" ");
          return (query === "*" || query === a) && (key === "*" || key === b) ? [effect] : [];
        }),
      ) / total;
  };

  // L0.H2 is the fixture's previous-token head: 0.43 on average, others at most 0.07.
  // The previous-token head is most of the key side at every length. The pair of induction, with the token itself
  // at the query, is most of the score with short blocks only: with long ones position embeddings come in.
  test.each([
    { period: 8, pair: 0.878, keySide: 1.027 },
    { period: 14, pair: 0.91, keySide: 0.999 },
    { period: 20, pair: 0.317, keySide: 0.866 },
    { period: 28, pair: 0.194, keySide: 0.8 },
  ])("blocks of $period tokens: the pair (token, previous-token head) is $pair", async (at) => {
    const share = await shares(at.period);
    expect(share("embed.token", "L0.H2")).toBeNear(at.pair, { atol: 0.001 });
    expect(share("*", "L0.H2")).toBeNear(at.keySide, { atol: 0.001 });
    expect(share("*", "*")).toBeNear(1, { atol: 1e-12 });
  });

  test("V-degree 1, QK-degree 1 on the key side", async () => {
    const model = await loadGolden(reference, fixtures, "neel-induction-2l");
    const [prompt] = fixtures.golden<GoldenTargets>("neel-induction-2l").prompts;
    const ids = prompt?.ids ?? [];
    const edge = await chooseEdge(reference, model, ids);
    const { edge: moved, score } = await qkDegrees(reference, model, ids, edge);
    expect((moved.degrees[1] ?? 0) / moved.total).toBeNear(1.003, { atol: 0.001 });
    expect((score.key[1] ?? 0) / score.total).toBeNear(0.958, { atol: 0.001 });
    expect((score.key[0] ?? 0) / score.total).toBeNear(0.042, { atol: 0.001 });
  });
});
