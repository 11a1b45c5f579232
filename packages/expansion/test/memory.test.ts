import { type Cpu, createCpu } from "@resolvent/cpu";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, tokenIds } from "@resolvent/transformer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  anatomyOf,
  balanceError,
  degreeTerms,
  expandByDegree,
  GATES,
  measureTerms,
  type TermsOptions,
} from "../src/index.ts";

const tokens = [3, 17, 5, 5, 28];
const options: readonly TermsOptions[] = [
  {},
  { maxDegree: 0 },
  { maxDegree: 1, reference: { kind: "mean", prompts: [[1, 2], [3]] } },
  { freeze: [], maxDegree: 2, reference: { kind: "run", tokens: [1, 2, 3, 4, 5] } },
  { freeze: ["pattern"], maxDegree: 0 },
  { freeze: ["pattern", "norm"], maxDegree: 9 },
];

describe.each(["gpt2", "gpt_neox", "llama", "qwen3", "gemma2", "transformer_lens-relu"])(
  "%s",
  (family) => {
    let engine: Cpu;
    let model: Awaited<ReturnType<typeof loadModel<ReturnType<Cpu["fill"]>>>>;
    beforeAll(async () => {
      engine = await createCpu({ precision: "f64", threads: 1 });
      model = await loadModel(engine, tinyModel(family), { hash: false });
      engine.free(degreeTerms(engine, model, tokenIds(tokens))); // makes the tables that stay
    });
    afterAll(() => engine.close());

    /** What is still held when `body` has ended. */
    async function left(body: () => unknown): Promise<number> {
      const before = engine.memory.used;
      await body();
      return engine.memory.used - before;
    }

    test.each(options)("terms and measures of %j leave nothing behind", async (terms) => {
      expect(
        await left(async () => {
          const sum = degreeTerms(engine, model, tokenIds(tokens), terms);
          await measureTerms(engine, model, tokenIds(tokens), sum, { logitsAtOnce: 1 });
          engine.free(sum);
        }),
      ).toBe(0);
      expect(await left(() => expandByDegree(engine, model, tokens, terms))).toBe(0);
      expect(await left(() => balanceError(engine, model, tokens, terms))).toBe(0);
    });

    test("terms hold no more than what they return", async () => {
      const freeFour = (): void => {
        const sum = degreeTerms(engine, model, tokenIds(tokens), { maxDegree: 1 });
        engine.free([sum.terms, sum.partials, sum.residual, sum.remainder]);
      };
      expect(await left(freeFour)).toBe(0);
    });

    test("the anatomy keeps only the gates that were asked for", async () => {
      expect(await left(() => engine.free(anatomyOf(engine, model, tokenIds(tokens), GATES)))).toBe(
        0,
      );
      const { gates } = anatomyOf(engine, model, tokenIds(tokens), ["pattern"]);
      expect([...gates.keys()].every((site) => site.endsWith(".pattern"))).toBe(true);
      expect(gates.size).toBe(model.architecture.layers);
    });

    test("nothing is left where it ends early", async () => {
      const signal = AbortSignal.timeout(0);
      expect(
        await left(() => expandByDegree(engine, model, tokens, { signal }).catch(() => {})),
      ).toBe(0);
      const failing = {
        onProgress: () => {
          throw new Error("no");
        },
      };
      expect(
        await left(() =>
          expect(expandByDegree(engine, model, tokens, failing)).rejects.toThrow("no"),
        ),
      ).toBe(0);
      const reference = { kind: "run", tokens: [1, 2, 3, 4, 99] } as const;
      expect(
        await left(() =>
          expect(expandByDegree(engine, model, tokens, { reference })).rejects.toThrow(),
        ),
      ).toBe(0);
    });
  },
);
