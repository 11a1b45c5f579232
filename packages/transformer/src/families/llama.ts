import type { Axis, Shape } from "@resolvent/tensor";
import { type Fields, unsupported } from "../fields.ts";
import type { Architecture } from "../model.ts";
import type { RotarySpec } from "../rotary.ts";
import {
  activations,
  checkHeads,
  type Family,
  headSize,
  keyAxes,
  queryAxes,
  readNorm,
  textEnds,
} from "./family.ts";
import { contradiction } from "./keys.ts";
import { layerKind } from "./layer-types.ts";
import { ropeDoubts, ropeFields, rotaryOf } from "./positions.ts";

const usedKeys: readonly string[] = [
  ...["bos_token_id", "eos_token_id", "head_dim", "hidden_act", "hidden_size"],
  ...["intermediate_size", "max_position_embeddings", "num_attention_heads", "num_hidden_layers"],
  ...["num_key_value_heads", "original_max_position_embeddings", "partial_rotary_factor"],
  ...["rms_norm_eps", "rope_parameters", "rope_scaling", "rope_theta", "tie_word_embeddings"],
  "vocab_size",
];
const idle: readonly string[] = ["attention_dropout", "is_llama_config", "pretraining_tp"];
const windowKeys = ["layer_types", "max_window_layers", "sliding_window", "use_sliding_window"];

/** Llama, Mistral, Qwen2 and Qwen3: RMSNorm, rotary, shared key-value heads, gated MLP. */
export const llama: Family = {
  prefixes: ["model.", ""],
  tie: { embedding: "embed_tokens.weight", unembedding: "lm_head.weight" },
  keys: {
    llama: { used: [...usedKeys, "attention_bias", "mlp_bias"], idle },
    mistral: { used: [...usedKeys, "sliding_window"], idle },
    qwen2: { used: [...usedKeys, ...windowKeys], idle },
    qwen3: { used: [...usedKeys, ...windowKeys, "attention_bias"], idle },
  },
  doubts: ropeDoubts,
  denied: (fields) => {
    const has = biasesOf(fields);
    const absent = [
      ...(has.qkv ? [] : ["self_attn\\.[qkv]_proj"]),
      ...(has.o ? [] : ["self_attn\\.o_proj"]),
      ...(has.mlp ? [] : ["mlp\\.(gate|up|down)_proj"]),
    ];
    return absent.length === 0 ? undefined : new RegExp(`(${absent.join("|")})\\.bias$`);
  },
  defaults: {
    mistral: { num_key_value_heads: 8, max_position_embeddings: 131072, sliding_window: 4096 },
    qwen2: { num_key_value_heads: 32, max_position_embeddings: 32768, sliding_window: 4096 },
    qwen3: {
      num_key_value_heads: 32,
      head_dim: 128,
      max_position_embeddings: 32768,
      sliding_window: 4096,
    },
  },
  ignored: /rotary_emb\.(inv_freq|cos_cached|sin_cached)$/,

  architecture(fields) {
    const d_model = fields.count("hidden_size");
    const heads = fields.count("num_attention_heads");
    const kv_heads = fields.count("num_key_value_heads", heads);
    checkHeads(fields, heads, kv_heads);
    return {
      family: fields.family,
      layers: fields.count("num_hidden_layers"),
      d_model,
      heads,
      kv_heads,
      d_head: headSize(fields, d_model, heads, "head_dim"),
      d_mlp: fields.count("intermediate_size"),
      vocab: fields.count("vocab_size"),
      context: fields.count("max_position_embeddings", 2048),
      parallel: false,
      norm: "rms",
      positions: "rotary",
      activation: fields.choose("hidden_act", activations, "silu"),
      gatedMlp: true,
      tied: fields.flag("tie_word_embeddings", false),
      ...textEnds(fields),
    };
  },

  ends(get, fields, a) {
    const table = { vocab: a.vocab, d_model: a.d_model };
    const W_E = get("embed_tokens.weight", table);
    const norm = readNorm(get, "norm", "rms", fields.number("rms_norm_eps", 1e-6), {
      d_model: a.d_model,
    });
    return { embed: { W_E }, final: { norm, W_U: a.tied ? W_E : get("lm_head.weight", table) } };
  },

  layerPrefix: (layer) => `layers.${layer}.`,

  layer(get, fields, a, layer) {
    const d_model = { d_model: a.d_model };
    const d_mlp = { d_mlp: a.d_mlp };
    const eps = fields.number("rms_norm_eps", 1e-6);
    const at = `layers.${layer}.`;
    const d_query = a.heads * a.d_head;
    const d_key = a.kv_heads * a.d_head;
    const query = { d_query: queryAxes(a) };
    const key = { d_key: keyAxes(a) };
    const headNorm = (name: string): ReturnType<typeof readNorm<ReturnType<typeof get>>> =>
      readNorm(get, `${at}self_attn.${name}`, "rms", eps, { d_head: a.d_head });
    const has = biasesOf(fields);
    const qkv = (role: string, shape: Shape, into: Readonly<Record<Axis, Shape>>) =>
      get(`${at}self_attn.${role}_proj.bias`, shape, into);
    const window = windowOf(fields, a, layer);
    const rotary = rotationOf(fields, a);
    return [
      [
        {
          kind: "attn",
          name: `L${layer}.attn`,
          layer,
          norm: readNorm(get, `${at}input_layernorm`, "rms", eps, d_model),
          W_Q: get(`${at}self_attn.q_proj.weight`, { d_query, ...d_model }, query),
          W_K: get(`${at}self_attn.k_proj.weight`, { d_key, ...d_model }, key),
          W_V: get(`${at}self_attn.v_proj.weight`, { d_key, ...d_model }, key),
          ...(has.qkv && {
            b_Q: qkv("q", { d_query }, query),
            b_K: qkv("k", { d_key }, key),
            b_V: qkv("v", { d_key }, key),
          }),
          W_O: get(`${at}self_attn.o_proj.weight`, { ...d_model, d_query }, query),
          ...(has.o && { b_O: get(`${at}self_attn.o_proj.bias`, d_model) }),
          ...(fields.family === "qwen3" && {
            queryNorm: headNorm("q_norm"),
            keyNorm: headNorm("k_norm"),
          }),
          scoreScale: 1 / Math.sqrt(a.d_head),
          ...(window !== undefined && { window }),
          ...(rotary !== undefined && { rotary }),
        },
      ],
      [
        {
          kind: "mlp",
          name: `L${layer}.mlp`,
          layer,
          norm: readNorm(get, `${at}post_attention_layernorm`, "rms", eps, d_model),
          activation: fields.choose("hidden_act", activations, "silu"),
          W_in: get(`${at}mlp.up_proj.weight`, { ...d_mlp, ...d_model }),
          ...(has.mlp && { b_in: get(`${at}mlp.up_proj.bias`, d_mlp) }),
          W_gate: get(`${at}mlp.gate_proj.weight`, { ...d_mlp, ...d_model }),
          ...(has.mlp && { b_gate: get(`${at}mlp.gate_proj.bias`, d_mlp) }),
          W_out: get(`${at}mlp.down_proj.weight`, { ...d_model, ...d_mlp }),
          ...(has.mlp && { b_out: get(`${at}mlp.down_proj.bias`, d_model) }),
        },
      ],
    ];
  },
};

/** Which projections have biases: Mistral's none, Qwen2's queries, keys and values, else what the config says. */
function biasesOf(fields: Fields): {
  readonly qkv: boolean;
  readonly o: boolean;
  readonly mlp: boolean;
} {
  const said = (name: string): boolean => fields.flag(name, false);
  switch (fields.family) {
    case "mistral":
      return { qkv: false, o: false, mlp: false };
    case "qwen2":
      return { qkv: true, o: false, mlp: false };
    case "qwen3":
      return { qkv: said("attention_bias"), o: said("attention_bias"), mlp: false };
    default:
      return { qkv: said("attention_bias"), o: said("attention_bias"), mlp: said("mlp_bias") };
  }
}

function rotationOf(fields: Fields, a: Architecture): RotarySpec | undefined {
  const fraction =
    ropeFields(fields)?.raw("partial_rotary_factor") ?? fields.raw("partial_rotary_factor") ?? 1;
  if (typeof fraction !== "number") {
    throw unsupported(fields.family, "partial_rotary_factor", fraction, ["a number"]);
  }
  const dims = Math.trunc(a.d_head * fraction);
  return dims === 0 ? undefined : rotaryOf(fields, a.d_head, dims, "rope_theta");
}

/** The sliding window of a layer: Mistral has one for all, Qwen for some of the layers. */
function windowOf(fields: Fields, a: Architecture, layer: number): number | undefined {
  if (fields.family === "llama") return undefined;
  const own = fields.family === "mistral" || fields.flag("use_sliding_window", false);
  const window = own && fields.has("sliding_window") ? fields.count("sliding_window") : undefined;
  if (fields.family === "mistral") return window;
  const kind = layerKind(fields, a, layer);
  if (kind === undefined) {
    return layer >= fields.countFromZero("max_window_layers", 28) ? window : undefined;
  }
  if (kind === "full_attention") return undefined;
  if (window !== undefined) return window;
  throw contradiction(
    fields.family,
    `layer_types[${layer}] is sliding_attention, and there is no window: use_sliding_window is ${own}, sliding_window ${fields.raw("sliding_window") ?? null}.`,
  );
}
