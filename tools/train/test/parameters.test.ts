import { createCpu } from "@resolvent/cpu";
import { reference, type Tensor } from "@resolvent/tensor";
import { describe, expect, test } from "vitest";
import { freshParameters } from "../src/parameters.ts";
import { attnOnlyRecipe, talesRecipe } from "../src/recipe.ts";
import { tinyAttnOnly, tinyConfig } from "./tiny.ts";

const deviation = (t: Tensor | undefined): number => {
  const data = Array.from(t?.data ?? []);
  const mean = data.reduce((a, b) => a + b, 0) / data.length;
  return Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length);
};

describe("fresh parameters", () => {
  test("have the names and sizes of a GPT-2 checkpoint", () => {
    const layer = (n: number): [string, number[]][] => [
      [`h.${n}.ln_1.weight`, [8]],
      [`h.${n}.ln_1.bias`, [8]],
      [`h.${n}.attn.c_attn.weight`, [8, 24]],
      [`h.${n}.attn.c_attn.bias`, [24]],
      [`h.${n}.attn.c_proj.weight`, [8, 8]],
      [`h.${n}.attn.c_proj.bias`, [8]],
      [`h.${n}.ln_2.weight`, [8]],
      [`h.${n}.ln_2.bias`, [8]],
      [`h.${n}.mlp.c_fc.weight`, [8, 32]],
      [`h.${n}.mlp.c_fc.bias`, [32]],
      [`h.${n}.mlp.c_proj.weight`, [32, 8]],
      [`h.${n}.mlp.c_proj.bias`, [8]],
    ];
    const expected: [string, number[]][] = [
      ["wte.weight", [11, 8]],
      ["wpe.weight", [6, 8]],
      ...layer(0),
      ...layer(1),
      ["ln_f.weight", [8]],
      ["ln_f.bias", [8]],
    ];
    const made = freshParameters(reference, tinyConfig, 1);
    const found = [...made].map(([name, { shape }]) => [name, Object.values(shape)]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    expect(made.size).toBe(expected.length);
  });

  test("are the same for a seed, on every engine, and others for another", async () => {
    const one = freshParameters(reference, tinyConfig, 1);
    expect(freshParameters(reference, tinyConfig, 1)).toEqual(one);
    const cpu = await createCpu({ precision: "f64", threads: 1 });
    for (const [name, value] of freshParameters(cpu, tinyConfig, 1)) {
      expect(cpu.read(value).data).toEqual(one.get(name)?.data);
    }
    await cpu.close();
    const two = freshParameters(reference, tinyConfig, 2);
    expect(two.get("wte.weight")).not.toEqual(one.get("wte.weight"));
    expect(one.get("h.0.mlp.c_fc.weight")).not.toEqual(one.get("h.1.mlp.c_fc.weight"));
  });

  test("have the spreads that are said", () => {
    const made = freshParameters(reference, { ...talesRecipe.config, vocab_size: 300 }, 1);
    const near = { rtol: 0.03 };
    expect(deviation(made.get("wte.weight"))).toBeNear(0.05, near);
    expect(deviation(made.get("h.0.attn.c_attn.weight"))).toBeNear(0.08, near);
    expect(deviation(made.get("h.3.mlp.c_fc.weight"))).toBeNear(0.08, near);
    expect(deviation(made.get("h.0.attn.c_proj.weight"))).toBeNear(0.08 / Math.sqrt(8), near);
    expect(deviation(made.get("h.3.mlp.c_proj.weight"))).toBeNear(0.08 / Math.sqrt(8), near);
    for (const [name, { data }] of made) {
      if (name.endsWith(".bias")) expect(new Set(data)).toEqual(new Set([0]));
      else if (/ln_[12f]\.weight$/.test(name)) expect(new Set(data)).toEqual(new Set([1]));
      else expect(Math.max(...data.slice(0, 100))).toBeGreaterThan(0);
    }
  });

  test("have positions of which the one before is a linear map: a turn of each pair", () => {
    const { data } = freshParameters(reference, tinyConfig, 1).get("wpe.weight") as Tensor;
    const at = (pos: number, entry: number): number => data[pos * 8 + entry] ?? Number.NaN;
    for (let pair = 0; pair < 4; pair++) {
      const angle = 1000 ** (-(2 * pair) / 8);
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      expect(at(0, 2 * pair)).toBe(0);
      for (let pos = 1; pos < 6; pos++) {
        const [s, c] = [at(pos, 2 * pair), at(pos, 2 * pair + 1)];
        const before = [at(pos - 1, 2 * pair), at(pos - 1, 2 * pair + 1)];
        expect([s * cos - c * sin, c * cos + s * sin]).toBeNear(before, {
          rtol: 1e-14,
          atol: 1e-16,
        });
      }
    }
  });
});

describe("fresh parameters of an attention-only model", () => {
  test("have the names and sizes of a TransformerLens checkpoint, and no biases", () => {
    const layer = (n: number): [string, number[]][] => [
      [`blocks.${n}.attn.W_Q`, [2, 8, 4]],
      [`blocks.${n}.attn.W_K`, [2, 8, 4]],
      [`blocks.${n}.attn.W_V`, [2, 8, 4]],
      [`blocks.${n}.attn.W_O`, [2, 4, 8]],
    ];
    const expected: [string, number[]][] = [
      ["embed.W_E", [11, 8]],
      ["pos_embed.W_pos", [6, 8]],
      ...layer(0),
      ...layer(1),
      ["unembed.W_U", [8, 11]],
    ];
    const made = freshParameters(reference, tinyAttnOnly, 1);
    const found = [...made].map(([name, { shape }]) => [name, Object.values(shape)]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  });

  test("have the spreads that are said", () => {
    const made = freshParameters(reference, { ...attnOnlyRecipe.config, d_vocab: 300 }, 1);
    const near = { rtol: 0.03 };
    const width = 1 / Math.sqrt(128);
    expect(deviation(made.get("embed.W_E"))).toBeNear(0.5, near);
    expect(deviation(made.get("blocks.0.attn.W_Q"))).toBeNear(width, near);
    expect(deviation(made.get("blocks.1.attn.W_O"))).toBeNear(width / Math.sqrt(2), near);
    expect(deviation(made.get("unembed.W_U"))).toBeNear(width, near);
  });

  test("have positions at right angles, of twice the size of tokens", () => {
    const made = freshParameters(reference, { ...attnOnlyRecipe.config, d_vocab: 300 }, 1);
    const { data } = made.get("pos_embed.W_pos") as Tensor;
    const row = (pos: number): number[] => Array.from(data.slice(pos * 128, (pos + 1) * 128));
    const dot = (a: number, b: number): number => {
      const other = row(b);
      return row(a).reduce((sum, x, i) => sum + x * (other[i] ?? Number.NaN), 0);
    };
    expect(dot(5, 5)).toBeNear(128, { rtol: 1e-12 });
    // frequencies are even from 0 to π, so only the constant pair is left, or nothing
    for (const other of [4, 6, 7, 12, 100]) expect(Math.abs(dot(5, other))).toBeLessThan(2.01);
  });
});
