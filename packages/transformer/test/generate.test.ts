import { InputError, reference, type Tensor } from "@resolvent/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  generate,
  type Model,
  plainSites,
  residualStream,
  run,
  type SamplingOptions,
  tokenIds,
} from "../src/index.ts";
import { TOKENS, tiny } from "./tiny.ts";

const VOCAB = 29;

/** All that is generated. */
async function made(
  model: Model<Tensor>,
  prompt: readonly number[],
  options: SamplingOptions,
): Promise<number[]> {
  const ids: number[] = [];
  for await (const id of generate(reference, model, prompt, options)) ids.push(id);
  return ids;
}

/** A model whose logits at every position are the given ones. */
async function saying(logits: readonly number[]): Promise<Model<Tensor>> {
  const model = await tiny("transformer_lens-ln-gelu", { d_vocab: logits.length });
  const { W_U } = model.final;
  return {
    ...model,
    architecture: { ...model.architecture, context: 4000 },
    embed: { ...model.embed, W_pos: reference.fill({ context: 4000, d_model: 16 }, 0) },
    stages: [],
    final: {
      ...model.final,
      W_U: reference.fill(W_U.shape, 0),
      b_U: reference.constant({ vocab: logits.length }, logits),
    },
  };
}

function shares(ids: readonly number[], vocab: number): number[] {
  return Array.from({ length: vocab }, (_, id) => ids.filter((n) => n === id).length / ids.length);
}

describe("sampling", () => {
  test("the same seed gives the same tokens, another seed others", async () => {
    const model = await tiny("llama");
    const options = { temperature: 1.5, maxTokens: 25, stop: [] };
    const first = await made(model, TOKENS, { ...options, seed: 7 });
    expect(first.length).toBe(25);
    expect(await made(model, TOKENS, { ...options, seed: 7 })).toEqual(first);
    expect(await made(model, TOKENS, { ...options, seed: 8 })).not.toEqual(first);
    expect(await made(model, TOKENS, options)).toEqual(
      await made(model, TOKENS, { ...options, seed: 0 }),
    );
  });

  test("draws tokens as often as the softmax of logits / temperature says", async () => {
    const logits = [0, 1, 2, -1];
    const model = await saying(logits);
    for (const temperature of [0.5, 1, 2]) {
      const weights = logits.map((x) => Math.exp(x / temperature));
      const total = weights.reduce((a, b) => a + b);
      const ids = await made(model, [0], { temperature, maxTokens: 3000, seed: 3 });
      // Five standard deviations of a share of 3000 draws are at most 0.046.
      expect(shares(ids, 4)).toBeNear(
        weights.map((w) => w / total),
        { rtol: 0, atol: 0.046 },
      );
    }
  });

  test("topK and topP keep the likeliest tokens, in their proportions", async () => {
    const model = await saying([0.4, 0.1, 0.3, 0.2].map(Math.log));
    const shared = async (options: SamplingOptions): Promise<number[]> =>
      shares(await made(model, [0], { temperature: 1, maxTokens: 2000, ...options }), 4);
    const near = { rtol: 0, atol: 0.056 }; // five standard deviations
    expect(await shared({ topK: 2 })).toBeNear([4 / 7, 0, 3 / 7, 0], near);
    expect((await shared({ topK: 2 }))[3]).toBe(0);
    expect(await shared({ topK: 9 })).toBeNear([0.4, 0.1, 0.3, 0.2], near);
    // The first tokens that together reach it: 0.4 + 0.3 = 0.7.
    expect(await shared({ topP: 0.69 })).toBeNear([4 / 7, 0, 3 / 7, 0], near);
    expect((await shared({ topP: 0.71 })).map((share) => share > 0)).toEqual([
      true,
      false,
      true,
      true,
    ]);
    expect(await shared({ topP: 0.01 })).toEqual([1, 0, 0, 0]);
    // topP is a share of what topK leaves: 0.4 / 0.7 reaches 0.5.
    expect(await shared({ topK: 2, topP: 0.5 })).toEqual([1, 0, 0, 0]);
  });

  test("topK 1, or temperature 0, takes the likeliest; of equals the first", async () => {
    const model = await saying([0, 3, 1, 3]);
    expect(await made(model, [0], { maxTokens: 3 })).toEqual([1, 1, 1]);
    expect(await made(model, [0], { maxTokens: 3, temperature: 5, topK: 1 })).toEqual([1, 1, 1]);
    expect(
      await made(model, [0], { maxTokens: 3, temperature: 0, topK: 4, topP: 1, seed: 5 }),
    ).toEqual([1, 1, 1]);
    expect(new Set(await made(model, [0], { maxTokens: 50, temperature: 1e-6 }))).toEqual(
      new Set([1, 3]),
    );
  });

  test("every token is in the vocabulary, whatever the options", async () => {
    const model = await tiny("gpt2");
    const options = fc.record({
      temperature: fc.double({ min: 0, max: 1e6, noNaN: true }),
      topK: fc.integer({ min: 1, max: 40 }),
      topP: fc.double({ min: Number.MIN_VALUE, max: 1, noNaN: true }),
      seed: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(options, async (sampling) => {
        const ids = await made(model, [1], { ...sampling, maxTokens: 2, stop: [] });
        expect(ids.length).toBe(2);
        expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < VOCAB)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

describe("generation ends", () => {
  test("at the context's end", async () => {
    const model = await tiny("gpt2");
    const { context } = model.architecture;
    expect((await made(model, TOKENS, { stop: [] })).length).toBe(context - TOKENS.length);
    expect((await made(model, TOKENS, { stop: [], maxTokens: 1000 })).length).toBe(
      context - TOKENS.length,
    );
    const full = Array.from({ length: context }, () => 3);
    expect(await made(model, full, {})).toEqual([]);
  });

  test("after maxTokens, which may be 0", async () => {
    const model = await tiny("llama");
    expect((await made(model, TOKENS, { stop: [], maxTokens: 4 })).length).toBe(4);
    expect(await made(model, TOKENS, { maxTokens: 0 })).toEqual([]);
  });

  test("before a token that ends the text: the model's own, or the given ones", async () => {
    const model = await tiny("llama");
    const all = await made(model, TOKENS, { stop: [], maxTokens: 12 });
    const stop = all.find((id, i) => i > 2 && all.indexOf(id) === i) as number;
    const expected = all.slice(0, all.indexOf(stop));
    expect(expected.length).toBeGreaterThan(2);
    expect(await made(model, TOKENS, { stop: [stop], maxTokens: 12 })).toEqual(expected);
    const ended = { ...model, architecture: { ...model.architecture, eos: [stop] } };
    expect(await made(ended, TOKENS, { maxTokens: 12 })).toEqual(expected);
    expect(await made(ended, TOKENS, { stop: [], maxTokens: 12 })).toEqual(all);
  });

  test("with the signal's reason when it is aborted", async () => {
    const model = await tiny("llama");
    const aborting = new AbortController();
    const ids: number[] = [];
    const all = async (): Promise<void> => {
      for await (const id of generate(reference, model, TOKENS, {
        stop: [],
        signal: aborting.signal,
      })) {
        ids.push(id);
        if (ids.length === 3) aborting.abort(new Error("enough"));
      }
    };
    await expect(all()).rejects.toThrow("enough");
    expect(ids.length).toBe(3);
  });

  test("when its reader stops, and everything it kept is freed", async () => {
    const kept = new Set<unknown>();
    const freed: unknown[] = [];
    const engine: typeof reference = {
      ...reference,
      concat: (parts, axis) => {
        const whole = reference.concat(parts, axis);
        kept.add(whole);
        return whole;
      },
      free: (value) => freed.push(value),
    };
    const model = await tiny("gpt2");
    let count = 0;
    for await (const _ of generate(engine, model, TOKENS, { stop: [] })) if (++count === 4) break;
    const reached = new Set(
      freed.flat().flatMap((v) => (v instanceof Map ? [...v.values()] : [v])),
    );
    expect(kept.size).toBe(3 * 2 * 2); // tokens after the first, layers, key and value
    expect([...kept].every((value) => reached.has(value))).toBe(true);
  });
});

describe("generation refuses", () => {
  test.each<[keyof SamplingOptions, number]>([
    ["temperature", -1],
    ["temperature", Number.NaN],
    ["temperature", Number.POSITIVE_INFINITY],
    ["topK", 0],
    ["topK", 1.5],
    ["topP", 0],
    ["topP", 1.1],
    ["maxTokens", -1],
    ["maxTokens", 2.5],
  ])("%s = %s", async (option, got) => {
    const model = await tiny("gpt2");
    const error = await made(model, TOKENS, { [option]: got }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ code: "transformer/bad-sampling", details: { option, got } });
  });

  test("prompts that do not fit the model", async () => {
    const model = await tiny("gpt2");
    const tooLong = Array.from({ length: 25 }, () => 1);
    const code = async (prompt: readonly number[]): Promise<unknown> =>
      await made(model, prompt, {}).catch((e: InputError) => e.code);
    expect(await code([])).toBe("transformer/no-tokens");
    expect(await code([1, 29])).toBe("transformer/bad-token");
    expect(await code([1, -1])).toBe("transformer/bad-token");
    expect(await code([1, 2.5])).toBe("transformer/bad-token");
    expect(await code(tooLong)).toBe("transformer/too-long");
  });
});

describe("run refuses", () => {
  test.each<[string, readonly number[] | readonly (readonly number[])[], string]>([
    ["no tokens", [], "transformer/no-tokens"],
    ["an empty row", [[]], "transformer/no-tokens"],
    ["tokens beyond the vocabulary", [0, 29], "transformer/bad-token"],
    ["negative tokens", [[0], [-1]], "transformer/bad-token"],
    ["fractions", [0.5], "transformer/bad-token"],
    ["NaN", [Number.NaN], "transformer/bad-token"],
    ["numbers that wrap around in 32 bits", [2 ** 32], "transformer/bad-token"],
    ["rows of different length", [[1, 2], [3]], "transformer/ragged-batch"],
    ["inputs longer than the context", Array.from({ length: 25 }, () => 1), "transformer/too-long"],
  ])("%s", async (_, tokens, code) => {
    const model = await tiny("gpt2");
    expect(() => run(reference, model, tokens)).toThrow(expect.objectContaining({ code }));
  });

  test("positions beyond the context", async () => {
    const model = await tiny("gpt2");
    const from = (start: number): Tensor =>
      residualStream(reference, model, tokenIds([1, 2]), plainSites(), start);
    expect(from(22).shape).toEqual({ pos: 2, d_model: 16 });
    expect(() => from(23)).toThrow(/24 tokens, got 25/);
  });

  test("with both numbers", async () => {
    const model = await tiny("gpt2");
    expect(() => run(reference, model, [3, 29])).toThrow(/0 to 28, got 29/);
    expect(() => run(reference, model, new Array(25).fill(0))).toThrow(/24 tokens, got 25/);
  });
});
