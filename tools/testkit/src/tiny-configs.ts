/** A config.json. */
export type Config = Readonly<Record<string, unknown>>;

const gpt2 = {
  model_type: "gpt2",
  n_layer: 2,
  n_embd: 16,
  n_head: 2,
  n_positions: 24,
  vocab_size: 29,
  tie_word_embeddings: true,
  eos_token_id: 28,
};

const neox = {
  model_type: "gpt_neox",
  num_hidden_layers: 2,
  hidden_size: 16,
  num_attention_heads: 2,
  intermediate_size: 40,
  max_position_embeddings: 64,
  vocab_size: 29,
  rotary_pct: 0.5,
};

const llama = {
  model_type: "llama",
  num_hidden_layers: 2,
  hidden_size: 32,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 24,
  max_position_embeddings: 64,
  vocab_size: 29,
  rms_norm_eps: 1e-5,
  bos_token_id: 1,
  eos_token_id: [2, 28],
};

const gemma2 = {
  model_type: "gemma2",
  num_hidden_layers: 2,
  hidden_size: 24,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 8,
  intermediate_size: 12,
  max_position_embeddings: 64,
  vocab_size: 29,
  rms_norm_eps: 1e-5,
  query_pre_attn_scalar: 6,
  sliding_window: 3,
  // Of the size of the scores and logits of so small a model.
  attn_logit_softcapping: 2.5,
  final_logit_softcapping: 3,
};

const gemma3 = {
  num_hidden_layers: 2,
  hidden_size: 20,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 8,
  intermediate_size: 12,
  max_position_embeddings: 64,
  vocab_size: 29,
  rms_norm_eps: 1e-5,
  query_pre_attn_scalar: 5,
  sliding_window: 3,
  sliding_window_pattern: 2,
  rope_theta: 5000,
  rope_local_base_freq: 100,
  rope_scaling: { rope_type: "linear", factor: 2 },
};

const lens = {
  model_type: "transformer_lens",
  n_layers: 2,
  d_model: 16,
  n_heads: 4,
  d_head: 6,
  d_mlp: 24,
  n_ctx: 24,
  d_vocab: 29,
  act_fn: "gelu",
  normalization_type: "LN",
};

/** config.json of each tiny model. */
export const configs: Readonly<Record<string, Config>> = {
  gpt2,
  "gpt2-untied": { ...gpt2, n_layer: 3, tie_word_embeddings: false, activation_function: "gelu" },
  gpt_neox: neox,
  "gpt_neox-serial": { ...neox, use_parallel_residual: false, rotary_pct: 0.25 },
  llama,
  "llama-biased": { ...llama, attention_bias: true, mlp_bias: true, tie_word_embeddings: true },
  "llama-llama3": {
    ...llama,
    rope_theta: 10000,
    max_position_embeddings: 512,
    rope_scaling: {
      rope_type: "llama3",
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 128, // pairs are kept, blended, stretched, stretched
    },
  },
  "llama-linear": { ...llama, rope_scaling: { type: "linear", factor: 2.5 } },
  "llama-yarn": {
    ...llama,
    max_position_embeddings: 512,
    // Pairs are kept, half stretched, stretched, stretched.
    rope_scaling: { rope_type: "yarn", factor: 4, original_max_position_embeddings: 128 },
  },
  mistral: {
    ...llama,
    model_type: "mistral",
    num_hidden_layers: 3,
    hidden_size: 20,
    head_dim: 6,
    sliding_window: 3,
  },
  qwen2: { ...llama, model_type: "qwen2", hidden_size: 24, tie_word_embeddings: true },
  qwen3: { ...llama, model_type: "qwen3", hidden_size: 20, head_dim: 8 },
  gemma2,
  // Of a model that reads images too, the text model.
  gemma3: {
    model_type: "gemma3",
    text_config: {
      ...gemma3,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      intermediate_size: 8,
      layer_types: ["full_attention", "sliding_attention"],
    },
    vision_config: {},
    eos_token_id: [1, 28],
  },
  gemma3_text: { ...gemma3, model_type: "gemma3_text" },
  "transformer_lens-attn-only": {
    ...lens,
    attn_only: true,
    d_mlp: null,
    act_fn: null,
    normalization_type: null,
  },
  "transformer_lens-ln-gelu": lens,
  "transformer_lens-solu": { ...lens, act_fn: "solu" },
  "transformer_lens-solu-ln": { ...lens, act_fn: "solu_ln" },
  "transformer_lens-relu": { ...lens, act_fn: "relu", normalization_type: null },
  "transformer_lens-rotary": {
    ...lens,
    act_fn: "gelu_new",
    positional_embedding_type: "rotary",
    rotary_dim: 4,
    rotary_adjacent_pairs: true,
  },
  "transformer_lens-lnpre": { ...lens, normalization_type: "LNPre" },
  "transformer_lens-gated": {
    ...lens,
    act_fn: "silu",
    gated_mlp: true,
    n_key_value_heads: 2,
    normalization_type: "RMS",
    parallel_attn_mlp: true,
    positional_embedding_type: "rotary",
  },
};
