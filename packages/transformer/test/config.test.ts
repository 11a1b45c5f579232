import { InputError, isInputError, reference } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { architectureOf, loadModel, run } from "../src/index.ts";
import { configOf, withConfig } from "./folders.ts";
import { TOKENS } from "./tiny.ts";

/** The error of reading a tiny model with some fields of its config changed. */
async function errorOf(family: string, fields: Record<string, unknown>): Promise<InputError> {
  const folder = tinyModel(family);
  const changed = withConfig(folder, { ...(await configOf(folder)), ...fields });
  const error: unknown = await loadModel(reference, changed, { hash: false }).then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!isInputError(error)) throw new Error(`Expected an input error, got ${error}.`);
  return error;
}

describe("what is not supported is refused by field and value", () => {
  test.each<[family: string, fields: Record<string, unknown>, field: string, value: unknown]>([
    ["gpt2", { model_type: "bert" }, "model_type", "bert"],
    ["gpt2", { model_type: undefined }, "model_type", undefined],
    ["gpt2", { model_type: 2 }, "model_type", 2],
    ["gpt2", { model_type: "toString" }, "model_type", "toString"],
    ["gpt2", { activation_function: "tanh" }, "activation_function", "tanh"],
    ["gpt2", { activation_function: 7 }, "activation_function", 7],
    ["gpt2", { add_cross_attention: true }, "add_cross_attention", true],
    ["gpt_neox", { hidden_act: "constructor" }, "hidden_act", "constructor"],
    ["gpt_neox", { rotary_pct: 0.375 }, "rotary dimensions", 3],
    ["gpt_neox", { rotary_pct: 2 }, "rotary dimensions", 16],
    ["llama", { hidden_act: "geglu" }, "hidden_act", "geglu"],
    ["llama", { rope_scaling: { rope_type: "longrope" } }, "rope_scaling.rope_type", "longrope"],
    ["llama", { partial_rotary_factor: "half" }, "partial_rotary_factor", "half"],
    ["llama", { partial_rotary_factor: 1e9 }, "rotary dimensions", 8e9],
    ["qwen2", { use_sliding_window: true, layer_types: ["x"] }, "layer_types[0]", "x"],
    ["qwen2", { use_sliding_window: true, layer_types: 3 }, "layer_types[0]", undefined],
    ["transformer_lens-ln-gelu", { act_fn: "gelu_2" }, "act_fn", "gelu_2"],
    ["transformer_lens-ln-gelu", { act_fn: null }, "act_fn", undefined],
    ["transformer_lens-ln-gelu", { normalization_type: "BN" }, "normalization_type", "BN"],
    [
      "transformer_lens-ln-gelu",
      { positional_embedding_type: "alibi" },
      "positional_embedding_type",
      "alibi",
    ],
    [
      "transformer_lens-ln-gelu",
      { attention_dir: "bidirectional" },
      "attention_dir",
      "bidirectional",
    ],
    ["transformer_lens-ln-gelu", { use_local_attn: true }, "use_local_attn", true],
    ["transformer_lens-ln-gelu", { attn_scores_soft_cap: 50 }, "attn_scores_soft_cap", 50],
    ["transformer_lens-ln-gelu", { d_vocab_out: 12 }, "d_vocab_out", 12],
    ["transformer_lens-rotary", { rotary_dim: 8 }, "rotary dimensions", 8],
    ["transformer_lens-gated", { act_fn: "solu_ln" }, "gated_mlp", true],
  ])("%s %o", async (family, fields, field, value) => {
    const error = await errorOf(family, fields);
    expect(error.code).toBe("transformer/unsupported-config");
    expect(error.details).toMatchObject({ field, value });
    expect(error.message).toContain(field);
    expect(error.message).toContain(String(JSON.stringify(value)));
    expect(error.remedy).toMatch(/^Supported: /);
  });

  test.each(tinyFamilies)("quantization of %s", async (family) => {
    const error = await errorOf(family, { quantization_config: { bits: 4 } });
    expect(error.details).toMatchObject({ field: "quantization_config", value: { bits: 4 } });
  });
});

describe("values that cannot be are refused by field and value", () => {
  test.each<[family: string, field: string, values: readonly unknown[]]>([
    ["gpt2", "n_layer", [0, -1, 1.5, "2", 1e9, 2 ** 53, [2], {}, true, undefined]],
    ["gpt2", "n_embd", [0, "16", null]],
    ["gpt2", "n_head", [0, {}]],
    ["gpt2", "vocab_size", [-29, [29]]],
    ["gpt2", "n_inner", [0, 2.5]],
    ["gpt2", "n_positions", [-24]],
    ["gpt2", "layer_norm_epsilon", [-1e-5, "1e-5", [1]]],
    ["gpt2", "tie_word_embeddings", ["false", 0]],
    ["gpt_neox", "use_parallel_residual", ["yes"]],
    ["gpt_neox", "rotary_emb_base", [0, -10000, "10000"]],
    ["llama", "num_key_value_heads", [0, -2]],
    ["llama", "rms_norm_eps", [-1]],
    ["llama", "rope_theta", [0, -1, {}]],
    ["llama", "rope_scaling", [3, "linear", [1]]],
    ["mistral", "sliding_window", [0, -1, 2.5, "3"]],
    ["qwen3", "head_dim", [0, "8"]],
    ["transformer_lens-ln-gelu", "attn_scale", [0, -2, "1"]],
    ["transformer_lens-ln-gelu", "d_head", [0, undefined]],
  ])("%s %s", async (family, field, values) => {
    for (const got of values) {
      const error = await errorOf(family, { [field]: got });
      expect([got, error.code]).toEqual([got, "transformer/bad-config"]);
      expect(error.details.field).toBe(field);
      expect(error.message).toContain(`${field} should be`);
      expect(error.message).toContain(String(JSON.stringify(got)));
    }
  });

  test.each<[kind: string, fields: Record<string, unknown>, name: string]>([
    ["linear", {}, "factor"],
    ["linear", { factor: 0 }, "factor"],
    ["llama3", { factor: 8, low_freq_factor: 1 }, "high_freq_factor"],
    ["yarn", { factor: "4" }, "factor"],
    [
      "yarn",
      { factor: 4, original_max_position_embeddings: 0 },
      "original_max_position_embeddings",
    ],
  ])("llama rope_scaling of type %s with %o", async (rope_type, fields, name) => {
    const error = await errorOf("llama", { rope_scaling: { rope_type, ...fields } });
    expect(error.code).toBe("transformer/bad-config");
    expect(error.details.field).toBe(`rope_scaling.${name}`);
  });

  test.each([
    [{ rope_type: "linear", factor: 1e-320 }, "Infinity"],
    [
      { rope_type: "yarn", factor: 4, attention_factor: 1e308, mscale: 1, beta_fast: 1e-320 },
      "NaN",
    ],
  ])("rotary settings without finite frequencies: %o", async (rope_scaling, shown) => {
    const error = await errorOf("llama", { rope_scaling });
    expect(error.code).toBe("transformer/bad-config");
    expect(error.message).toContain(shown);
  });

  test("widths and heads that do not go together", async () => {
    const odd = await errorOf("gpt2", { n_head: 3 });
    expect(odd.message).toMatch(/width 16 .* 3 heads/);
    const shared = await errorOf("llama", { num_key_value_heads: 3 });
    expect(shared.message).toMatch(/4 heads .* 3 key-value heads/);
    const lens = await errorOf("transformer_lens-gated", { n_key_value_heads: 3 });
    expect(lens.details).toMatchObject({ heads: 4, kv_heads: 3 });
  });
});

describe("any config", () => {
  const nasty = fc.oneof(
    fc.constantFrom<unknown>(0, -1, -0, 1.5, 1e-320, 1e15, 2 ** 31, 2 ** 53, 99_999_999, 1e308),
    fc.constantFrom<unknown>("", "16", "NaN", "__proto__", "relu", "yarn", true, false, null),
    fc.constantFrom<unknown>([], {}, [1], [null], { rope_type: "yarn", factor: 1e308 }),
    fc.constantFrom<unknown>(
      { type: null },
      { rope_type: "llama3", factor: 0.5 },
      { factor: [[null]] },
    ),
    fc.json({ maxDepth: 3 }).map((text): unknown => JSON.parse(text)),
  );

  test.each(tinyFamilies)("of %s loads, or is refused with an input error", async (family) => {
    const folder = tinyModel(family);
    const config = await configOf(folder);
    const names = [
      ...Object.keys(config),
      ...[
        "hidden_act",
        "rope_theta",
        "rope_scaling",
        "rope_parameters",
        "head_dim",
        "n_inner",
        "eps",
      ],
      ...["layer_types", "use_sliding_window", "rotary_dim", "attn_scale", "eos_token_id", "n_ctx"],
    ];
    const changes = fc.array(fc.tuple(fc.constantFrom(...names), nasty), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(changes, async (fields) => {
        const changed = withConfig(folder, { ...config, ...Object.fromEntries(fields) });
        try {
          const model = await loadModel(reference, changed, { hash: false });
          run(reference, model, TOKENS);
        } catch (error) {
          if (!isInputError(error)) throw error;
        }
      }),
      { numRuns: 60 },
    );
  });

  test("that is no config at all is refused by architectureOf", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), nasty), (config) => {
        expect(() => architectureOf(config)).toThrow(InputError);
      }),
    );
  });

  test("with numbers beyond float64 is refused", async () => {
    const text = JSON.stringify(await configOf(tinyModel("gpt2")));
    for (const [field, value] of [
      ["layer_norm_epsilon", "1e999"],
      ["n_layer", "1e999"],
      ["n_embd", "-1e999"],
    ]) {
      const folder = withConfig(
        tinyModel("gpt2"),
        text.replace("{", `{"${field}_":0,`).replace(/}$/, `,"${field}":${value}}`),
      );
      await expect(loadModel(reference, folder)).rejects.toMatchObject({
        code: "transformer/bad-config",
        details: { field },
      });
    }
  });
});

describe("architectureOf", () => {
  test("GPT-2 small", () => {
    const config = {
      model_type: "gpt2",
      n_layer: 12,
      n_embd: 768,
      n_head: 12,
      n_positions: 1024,
      vocab_size: 50257,
      bos_token_id: 50256,
      eos_token_id: 50256,
    };
    expect(architectureOf(config)).toEqual({
      family: "gpt2",
      layers: 12,
      d_model: 768,
      heads: 12,
      kv_heads: 12,
      d_head: 64,
      d_mlp: 3072,
      vocab: 50257,
      context: 1024,
      parallel: false,
      norm: "layer",
      positions: "learned",
      activation: "gelu_tanh",
      gatedMlp: false,
      tied: true,
      bos: 50256,
      eos: [50256],
    });
  });

  test("absent fields mean what they mean in the family's config class, null is a value", () => {
    const config = {
      hidden_size: 4096,
      num_attention_heads: 32,
      num_hidden_layers: 32,
      intermediate_size: 14336,
      vocab_size: 32000,
    };
    const of = (model_type: string, more = {}) =>
      architectureOf({ model_type, ...config, ...more });
    expect(of("llama")).toMatchObject({ kv_heads: 32, d_head: 128, context: 2048, tied: false });
    expect(of("mistral")).toMatchObject({ kv_heads: 8, context: 131072 });
    expect(of("mistral", { num_key_value_heads: null })).toMatchObject({ kv_heads: 32 });
    expect(
      of("qwen3", { hidden_size: 1024, num_attention_heads: 16, num_key_value_heads: 8 }),
    ).toMatchObject({
      d_head: 128,
      kv_heads: 8,
    });
  });

  test("begin and end of text may be a number, a list, or absent", () => {
    const of = (fields: object) => {
      const { bos, eos } = architectureOf({
        model_type: "gpt2",
        n_layer: 1,
        n_embd: 4,
        n_head: 1,
        n_positions: 4,
        vocab_size: 4,
        ...fields,
      });
      return { bos, eos };
    };
    expect(of({})).toEqual({ bos: undefined, eos: [] });
    expect(of({ bos_token_id: 1, eos_token_id: [2, 3] })).toEqual({ bos: 1, eos: [2, 3] });
    expect(of({ bos_token_id: null, eos_token_id: null })).toEqual({ bos: undefined, eos: [] });
    expect(of({ eos_token_id: ["2", 3.5, 3] })).toEqual({ bos: undefined, eos: [3] });
  });
});
