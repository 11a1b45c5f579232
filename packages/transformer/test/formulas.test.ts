import { readFileSync } from "node:fs";
import { inOrder, reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { describe, expect, test } from "vitest";
import { blocksOf, loadModel, run } from "../src/index.ts";

interface Case {
  readonly name?: string;
  readonly family: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

interface Expected {
  readonly residual: readonly number[];
  readonly last_logits: readonly number[];
  readonly last_pattern: readonly number[];
  readonly last_post: readonly number[];
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`golden/${name}`, import.meta.url), "utf8"));
const cases = read("cases.json") as readonly Case[];
const { tokens, results } = read("golden.json") as {
  readonly tokens: readonly number[];
  readonly results: readonly Expected[];
};

// The expected values come from golden/golden.py, which follows the published modelling code in numpy.
describe("every family computes what the modelling code of its models computes", () => {
  test("there is one result for each case", () => {
    expect(results.length).toBe(cases.length);
  });

  test.each(cases.map((c, i) => [c.name ?? c.family, c, i] as const))(
    "%s",
    async (_, { family, fields }, i) => {
      const expected = results[i] as Expected;
      const model = await loadModel(reference, tinyModel(family, { seed: 1, ...fields }));
      const last = model.architecture.layers - 1;
      const { residual, logits, trace } = run(reference, model, tokens, {
        sites: [`L${last}.attn.pattern`, "*.mlp.post"], // of attention alone there is none
      });
      const near = { rtol: 1e-10 };
      expect(residual.data).toBeNear(expected.residual, near);
      expect(lastRow(logits.data, model.architecture.vocab)).toBeNear(expected.last_logits, near);
      const pattern = trace.get(`L${last}.attn.pattern`);
      expect(pattern && inOrder(pattern, ["head", "pos", "key_pos"]).data).toBeNear(
        expected.last_pattern,
        near,
      );
      if (blocksOf(model).some(({ kind }) => kind === "mlp")) {
        const post = trace.get(`L${last}.mlp.post`);
        expect(post && lastRow(post.data, model.architecture.d_mlp)).toBeNear(
          expected.last_post,
          near,
        );
      } else expect(expected.last_post).toEqual([]);
    },
  );
});

function lastRow(data: ArrayLike<number>, length: number): number[] {
  return Array.from(data).slice(-length);
}
