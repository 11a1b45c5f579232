import { reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies } from "@resolvent/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Block,
  blocksOf,
  blockWrite,
  hasBiases,
  plainSites,
  replacing,
  run,
  withoutBiases,
} from "../src/index.ts";
import { TOKENS, tiny } from "./tiny.ts";

const { add, sub } = reference;
const GATES = ["*.pattern", "*.norm", "*.gate", "*.post_norm", "*.write_norm"];

/** The blocks of a model as functions with all their gates frozen at a real run. */
async function frozen(family: string) {
  const model = await tiny(family);
  const { trace } = run(reference, model, TOKENS, { sites: GATES });
  const sites = replacing(plainSites<Tensor>(), Object.fromEntries(trace));
  const f =
    (block: Block<Tensor>) =>
    (read: Tensor): Tensor =>
      blockWrite(reference, block, read, sites);
  return { model, blocks: blocksOf(model), f };
}

function streams(d_model: number): fc.Arbitrary<Tensor> {
  const shape = { pos: TOKENS.length, d_model };
  const size = TOKENS.length * d_model;
  return fc
    .array(fc.integer({ min: -1000, max: 1000 }), { minLength: size, maxLength: size })
    .map((numbers) =>
      reference.constant(
        shape,
        numbers.map((n) => n / 250),
      ),
    );
}

const largest = (a: Tensor): number => Math.max(...a.data.map(Math.abs));

describe.each(tinyFamilies)("with its gates frozen, each block of %s", (family) => {
  test("is affine, and without biases it is its linear part", async () => {
    const { model, blocks, f } = await frozen(family);
    const stream = streams(model.architecture.d_model);
    for (const block of blocks) {
      const whole = f(block);
      const linear = f(withoutBiases(block));
      const constant = whole(
        reference.fill({ pos: TOKENS.length, d_model: model.architecture.d_model }, 0),
      );
      fc.assert(
        fc.property(stream, stream, (a, b) => {
          const [fa, fb, fab] = [whole(a), whole(b), whole(add(a, b))];
          const near = {
            atol: 1e-12 * (largest(fa) + largest(fb) + largest(fab) + largest(constant)),
          };
          expect(sub(fab, fa)).toBeNear(sub(fb, constant), { rtol: 0, ...near });
          expect(linear(a)).toBeNear(sub(fa, constant), { rtol: 0, ...near });
        }),
        { numRuns: 5 },
      );
    }
  });

  test("has a constant exactly where it has biases", async () => {
    const { model, blocks, f } = await frozen(family);
    const zero = reference.fill({ pos: TOKENS.length, d_model: model.architecture.d_model }, 0);
    for (const block of blocks) {
      expect([block.name, largest(f(block)(zero)) > 1e-3]).toEqual([block.name, hasBiases(block)]);
      expect(hasBiases(withoutBiases(block))).toBe(false);
      expect(largest(f(withoutBiases(block))(zero))).toBe(0);
    }
  });
});

describe("hasBiases", () => {
  const bias = (x: unknown): boolean => x !== undefined;

  test("knows both kinds of families", async () => {
    const of = async (family: string) => blocksOf(await tiny(family)).map(hasBiases);
    expect(await of("gpt2")).toEqual([true, true, true, true]);
    expect(await of("llama")).toEqual([false, false, false, false]);
    expect(await of("qwen2")).toEqual([true, false, true, false]);
  });

  test("biases of queries and keys, and of the gate's branch, do not reach the output", async () => {
    const { blocks, f, model } = await frozen("llama-biased");
    const zero = reference.fill({ pos: TOKENS.length, d_model: model.architecture.d_model }, 0);
    const [attn, mlp] = blocks;
    if (attn?.kind !== "attn" || mlp?.kind !== "mlp")
      throw new Error("an attention block, then an MLP");
    const { b_V, b_O, ...hidden } = attn;
    expect([hidden.b_Q, hidden.b_K, b_V, b_O].every(bias)).toBe(true);
    const { b_in, b_out, ...gated } = mlp;
    expect([gated.b_gate, b_in, b_out].every(bias)).toBe(true);
    for (const block of [hidden, gated] as const) {
      expect(hasBiases(block)).toBe(false);
      expect(largest(f(block)(zero))).toBe(0);
    }
  });

  test.each([
    ["llama-biased", 0, "b_V"],
    ["llama-biased", 0, "b_O"],
    ["llama-biased", 1, "b_out"],
    ["llama-biased", 1, "b_in"],
    ["gpt2", 0, "norm"],
    ["gpt2", 1, "norm"],
    ["transformer_lens-solu-ln", 1, "postNorm"],
  ] as const)("in %s, of block %i, %s alone does", async (family, index, name) => {
    const { blocks, f, model } = await frozen(family);
    const zero = reference.fill({ pos: TOKENS.length, d_model: model.architecture.d_model }, 0);
    const full = blocks[index] as Block<Tensor>; // every model has two blocks
    const own = (full as unknown as Record<string, unknown>)[name];
    expect(own).toBeDefined();
    const block: Block<Tensor> = { ...withoutBiases(full), [name]: own };
    expect(hasBiases(block)).toBe(true);
    expect(largest(f(block)(zero))).toBeGreaterThan(1e-3);
  });
});

test("with live gates no block of gpt2 is affine", async () => {
  const { model } = await frozen("gpt2");
  for (const block of blocksOf(model)) {
    const f = (read: Tensor): Tensor => blockWrite(reference, block, read, plainSites());
    const [a, b] = fc.sample(streams(model.architecture.d_model), { numRuns: 2, seed: 1 }) as [
      Tensor,
      Tensor,
    ];
    const zero = reference.fill(a.shape, 0);
    const defect = sub(sub(f(add(a, b)), f(a)), sub(f(b), f(zero)));
    expect(largest(defect)).toBeGreaterThan(0.05 * largest(f(add(a, b))));
  }
});
