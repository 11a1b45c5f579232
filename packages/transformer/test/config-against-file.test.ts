import { type InputError, isInputError, reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { type Folder, openCheckpoint } from "@resolvent/weights";
import { describe, expect, test } from "vitest";
import { families } from "../src/families/index.ts";
import { idleKeys, neutralOf, neutralValues } from "../src/families/keys.ts";
import {
  architectureOf,
  assembleModel,
  blocksOf,
  loadModel,
  type Model,
  outlineModel,
  run,
} from "../src/index.ts";
import { configOf, withConfig, withTensors } from "./folders.ts";
import { TOKENS } from "./tiny.ts";

async function load(folder: Folder): Promise<Model<Tensor>> {
  return await loadModel(reference, folder, { hash: false });
}

async function logitsOf(folder: Folder, tokens = TOKENS): Promise<Tensor["data"]> {
  return run(reference, await load(folder), tokens).logits.data;
}

/** The same folder with some fields of its config changed; undefined takes one away. */
async function changed(folder: Folder, fields: object): Promise<Folder> {
  return withConfig(folder, { ...(await configOf(folder)), ...fields });
}

async function errorOf(folder: Folder): Promise<InputError> {
  const error: unknown = await load(folder).catch((e: unknown) => e);
  if (!isInputError(error)) throw new Error(`Expected an input error, got ${error}.`);
  return error;
}

/** The file without tensors of some names. */
async function without(folder: Folder, names: RegExp): Promise<Folder> {
  return await withTensors(folder, (tensors) => {
    for (const name of tensors.keys()) if (names.test(name)) tensors.delete(name);
    return tensors;
  });
}

const qkvo = /self_attn\.[qkvo]_proj\.bias$/;
const mlp = /mlp\.\w+_proj\.bias$/;

/** A tiny Llama with every bias there is, read as another model. */
async function biased(fields: object): Promise<Folder> {
  return await changed(tinyModel("llama-biased", { tie_word_embeddings: true }), fields);
}

describe("biases that the config denies are left out, and that is said", () => {
  test.each<[what: string, fields: object, denied: RegExp, count: number]>([
    ["llama: attention_bias false", { attention_bias: false }, qkvo, 8],
    ["llama: attention_bias absent", { attention_bias: undefined }, qkvo, 8],
    ["llama: attention_bias null", { attention_bias: null }, qkvo, 8],
    ["llama: mlp_bias false", { mlp_bias: false }, mlp, 6],
    ["llama: neither", { attention_bias: false, mlp_bias: undefined }, /bias$/, 14],
    ["mistral has none", { model_type: "mistral", sliding_window: null }, /bias$/, 14],
    ["qwen2 has those of q, k and v", { model_type: "qwen2" }, /(o|up|down|gate)_proj\.bias$/, 8],
  ])("%s", async (_what, fields, denied, count) => {
    const folder = await biased(fields);
    const model = await load(folder);
    const warning = model.warnings?.find(({ code }) => code === "denied-tensors");
    expect(warning?.message).toMatch(new RegExp(`holds ${count} biases .*_proj\\.bias`));
    expect((await outlineModel(folder)).warnings).toEqual(model.warnings);
    const bare = await without(folder, denied);
    expect((await load(bare)).warnings?.map(({ code }) => code) ?? []).not.toContain(
      "denied-tensors",
    );
    expect(await logitsOf(folder)).toEqual(await logitsOf(bare));
    expect(await logitsOf(folder)).not.toEqual(await logitsOf(await biased({})));
    expect((await outlineModel(folder)).sizes).toEqual((await outlineModel(bare)).sizes);
  });

  test("gpt_neox: attention_bias false", async () => {
    const folder = await changed(tinyModel("gpt_neox"), { attention_bias: false });
    const bare = await without(folder, /attention\.(query_key_value|dense)\.bias$/);
    expect((await load(folder)).warnings?.[0]?.message).toContain("holds 4 biases");
    expect((await load(bare)).warnings).toBeUndefined();
    expect(await logitsOf(folder)).toEqual(await logitsOf(bare));
    expect(await logitsOf(folder)).not.toEqual(await logitsOf(tinyModel("gpt_neox")));
  });

  test("many names are cut short", async () => {
    const { warnings } = await load(await biased({ attention_bias: false, mlp_bias: false }));
    expect(warnings?.[0]?.message.match(/_proj/g)).toHaveLength(8);
    expect(warnings?.[0]?.message).toContain("… (14 in all)");
  });
});

describe("biases that the config has and the file lacks are missed", () => {
  test.each<[family: string, fields: object, missing: string]>([
    ["llama-biased", {}, "model.layers.1.self_attn.o_proj.bias"],
    ["llama-biased", {}, "model.layers.0.self_attn.k_proj.bias"],
    ["llama-biased", {}, "model.layers.0.mlp.gate_proj.bias"],
    ["llama-biased", {}, "model.layers.1.mlp.down_proj.bias"],
    ["qwen2", {}, "model.layers.0.self_attn.v_proj.bias"],
    ["qwen3", { attention_bias: true }, "model.layers.1.self_attn.q_proj.bias"],
    ["gpt_neox", {}, "gpt_neox.layers.0.attention.dense.bias"],
    ["gpt_neox", {}, "gpt_neox.layers.1.post_attention_layernorm.bias"],
    ["gpt2", {}, "transformer.h.1.ln_2.bias"],
    ["gpt2", {}, "transformer.ln_f.bias"],
  ])("%s %o: %s", async (family, fields, missing) => {
    const whole = tinyModel(family, { ...fields });
    await load(whole);
    const lacking = await withTensors(whole, (tensors) => {
      expect(tensors.delete(missing)).toBe(true);
      return tensors;
    });
    const error = await errorOf(lacking);
    expect(error.code).toBe("transformer/missing-tensor");
    expect(error.details.tensor).toBe(missing);
  });

  test("a llama that says attention_bias, with a file that has none", async () => {
    const folder = await changed(tinyModel("llama"), { attention_bias: true });
    expect((await errorOf(folder)).details.tensor).toContain("self_attn.q_proj.bias");
  });
});

test("biases of qwen3 follow attention_bias, and its MLP has none", async () => {
  const folder = tinyModel("qwen3", { attention_bias: true });
  const block = blocksOf(await load(folder))[0];
  expect(block).toMatchObject({ kind: "attn", b_Q: {}, b_K: {}, b_V: {}, b_O: {} });
  const denied = await load(await changed(folder, { attention_bias: false }));
  expect(blocksOf(denied)[0]).not.toHaveProperty("b_O");
  expect(denied.warnings?.[0]?.code).toBe("denied-tensors");
});

describe("windows", () => {
  const layers = 2;
  const base = { num_hidden_layers: layers, use_sliding_window: true, sliding_window: 2 };
  const sliding = ["sliding_attention", "sliding_attention"];
  const full = ["full_attention", "full_attention"];
  const windowsOf = async (family: string, fields: object): Promise<(number | undefined)[]> =>
    blocksOf(await load(tinyModel(family, { ...base, ...fields }))).flatMap((block) =>
      block.kind === "attn" ? [block.window] : [],
    );

  test.each<[family: string, fields: object, windows: readonly (number | undefined)[]]>([
    ["qwen2", { max_window_layers: 0 }, [2, 2]],
    ["qwen2", { max_window_layers: 1 }, [undefined, 2]],
    ["qwen2", { max_window_layers: 2 }, [undefined, undefined]],
    ["qwen2", {}, [undefined, undefined]],
    ["qwen3", { max_window_layers: 0 }, [2, 2]],
    ["qwen3", { max_window_layers: 0, sliding_window: null }, [undefined, undefined]],
    ["qwen2", { max_window_layers: 0, use_sliding_window: false }, [undefined, undefined]],
    ["qwen2", { use_sliding_window: false, sliding_window: 0 }, [undefined, undefined]],
    ["qwen2", { max_window_layers: 9, layer_types: sliding }, [2, 2]],
    ["qwen2", { max_window_layers: 0, layer_types: full }, [undefined, undefined]],
    ["qwen3", { layer_types: ["full_attention", "sliding_attention"] }, [undefined, 2]],
    ["qwen3", { use_sliding_window: false, layer_types: full }, [undefined, undefined]],
    ["mistral", {}, [2, 2]],
    ["mistral", { sliding_window: null }, [undefined, undefined]],
  ])("%s %o", async (family, fields, windows) => {
    const extra = family === "mistral" ? { use_sliding_window: undefined } : {};
    expect(await windowsOf(family, { ...fields, ...extra })).toEqual(windows);
  });

  test("a window of 2 in both layers reaches 2 tokens back, one in the second layer all of them", async () => {
    const reach = async (max_window_layers: number): Promise<boolean[]> => {
      const folder = tinyModel("qwen2", { ...base, max_window_layers });
      const last = async (tokens: readonly number[]): Promise<number[]> =>
        Array.from(await logitsOf(folder, tokens)).slice(-29);
      const before = await last(TOKENS);
      return await Promise.all(
        TOKENS.map(async (_, i) => (await last(TOKENS.with(i, 27))).join() !== before.join()),
      );
    };
    expect(await reach(0)).toEqual([false, false, false, false, true, true, true]);
    expect(await reach(1)).toEqual(TOKENS.map(() => true));
  });

  test.each<[fields: object, says: string]>([
    [{ use_sliding_window: false, layer_types: sliding }, "use_sliding_window is false"],
    [{ sliding_window: null, layer_types: sliding }, "sliding_window null"],
    [{ layer_types: ["full_attention"] }, "layer_types has 1 entries for 2 layers"],
    [{ layer_types: [...full, "full_attention"] }, "layer_types has 3 entries for 2 layers"],
    [{ max_window_layers: -1 }, "max_window_layers should be a whole number from 0"],
    [{ sliding_window: 0, max_window_layers: 0 }, "sliding_window should be"],
  ])("of qwen2 that cannot be: %o", async (fields, says) => {
    const error = await errorOf(tinyModel("qwen2", { ...base, ...fields }));
    expect(error.code).toBe("transformer/bad-config");
    expect(error.message).toContain(says);
  });
});

test.each([
  ["llama", "num_key_value_heads"],
  ["mistral", "num_key_value_heads"],
  ["qwen2", "num_key_value_heads"],
  ["transformer_lens-gated", "n_key_value_heads"],
])("%s: %s null is one for each head", async (family, field) => {
  const folder = await changed(tinyModel(family, { [field]: 4 }), { [field]: null });
  expect((await outlineModel(tinyModel(family))).architecture.kv_heads).toBe(2);
  expect(architectureOf(await configOf(folder)).kv_heads).toBe(4);
});

describe("key and value parameters of a TransformerLens state dict", () => {
  const rename = async (folder: Folder, from: RegExp, to: string): Promise<Folder> =>
    await withTensors(
      folder,
      (tensors) => new Map([...tensors].map(([name, t]) => [name.replace(from, to), t])),
    );

  test.each([1, 2, 4])(
    "with n_key_value_heads %i, under either name",
    async (n_key_value_heads) => {
      const folder = tinyModel("transformer_lens-gated", { n_key_value_heads });
      const { names } = await openCheckpoint(folder);
      const grouped = names.includes("blocks.0.attn._W_K");
      const other = grouped
        ? await rename(folder, /attn\._([Wb]_[KV])$/, "attn.$1")
        : await rename(folder, /attn\.([Wb]_[KV])$/, "attn._$1");
      expect((await openCheckpoint(other)).names).not.toEqual(names);
      expect(await logitsOf(other)).toEqual(await logitsOf(folder));
      expect((await load(other)).warnings).toBeUndefined();
    },
  );

  test("of attention by groups, where nothing asks for it, are missed", async () => {
    const folder = tinyModel("transformer_lens-ln-gelu");
    const other = await rename(folder, /attn\.([Wb]_[KV])$/, "attn._$1");
    expect((await errorOf(other)).details.tensor).toBe("blocks.0.attn.W_K");
  });

  test("under both names are one too many", async () => {
    const folder = await withTensors(tinyModel("transformer_lens-gated"), (tensors) => {
      const stored = tensors.get("blocks.0.attn._W_K");
      return stored ? tensors.set("blocks.0.attn.W_K", stored) : tensors;
    });
    expect((await errorOf(folder)).code).toBe("transformer/unexpected-tensor");
  });

  test("may have biases for some only", async () => {
    const folder = await without(tinyModel("transformer_lens-ln-gelu"), /attn\.b_[QK]$/);
    expect(blocksOf(await load(folder))[0]).toHaveProperty("b_V");
    expect(blocksOf(await load(folder))[0]).not.toHaveProperty("b_Q");
  });

  test("n_heads -1, or nothing, is as many as d_model has room for", async () => {
    const folder = tinyModel("transformer_lens-ln-gelu", { d_head: 4 });
    for (const n_heads of [-1, null, undefined]) {
      const counted = await changed(folder, { n_heads });
      expect(await logitsOf(counted)).toEqual(await logitsOf(folder));
    }
    expect((await errorOf(await changed(folder, { n_heads: -2 }))).details.field).toBe("n_heads");
  });

  test("rotary_dim 0 turns nothing, normalization_type absent is LN", async () => {
    const turned = tinyModel("transformer_lens-rotary", { rotary_dim: 0 });
    expect(blocksOf(await load(turned))[0]).not.toHaveProperty("rotary");
    const folder = tinyModel("transformer_lens-ln-gelu");
    const unsaid = await changed(folder, { normalization_type: undefined });
    expect(await logitsOf(unsaid)).toEqual(await logitsOf(folder));
  });
});

describe("keys that nobody knows are named, and those that change numbers refused", () => {
  test.each(tinyFamilies)("%s has no warnings, but of a cap", async (family) => {
    const { warnings } = await load(tinyModel(family));
    expect(warnings?.map(({ code }) => code)).toEqual(
      family === "gemma2" ? ["capped-logits"] : undefined,
    );
  });

  test.each(Object.keys(families))("every neutral value, in %s", async (type) => {
    const family = tinyFamilies.find((name) => name.split("-")[0] === type) ?? type;
    const folder = tinyModel(family);
    const config = await configOf(folder);
    const { architecture, warnings: said } = await load(folder);
    const keys = families[type]?.keys[type];
    const own = new Set([...(keys?.used ?? []), ...(keys?.idle ?? []), ...idleKeys]);
    let checked = 0;
    for (const [key, neutral] of Object.entries(neutralValues)) {
      if (own.has(key)) continue;
      const values = neutralOf(neutral, Array(architecture.layers).fill(0), architecture);
      for (const value of [...values, null]) {
        const { warnings } = await outlineModel(withConfig(folder, { ...config, [key]: value }));
        expect([key, warnings]).toEqual([key, said]);
      }
      const error: unknown = await outlineModel(
        withConfig(folder, { ...config, [key]: 0.37 }),
      ).catch((e: unknown) => e);
      expect(error).toMatchObject({
        code: "transformer/unsupported-config",
        details: { field: key, value: 0.37 },
      });
      checked++;
    }
    expect(checked).toBeGreaterThan(50);
  });

  test.each<[family: string, fields: object]>([
    ["llama", { final_logit_softcapping: 30 }],
    ["llama", { attn_logit_softcapping: 50.0 }],
    ["llama", { residual_multiplier: 0.22 }],
    ["mistral", { embedding_multiplier: 12 }],
    ["qwen2", { logits_scaling: 8 }],
    ["qwen3", { attention_multiplier: 0.0078125 }],
    ["gpt2", { is_causal: false }],
    ["gpt2", { pruned_heads: { 0: [1] } }],
    ["gpt2", { add_cross_attention: true }],
    ["gpt_neox", { qk_layernorm: true }],
    ["gpt_neox", { alibi: true }],
    ["llama", { sliding_window: 4 }],
    ["llama", { layer_types: ["full_attention", "sliding_attention"] }],
    ["llama", { no_rope_layers: [1, 0] }],
    ["llama", { no_rope_layers: 1, num_hidden_layers: 99_999_999 }],
    ["gemma2", { rope_local_base_freq: 10 }],
    ["gemma2", { use_bidirectional_attention: true }],
    ["gemma3", { final_logit_softcapping: 30 }],
    ["gemma3_text", { attn_logit_softcapping: 50 }],
    ["gemma3_text", { use_bidirectional_attention: "all" }],
    ["transformer_lens-ln-gelu", { rmsnorm_uses_offset: true }],
    ["transformer_lens-ln-gelu", { final_logit_softcapping: 30 }],
    ["transformer_lens-ln-gelu", { output_logits_soft_cap: 30 }],
  ])("%s %o is refused", async (family, fields) => {
    const error = await errorOf(await changed(tinyModel(family), fields));
    expect(error.code).toBe("transformer/unsupported-config");
    expect(error.details.field).toBe(Object.keys(fields)[0]);
    expect(error.message).toMatch(/Supported: absent/);
  });

  test.each(Object.keys(families))(
    "unknown keys of %s are named, the first eight",
    async (type) => {
      const family = tinyFamilies.find((name) => name.split("-")[0] === type) ?? type;
      const folder = tinyModel(family);
      const one = await changed(folder, { my_new_trick: 3 });
      const { warnings } = await load(one);
      const { warnings: said = [] } = await load(folder);
      expect(warnings).toEqual([
        { code: "unknown-config-keys", message: expect.stringContaining(": my_new_trick.") },
        ...said,
      ]);
      expect(await logitsOf(one)).toEqual(await logitsOf(folder));
      const keys = Array.from({ length: 30 }, (_, i) => [`trick_${i}`, i]);
      const many = await outlineModel(await changed(folder, Object.fromEntries(keys)));
      expect(many.warnings?.[0]?.message).toContain("trick_7, … (30 in all)");
    },
  );

  test("keys of every Hugging Face config, and those of the family, are no news", async () => {
    const idle = Object.fromEntries(idleKeys.map((key) => [key, "whatever"]));
    const { model_type, ...own } = idle;
    for (const type of Object.keys(families).filter((name) => name !== "transformer_lens")) {
      const more = Object.fromEntries((families[type]?.keys[type]?.idle ?? []).map((k) => [k, 1]));
      const folder = await changed(tinyModel(type), { ...own, ...more });
      expect((await load(folder)).warnings).toEqual((await load(tinyModel(type))).warnings);
    }
  });

  test("code of its own is not run, and said", async () => {
    const auto_map = { AutoModelForCausalLM: "modeling_mine.MyModel" };
    const { warnings } = await load(await changed(tinyModel("llama"), { auto_map }));
    expect(warnings?.map(({ code }) => code)).toEqual(["custom-code"]);
  });

  test("a model from tensors at hand says the same", () => {
    const config = { model_type: "gpt2", n_layer: 1, n_embd: 4, n_head: 1, n_positions: 4 };
    const make = (fields: object): Model<Tensor> =>
      assembleModel(reference, { ...config, vocab_size: 5, ...fields }, (_, shape) =>
        reference.fill(shape, 0),
      );
    expect(make({}).warnings).toBeUndefined();
    expect(make({ trick: 1 }).warnings?.[0]?.message).toContain("trick");
    expect(() => make({ logit_scale: 2 })).toThrow(/logit_scale/);
  });
});

test("GPT-2's fields have the second names of its configuration class", async () => {
  const folder = tinyModel("gpt2");
  const { n_layer, n_embd, n_head, n_positions, ...rest } = await configOf(folder);
  const other = {
    ...rest,
    num_hidden_layers: n_layer,
    hidden_size: n_embd,
    num_attention_heads: n_head,
    max_position_embeddings: n_positions,
  };
  expect(await logitsOf(withConfig(folder, other))).toEqual(await logitsOf(folder));
  expect((await load(withConfig(folder, other))).warnings).toBeUndefined();
  const error = await errorOf(withConfig(folder, { ...other, n_head: 4 }));
  expect(error.message).toContain("n_head should be the same as num_attention_heads, which is 2");
  const bad = await errorOf(withConfig(folder, { ...other, num_hidden_layers: "2" }));
  expect(bad.message).toContain("n_layer should be a whole number from 1");
  expect(bad.message).toContain('got "2"');
});

test("an adapter beside the weights is not applied, and said", async () => {
  const folder = tinyModel("llama");
  const model = await load({
    name: folder.name,
    open: async (file) => await folder.open(file === "adapter_config.json" ? "config.json" : file),
  });
  expect(model.warnings?.map(({ code }) => code)).toEqual(["adapter"]);
});

describe("names with a prefix of what wrapped the model", () => {
  test.each<[family: string, from: RegExp, to: string, shown: string]>([
    ["gpt2", /^/, "_orig_mod.", '"_orig_mod."'],
    ["gpt2", /^/, "module.", '"module."'],
    ["llama", /^/, "module._orig_mod.", '"module._orig_mod."'],
    ["llama", /^model\.layers\.(\d+)\./, "model.layers.$1._orig_mod.", '"_orig_mod."'],
    ["gpt_neox", /^/, "_orig_mod.", '"_orig_mod."'],
    ["gpt_neox", /^/, "model.", '"model."'],
    ["qwen2", /^/, "base_model.model.", '"base_model.model."'],
    ["transformer_lens-ln-gelu", /^/, "model.", '"model."'],
    ["gpt2", /^transformer\./, "_orig_mod.", '"_orig_mod."'],
  ])("%s: %s becomes %s", async (family, from, to, shown) => {
    const folder = await withTensors(
      tinyModel(family),
      (tensors) => new Map([...tensors].map(([name, t]) => [name.replace(from, to), t])),
    );
    const error = await errorOf(folder);
    expect(error.code).toBe("transformer/missing-tensor");
    expect(error.message).toContain(`with ${shown} in its name`);
    expect(error.remedy).toContain(`Take ${shown} out of the names`);
  });
});
