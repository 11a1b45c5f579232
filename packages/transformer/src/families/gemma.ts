import type { Shape, Shaped } from "@resolvent/tensor";
import type { Fields } from "../fields.ts";
import type { NormWeights } from "../model.ts";
import type { Warning } from "../warning.ts";
import {
  activations,
  checkHeads,
  type Family,
  type Get,
  headSize,
  keyAxes,
  queryAxes,
  textEnds,
} from "./family.ts";
import { gemmaDoubts, kindOfLayer, rotationOf, textConfig, windowOf } from "./gemma-layers.ts";

const usedKeys: readonly string[] = [
  ...["attention_bias", "bos_token_id", "eos_token_id", "head_dim", "hidden_activation"],
  ...["hidden_size", "intermediate_size", "layer_types", "max_position_embeddings"],
  ...["num_attention_heads", "num_hidden_layers", "num_key_value_heads"],
  ...["original_max_position_embeddings", "query_pre_attn_scalar", "rms_norm_eps"],
  ...["rope_parameters", "rope_scaling", "rope_theta", "sliding_window", "tie_word_embeddings"],
  "vocab_size",
];
/** The activation has its own name, and `hidden_act` is not read; caches are kept otherwise here. */
const idle: readonly string[] = [
  ...["_sliding_window_pattern", "attention_dropout", "cache_implementation", "hidden_act"],
  "sliding_window_size",
];
const usedOfGemma3 = [...usedKeys, ...["rope_local_base_freq", "sliding_window_pattern"]];
const defaults = {
  vocab_size: 262208,
  hidden_size: 2304,
  intermediate_size: 9216,
  num_hidden_layers: 26,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  hidden_activation: "gelu_pytorch_tanh",
  max_position_embeddings: 131072,
  rms_norm_eps: 1e-6,
  bos_token_id: 2,
  eos_token_id: 1,
  tie_word_embeddings: true,
  query_pre_attn_scalar: 256,
  sliding_window: 4096,
};
const gemma3Defaults = { ...defaults, rope_theta: 1_000_000, rope_local_base_freq: 10_000 };

/**
 * Gemma 2 and the text models of Gemma 3: RMSNorms whose scale is `1 + γ`, before each block and of what it writes, an
 * embedding times `√d_model`, attention with windows in some layers, gated MLPs with GELU. Gemma 2 caps scores and
 * logits; Gemma 3 has norms over queries and keys instead, and a rotation of its own in layers with windows.
 */
export const gemma: Family = {
  // The text model alone, or within a model that reads images too, as newer and as older files name it.
  prefixes: ["language_model.model.", "model.language_model.", "model.", ""],
  tie: { embedding: "embed_tokens.weight", unembedding: "lm_head.weight" },
  keys: {
    gemma2: {
      used: [...usedKeys, "attn_logit_softcapping", "final_logit_softcapping"],
      idle,
    },
    gemma3_text: { used: [...usedOfGemma3, "final_logit_softcapping"], idle },
    gemma3: {
      used: usedOfGemma3,
      idle: [
        ...idle,
        ...["boi_token_id", "boi_token_index", "eoi_token_id", "eoi_token_index"],
        ...["image_token_id", "image_token_index", "mm_tokens_per_image", "vision_config"],
      ],
    },
  },
  defaults: {
    gemma2: {
      ...defaults,
      vocab_size: 256000,
      max_position_embeddings: 8192,
      attn_logit_softcapping: 50,
      final_logit_softcapping: 30,
    },
    gemma3: gemma3Defaults,
    gemma3_text: gemma3Defaults,
  },
  textConfig,
  doubts: (fields): Warning[] => [...gemmaDoubts(fields), ...cappedLogits(fields)],
  ignored: /rotary_emb(_local)?\.(inv_freq|cos_cached|sin_cached)$/,
  leftOut: /^(model\.)?(vision_tower|multi_modal_projector)\./,

  architecture(fields) {
    fields.only("attention_bias", [false]);
    const d_model = fields.count("hidden_size");
    const heads = fields.count("num_attention_heads");
    const kv_heads = fields.count("num_key_value_heads");
    checkHeads(fields, heads, kv_heads);
    const layers = fields.count("num_hidden_layers");
    const scoreCap = capOf(fields, "attn_logit_softcapping");
    const logitCap = capOf(fields, "final_logit_softcapping");
    return {
      family: fields.family,
      layers,
      d_model,
      heads,
      kv_heads,
      d_head: headSize(fields, d_model, heads, "head_dim"),
      d_mlp: fields.count("intermediate_size"),
      vocab: fields.count("vocab_size"),
      context: fields.count("max_position_embeddings"),
      parallel: false,
      norm: "rms",
      writeNorms: true,
      ...(scoreCap !== undefined && { scoreCap }),
      ...(logitCap !== undefined && { logitCap }),
      positions: "rotary",
      activation: fields.choose("hidden_activation", activations),
      gatedMlp: true,
      tied: fields.flag("tie_word_embeddings", true),
      ...textEnds(fields),
    };
  },

  ends(get, fields, a) {
    const table = { vocab: a.vocab, d_model: a.d_model };
    const W_E = get("embed_tokens.weight", table);
    const norm = readNorm(get, fields, "norm", { d_model: a.d_model });
    return {
      // The definition rounds √d_model to the precision that it runs in; here that is the engine's.
      embed: { W_E, scale: Math.sqrt(a.d_model) },
      final: {
        norm,
        W_U: a.tied ? W_E : get("lm_head.weight", table),
        ...(a.logitCap !== undefined && { cap: a.logitCap }),
      },
    };
  },

  layerPrefix: (layer) => `layers.${layer}.`,

  layer(get, fields, a, layer) {
    const d_model = { d_model: a.d_model };
    const d_mlp = { d_mlp: a.d_mlp };
    const at = `layers.${layer}.`;
    const d_query = a.heads * a.d_head;
    const d_key = a.kv_heads * a.d_head;
    const query = { d_query: queryAxes(a) };
    const key = { d_key: keyAxes(a) };
    const norm = (name: string, shape: Shape = d_model) =>
      readNorm(get, fields, `${at}${name}`, shape);
    const kind = kindOfLayer(fields, a, layer);
    const window = windowOf(fields, kind, layer);
    return [
      [
        {
          kind: "attn",
          name: `L${layer}.attn`,
          layer,
          norm: norm("input_layernorm"),
          W_Q: get(`${at}self_attn.q_proj.weight`, { d_query, ...d_model }, query),
          W_K: get(`${at}self_attn.k_proj.weight`, { d_key, ...d_model }, key),
          W_V: get(`${at}self_attn.v_proj.weight`, { d_key, ...d_model }, key),
          W_O: get(`${at}self_attn.o_proj.weight`, { ...d_model, d_query }, query),
          ...(fields.family !== "gemma2" && {
            queryNorm: norm("self_attn.q_norm", { d_head: a.d_head }),
            keyNorm: norm("self_attn.k_norm", { d_head: a.d_head }),
          }),
          writeNorm: norm("post_attention_layernorm"),
          scoreScale: 1 / Math.sqrt(fields.positive("query_pre_attn_scalar")),
          ...(a.scoreCap !== undefined && { scoreCap: a.scoreCap }),
          ...(window !== undefined && { window }),
          rotary: rotationOf(fields, a, kind),
        },
      ],
      [
        {
          kind: "mlp",
          name: `L${layer}.mlp`,
          layer,
          norm: norm("pre_feedforward_layernorm"),
          activation: fields.choose("hidden_activation", activations),
          W_in: get(`${at}mlp.up_proj.weight`, { ...d_mlp, ...d_model }),
          W_gate: get(`${at}mlp.gate_proj.weight`, { ...d_mlp, ...d_model }),
          W_out: get(`${at}mlp.down_proj.weight`, { ...d_model, ...d_mlp }),
          writeNorm: norm("post_feedforward_layernorm"),
        },
      ],
    ];
  },
};

/** A norm of which files hold `γ`, and the scale is `1 + γ`. */
function readNorm<T extends Shaped>(
  get: Get<T>,
  fields: Fields,
  name: string,
  shape: Shape,
): NormWeights<T> {
  const { ops } = get;
  const scale = ops.add(get(`${name}.weight`, shape), ops.fill({}, 1));
  return { kind: "rms", eps: fields.number("rms_norm_eps"), scale };
}

/** A soft cap; undefined where there is none, or the kind of model has none. */
function capOf(fields: Fields, name: string): number | undefined {
  const read = gemma.keys[fields.family]?.used.includes(name) === true;
  return read && fields.has(name) ? fields.positive(name) : undefined;
}

function cappedLogits(fields: Fields): Warning[] {
  const cap = capOf(fields, "final_logit_softcapping");
  if (cap === undefined) return [];
  const message = `The model caps its logits at ±${cap}. Targets, readouts and shares are of logits before the cap; KL, loss, and likeliest tokens with their logits and probabilities are after it.`;
  return [{ code: "capped-logits", message }];
}
