import type { Config } from "./tiny-configs.ts";

/** How a tensor's entries are drawn. */
export type Draw = "table" | "matrix" | "scale" | "offset" | "bias";

/** Name, shape and kind of each tensor of a checkpoint. */
export type Tensors = readonly (readonly [name: string, shape: readonly number[], draw: Draw])[];

/** The tensors that a checkpoint of this config holds. */
export function tensorsOf(config: Config): Tensors {
  if (config.model_type === "gpt2") return gpt2Tensors(config);
  if (config.model_type === "gpt_neox") return neoxTensors(config);
  if (config.model_type === "transformer_lens") return lensTensors(config);
  if (config.model_type === "gemma2") return gemmaTensors(config, "model.");
  if (config.model_type === "gemma3_text") return gemmaTensors(config, "model.");
  if (config.model_type === "gemma3") {
    const text = { ...config, ...Object(config.text_config) };
    return gemmaTensors({ ...text, model_type: "gemma3" }, "language_model.model.");
  }
  return llamaTensors(config);
}

function count(config: Config, name: string, fallback = 0): number {
  return Number(config[name] ?? fallback);
}

function layers(n: number, tensors: (layer: number) => Tensors): Tensors {
  return Array.from({ length: n }, (_, layer) => tensors(layer)).flat();
}

/** Weight and bias of a LayerNorm. */
function layerNorm(name: string, size: number): Tensors {
  return [
    [`${name}.weight`, [size], "scale"],
    [`${name}.bias`, [size], "bias"],
  ];
}

/** A linear map as PyTorch stores it, `[out, in]`. */
function linear(name: string, into: number, from: number, biased = true): Tensors {
  return [
    [`${name}.weight`, [into, from], "matrix"],
    ...(biased ? [[`${name}.bias`, [into], "bias"] as const] : []),
  ];
}

function gpt2Tensors(config: Config): Tensors {
  const d = count(config, "n_embd");
  const d_mlp = count(config, "n_inner", 4 * d);
  const vocab = count(config, "vocab_size");
  /** Stored `[in, out]`. */
  const conv = (name: string, from: number, into: number): Tensors => [
    [`${name}.weight`, [from, into], "matrix"],
    [`${name}.bias`, [into], "bias"],
  ];
  return [
    ["transformer.wte.weight", [vocab, d], "table"],
    ["transformer.wpe.weight", [count(config, "n_positions"), d], "table"],
    ...layers(count(config, "n_layer"), (layer) => {
      const at = `transformer.h.${layer}`;
      return [
        ...layerNorm(`${at}.ln_1`, d),
        ...conv(`${at}.attn.c_attn`, d, 3 * d),
        ...conv(`${at}.attn.c_proj`, d, d),
        ...layerNorm(`${at}.ln_2`, d),
        ...conv(`${at}.mlp.c_fc`, d, d_mlp),
        ...conv(`${at}.mlp.c_proj`, d_mlp, d),
      ];
    }),
    ...layerNorm("transformer.ln_f", d),
    ...(config.tie_word_embeddings === false ? linear("lm_head", vocab, d, false) : []),
  ];
}

function neoxTensors(config: Config): Tensors {
  const d = count(config, "hidden_size");
  const d_mlp = count(config, "intermediate_size");
  const vocab = count(config, "vocab_size");
  return [
    ["gpt_neox.embed_in.weight", [vocab, d], "table"],
    ...layers(count(config, "num_hidden_layers"), (layer) => {
      const at = `gpt_neox.layers.${layer}`;
      return [
        ...layerNorm(`${at}.input_layernorm`, d),
        ...layerNorm(`${at}.post_attention_layernorm`, d),
        ...linear(`${at}.attention.query_key_value`, 3 * d, d),
        ...linear(`${at}.attention.dense`, d, d),
        ...linear(`${at}.mlp.dense_h_to_4h`, d_mlp, d),
        ...linear(`${at}.mlp.dense_4h_to_h`, d, d_mlp),
      ];
    }),
    ...layerNorm("gpt_neox.final_layer_norm", d),
    ...(config.tie_word_embeddings === true ? [] : linear("embed_out", vocab, d, false)),
  ];
}

function llamaTensors(config: Config): Tensors {
  const d = count(config, "hidden_size");
  const heads = count(config, "num_attention_heads");
  const d_head = count(config, "head_dim", d / heads);
  const d_key = count(config, "num_key_value_heads", heads) * d_head;
  const d_mlp = count(config, "intermediate_size");
  const vocab = count(config, "vocab_size");
  const biased = config.attention_bias === true;
  const keyBiased = biased || config.model_type === "qwen2";
  const mlpBiased = config.mlp_bias === true;
  return [
    ["model.embed_tokens.weight", [vocab, d], "table"],
    ...layers(count(config, "num_hidden_layers"), (layer): Tensors => {
      const at = `model.layers.${layer}`;
      const attn = `${at}.self_attn`;
      return [
        [`${at}.input_layernorm.weight`, [d], "scale"],
        ...linear(`${attn}.q_proj`, heads * d_head, d, keyBiased),
        ...linear(`${attn}.k_proj`, d_key, d, keyBiased),
        ...linear(`${attn}.v_proj`, d_key, d, keyBiased),
        ...linear(`${attn}.o_proj`, d, heads * d_head, biased),
        ...(config.model_type === "qwen3"
          ? ([
              [`${attn}.q_norm.weight`, [d_head], "scale"],
              [`${attn}.k_norm.weight`, [d_head], "scale"],
            ] as const)
          : []),
        [`${at}.post_attention_layernorm.weight`, [d], "scale"],
        ...linear(`${at}.mlp.gate_proj`, d_mlp, d, mlpBiased),
        ...linear(`${at}.mlp.up_proj`, d_mlp, d, mlpBiased),
        ...linear(`${at}.mlp.down_proj`, d, d_mlp, mlpBiased),
      ];
    }),
    ["model.norm.weight", [d], "scale"],
    ...(config.tie_word_embeddings === true ? [] : linear("lm_head", vocab, d, false)),
  ];
}

function gemmaTensors(config: Config, prefix: string): Tensors {
  const d = count(config, "hidden_size");
  const d_head = count(config, "head_dim");
  const d_query = count(config, "num_attention_heads") * d_head;
  const d_key = count(config, "num_key_value_heads") * d_head;
  const d_mlp = count(config, "intermediate_size");
  const vocab = count(config, "vocab_size");
  return [
    [`${prefix}embed_tokens.weight`, [vocab, d], "table"],
    ...layers(count(config, "num_hidden_layers"), (layer): Tensors => {
      const at = `${prefix}layers.${layer}`;
      const attn = `${at}.self_attn`;
      return [
        [`${at}.input_layernorm.weight`, [d], "offset"],
        ...linear(`${attn}.q_proj`, d_query, d, false),
        ...linear(`${attn}.k_proj`, d_key, d, false),
        ...linear(`${attn}.v_proj`, d_key, d, false),
        ...linear(`${attn}.o_proj`, d, d_query, false),
        ...(config.model_type === "gemma2"
          ? []
          : ([
              [`${attn}.q_norm.weight`, [d_head], "offset"],
              [`${attn}.k_norm.weight`, [d_head], "offset"],
            ] as const)),
        [`${at}.post_attention_layernorm.weight`, [d], "offset"],
        [`${at}.pre_feedforward_layernorm.weight`, [d], "offset"],
        ...linear(`${at}.mlp.gate_proj`, d_mlp, d, false),
        ...linear(`${at}.mlp.up_proj`, d_mlp, d, false),
        ...linear(`${at}.mlp.down_proj`, d, d_mlp, false),
        [`${at}.post_feedforward_layernorm.weight`, [d], "offset"],
      ];
    }),
    [`${prefix}norm.weight`, [d], "offset"],
    ...(config.tie_word_embeddings === false ? linear("lm_head", vocab, d, false) : []),
  ];
}

function lensTensors(config: Config): Tensors {
  const d = count(config, "d_model");
  const heads = count(config, "n_heads");
  const d_head = count(config, "d_head");
  const d_mlp = count(config, "d_mlp", 4 * d);
  const vocab = count(config, "d_vocab");
  const kv = count(config, "n_key_value_heads", heads);
  const keyName = (name: string): string => (kv < heads ? `_${name}` : name);
  const kind = config.normalization_type;
  const norm = (name: string, size: number): Tensors => {
    if (kind === "RMS") return [[`${name}.w`, [size], "scale"]];
    if (kind !== "LN") return [];
    return [
      [`${name}.w`, [size], "scale"],
      [`${name}.b`, [size], "bias"],
    ];
  };
  const mlp = (at: string): Tensors => [
    ...norm(`${at}.ln2`, d),
    [`${at}.mlp.W_in`, [d, d_mlp], "matrix"],
    [`${at}.mlp.b_in`, [d_mlp], "bias"],
    ...(config.gated_mlp === true ? [[`${at}.mlp.W_gate`, [d, d_mlp], "matrix"] as const] : []),
    ...(config.act_fn === "solu_ln" ? norm(`${at}.mlp.ln`, d_mlp) : []),
    [`${at}.mlp.W_out`, [d_mlp, d], "matrix"],
    [`${at}.mlp.b_out`, [d], "bias"],
  ];
  const learned = (config.positional_embedding_type ?? "standard") === "standard";
  return [
    ["embed.W_E", [vocab, d], "table"],
    ...(learned ? [["pos_embed.W_pos", [count(config, "n_ctx"), d], "table"] as const] : []),
    ...layers(count(config, "n_layers"), (layer): Tensors => {
      const at = `blocks.${layer}`;
      return [
        ...norm(`${at}.ln1`, d),
        [`${at}.attn.W_Q`, [heads, d, d_head], "matrix"],
        [`${at}.attn.b_Q`, [heads, d_head], "bias"],
        [`${at}.attn.${keyName("W_K")}`, [kv, d, d_head], "matrix"],
        [`${at}.attn.${keyName("b_K")}`, [kv, d_head], "bias"],
        [`${at}.attn.${keyName("W_V")}`, [kv, d, d_head], "matrix"],
        [`${at}.attn.${keyName("b_V")}`, [kv, d_head], "bias"],
        [`${at}.attn.W_O`, [heads, d_head, d], "matrix"],
        [`${at}.attn.b_O`, [d], "bias"],
        ...(config.attn_only === true ? [] : mlp(at)),
      ];
    }),
    ...norm("ln_final", d),
    ["unembed.W_U", [d, vocab], "matrix"],
    ["unembed.b_U", [vocab], "bias"],
  ];
}
