import { InputError } from "@resolvent/tensor";
import { type Fields, unsupported } from "../fields.ts";
import type { Architecture } from "../model.ts";
import { someNames, type Warning } from "../warning.ts";

/** The keys that a family's reference configuration has. */
export interface FamilyKeys {
  /** Those that are read. */
  readonly used: readonly string[];
  /** Those that leave a forward pass without dropout as it is. */
  readonly idle: readonly string[];
}

/** Keys of every Hugging Face config that leave a forward pass as it is; and stamps of the tools that write them. */
export const idleKeys: readonly string[] = [
  ...["_attn_implementation", "_attn_implementation_autoset", "_attn_implementation_internal"],
  ...["_commit_hash", "_flash_attn_2_enabled", "_from_model_config", "_name_or_path"],
  ...["architectures", "attention_probs_dropout_prob", "attn_implementation", "bad_words_ids"],
  "begin_suppress_tokens",
  ...["chunk_size_feed_forward", "decoder_start_token_id", "diversity_penalty", "do_sample"],
  ...["dtype", "early_stopping", "encoder_no_repeat_ngram_size", "experts_implementation"],
  ...["exponential_decay_length_penalty", "finetuning_task", "forced_bos_token_id"],
  ...["forced_eos_token_id", "gradient_checkpointing", "hidden_dropout_prob", "id2label"],
  "initializer_range",
  ...["is_decoder", "keys_to_ignore_at_inference", "label2id", "length_penalty", "max_length"],
  ...["min_length", "model_type", "no_repeat_ngram_size", "num_beam_groups", "num_beams"],
  ...["num_labels", "num_return_sequences", "output_attentions", "output_hidden_states"],
  ...["output_scores", "pad_token_id", "prefix", "problem_type", "remove_invalid_values"],
  ...["repetition_penalty", "return_dict", "return_dict_in_generate", "sep_token_id"],
  ...["suppress_tokens", "task_specific_params", "temperature", "tf_legacy_loss"],
  ...["tie_encoder_decoder", "tokenizer_class", "top_k", "top_p", "torch_dtype", "torchscript"],
  ...["transformers_version", "typical_p", "unk_token_id", "use_bfloat16", "use_cache"],
  ...["transformers.js_config", "unsloth_fixed", "unsloth_version"],
];

/** What a key may say without changing a number: some values, or a list of one value for each layer. */
type Neutral =
  | readonly unknown[]
  | ((a: Architecture) => readonly unknown[])
  | { readonly everyLayer: unknown };

/**
 * Keys that change a forward pass in some family, and what they may say in a family that has no such thing. Read
 * with a family's own keys taken out.
 */
export const neutralValues: Readonly<Record<string, Neutral>> = {
  // Caps, scales and multipliers
  attention_logit_cap: [0],
  attention_multiplier: (a) => [1 / Math.sqrt(a.d_head)],
  attention_softcap: [0],
  attn_logit_softcap: [0],
  attn_logit_softcapping: [0],
  attn_output_multiplier: [1],
  attention_in_multiplier: [1],
  attention_out_multiplier: [1],
  clip_qkv: [],
  dim_model_base: (a) => [a.d_model],
  embedding_multiplier: [1],
  embedding_multiplier_scale: [1],
  embedding_scale: [1],
  final_logit_softcapping: [0],
  key_multiplier: [1],
  lm_head_multiplier: [1],
  logit_scale: [1],
  logit_softcap: [0],
  logit_softcapping: [0],
  logits_scaling: [1],
  logits_soft_cap: [0],
  mlp_multipliers: [[1, 1]],
  mup_embeddings_scale: [1],
  mup_output_alpha: [1],
  mup_width_scale: [1],
  output_logits_soft_cap: [0, -1],
  output_multiplier_scale: [1],
  query_pre_attn_scalar: (a) => [a.d_head],
  residual_multiplier: [1],
  residual_scale: [1],
  router_logit_softcapping: [0],
  scale_attn_by_inverse_layer_idx: [false],
  scale_attn_weights: [true],
  scale_depth: (a) => [Math.sqrt(a.layers)],
  scale_emb: [1],
  scale_embedding: [false],
  // Masks and windows
  attention_chunk_size: [],
  attention_dir: ["causal"],
  attention_mask_type: ["causal"],
  attention_type: ["causal", "full", "global", "original_full"],
  attention_types: [],
  attn_temperature_tuning: [false],
  bidirectional: [false],
  causal: [true],
  is_causal: [true],
  is_prefix_lm: [false],
  layer_types: { everyLayer: "full_attention" },
  prefix_lm: [false],
  sliding_window: [],
  sliding_window_pattern: [],
  sliding_window_size: [],
  use_attention_sinks: [false],
  use_bidirectional_attention: [false],
  use_sliding_window: [false],
  window_size: [],
  // Positions
  alibi: [false],
  use_alibi: [false],
  mrope_section: [],
  no_rope_layer_interval: [0],
  no_rope_layers: { everyLayer: 1 },
  partial_rotary_factor: [1],
  position_embedding_type: (a) =>
    a.positions === "learned" ? ["absolute", "learned"] : ["rope", "rotary"],
  rope_interleave: [false],
  rope_interleaved: [false],
  rope_local_base_freq: [],
  use_mrope: [false],
  // Norms, biases, the order of blocks
  add_cross_attention: [false],
  apply_residual_connection_post_layernorm: [false],
  cross_attention_hidden_size: [],
  do_layer_norm_before: [true],
  head_dim: (a) => [a.d_head],
  is_encoder_decoder: [false],
  layer_norm_embedding: [false],
  lm_head_bias: [false],
  new_decoder_architecture: [false],
  parallel_attn: [false],
  parallel_residual: (a) => [a.parallel],
  normalize_embedding: [false],
  post_norm: [false],
  pruned_heads: [{}],
  qk_layernorm: [false],
  qk_norm: [false],
  rms_norm_add_unit_offset: [false],
  use_parallel_residual: [false],
  use_post_norm: [false],
  use_qk_norm: [false],
  word_embed_proj_dim: (a) => [a.d_model],
  // Other blocks
  attention_gate: [false],
  first_k_dense_replace: (a) => [a.layers],
  kv_lora_rank: [],
  n_routed_experts: [0],
  num_experts: [0],
  num_kv_shared_layers: [0],
  num_local_experts: [0],
  per_layer_config: [{}],
  q_lora_rank: [],
  use_gated_attention: [false],
  compression_config: [],
  quantization: [],
  quantization_config: [],
};

/** Whether two values of JSON are the same; numbers up to the rounding of a float32. */
function same(a: unknown, b: unknown): boolean {
  return typeof a === "number" && typeof b === "number"
    ? Math.abs(a - b) <= 1e-6 * Math.abs(b)
    : JSON.stringify(a) === JSON.stringify(b);
}

/** The neutral values of a key; of lists for each layer, the one as long as the one that came. */
export function neutralOf(neutral: Neutral, value: unknown, a: Architecture): readonly unknown[] {
  if (typeof neutral === "function") return neutral(a);
  if (!("everyLayer" in neutral)) return neutral;
  return [Array.isArray(value) ? value.map(() => neutral.everyLayer) : [neutral.everyLayer]];
}

/**
 * Refuses keys that ask for what a family has not got, and names those that nobody knows.
 *
 * @throws InputError `transformer/unsupported-config`
 */
export function checkKeys(
  config: Readonly<Record<string, unknown>>,
  fields: Fields,
  { used, idle }: FamilyKeys,
  architecture: Architecture,
): Warning[] {
  const known = new Set([...used, ...idle, ...idleKeys]);
  const unknown: string[] = [];
  for (const key of Object.keys(config)) {
    const value = fields.raw(key);
    if (known.has(key) || key === "auto_map") continue;
    const neutral = Object.hasOwn(neutralValues, key) ? neutralValues[key] : undefined;
    if (neutral === undefined) {
      unknown.push(key);
      continue;
    }
    const allowed = neutralOf(neutral, value, architecture);
    if (value !== undefined && !allowed.some((one) => same(value, one))) {
      throw unsupported(fields.family, key, value, [undefined, ...allowed]);
    }
  }
  const warnings: Warning[] = [];
  if (unknown.length > 0) {
    warnings.push({
      code: "unknown-config-keys",
      message: `config.json has keys that the configuration of ${fields.family} does not have, and nothing is made of them: ${someNames(unknown)}.`,
    });
  }
  if (fields.has("auto_map")) {
    warnings.push({
      code: "custom-code",
      message: `config.json names code of its own (auto_map). It is not run: the model is computed as ${fields.family} is.`,
    });
  }
  return warnings;
}

/** `transformer/bad-config`: two fields that cannot both be right. */
export function contradiction(family: string, message: string): InputError {
  return new InputError({
    code: "transformer/bad-config",
    message: `config.json: ${message}`,
    remedy: "Check that the file belongs to this model.",
    details: { family },
  });
}
