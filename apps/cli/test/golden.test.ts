import { readFileSync } from "node:fs";
import type { DegreeExpansion } from "@resolvent/expansion";
import { describeWithFixtures } from "@resolvent/testkit";
import { describe, expect, test } from "vitest";
import { json, output } from "./program.ts";

/** What is compared of a golden file; its `spec` defines the fields. */
interface Golden {
  readonly prompts: readonly {
    readonly ids: readonly number[];
    readonly T_norm: number;
    readonly degree: Readonly<Record<string, GoldenDegrees>>;
  }[];
}

interface GoldenDegrees {
  readonly D_norm: readonly number[];
  readonly share: readonly number[];
  readonly kl_final_frozen: readonly number[];
  readonly top1_final_frozen: readonly number[];
  readonly kl_final_live: readonly number[];
  readonly top1_final_live: readonly number[];
}

interface Reference {
  readonly greedy_ids: readonly number[];
  readonly greedy_continuation_of_first_prompt: string;
  readonly prompts: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly top10_ids: readonly number[];
    readonly top10_logits: readonly number[];
  }[];
}

const freezeSets = {
  truncated: "none",
  amfotc: "pattern",
  pattern_norm: "pattern,norm",
  frozen: "all",
};

describeWithFixtures("stories260k by the command", (fixtures) => {
  const folder = fixtures.models("stories260k");
  const golden = fixtures.golden<Golden>("stories260k");
  const ref: Reference = JSON.parse(
    readFileSync(fixtures.path("fixtures/models/stories260k/ref.json"), "utf8"),
  );

  describe.each([
    ["f64", 1e-9, 1e-12],
    ["f32", 1e-4, 1e-5],
  ] as const)("expand in %s", (precision, rtol, term) => {
    test.each(Object.entries(freezeSets))("%s", async (set, freeze) => {
      for (const { ids, T_norm, degree } of golden.prompts) {
        const expected = degree[set];
        if (expected === undefined) throw new Error(`The golden file has no ${set}.`);
        const args = ["--tokens", ids.join(","), "--freeze", freeze, "--precision", precision];
        const { terms, run, certificate } = await json<DegreeExpansion>([
          ...["expand", folder, ...args],
        ]);
        expect(run.residualNorm).toBeNear(T_norm, { rtol });
        const norms = { of: "each", rtol: rtol / 10, atol: term * T_norm } as const;
        expect(terms.map((t) => t.norm)).toBeNear(expected.D_norm, norms);
        expect(terms.map((t) => t.logitShare)).toBeNear(expected.share, { rtol });
        const frozen = terms.map((t) => t.partial.frozenNorm);
        const live = terms.map((t) => t.partial.recomputedNorm);
        expect(frozen.map((p) => p.kl)).toBeNear(expected.kl_final_frozen, { rtol });
        expect(live.map((p) => p.kl)).toBeNear(expected.kl_final_live, { rtol });
        expect(frozen.map((p) => p.top1)).toBeNear(expected.top1_final_frozen);
        expect(live.map((p) => p.top1)).toBeNear(expected.top1_final_live);
        expect(certificate.relativeError).toBeLessThan(term);
        expect(certificate.relativeErrorFloat64).toBeLessThan(1e-12);
      }
    });
  });

  test("run: the likeliest tokens of each prompt", async () => {
    for (const { text, ids, top10_ids, top10_logits } of ref.prompts) {
      const result = await json<{
        input: { tokens: { id: number }[] };
        next: { id: number; logit: number }[];
      }>(["run", folder, "--prompt", text, "--precision", "f64"]);
      expect(result.input.tokens.map((token) => token.id)).toEqual(ids);
      expect(result.next.map((token) => token.id)).toEqual(top10_ids);
      expect(result.next.map((token) => token.logit)).toBeNear(top10_logits);
    }
  });

  test("run --generate: the greedy story, token by token and as text", async () => {
    const [prompt] = ref.prompts;
    const count = ref.greedy_ids.length - (prompt?.ids.length ?? 0);
    const args = ["run", folder, "--prompt", prompt?.text ?? "", "--generate", String(count)];
    const { generated } = await json<{ generated: { tokens: number[]; text: string } }>(args);
    expect(generated.tokens).toEqual(ref.greedy_ids.slice(prompt?.ids.length));
    const story = ref.greedy_continuation_of_first_prompt.trimStart();
    expect(`${prompt?.text}${generated.text}`).toBe(story);
    expect(await output(args)).toContain(story);
  });
});
