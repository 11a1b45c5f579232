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
import { rotaryOf } from "./positions.ts";

/** Llama, Mistral, Qwen2 and Qwen3: RMSNorm, rotary, shared key-value heads, gated MLP. */
export const llama: Family = {
  prefixes: ["model.", ""],
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
    // Which biases exist is told by the checkpoint itself: configs of these families leave it out.
    const bias = (name: string, shape: typeof d_model | typeof d_mlp) =>
      get.has(name) ? get(name, shape) : undefined;
    const b_O = bias(`${at}self_attn.o_proj.bias`, d_model);
    const b_in = bias(`${at}mlp.up_proj.bias`, d_mlp);
    const b_gate = bias(`${at}mlp.gate_proj.bias`, d_mlp);
    const b_out = bias(`${at}mlp.down_proj.bias`, d_model);
    const window = windowOf(fields, layer);
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
          ...(get.has(`${at}self_attn.q_proj.bias`) && {
            b_Q: get(`${at}self_attn.q_proj.bias`, { d_query }, query),
          }),
          ...(get.has(`${at}self_attn.k_proj.bias`) && {
            b_K: get(`${at}self_attn.k_proj.bias`, { d_key }, key),
          }),
          ...(get.has(`${at}self_attn.v_proj.bias`) && {
            b_V: get(`${at}self_attn.v_proj.bias`, { d_key }, key),
          }),
          W_O: get(`${at}self_attn.o_proj.weight`, { ...d_model, d_query }, query),
          ...(b_O !== undefined && { b_O }),
          ...(fields.family === "qwen3" && {
            queryNorm: headNorm("q_norm"),
            keyNorm: headNorm("k_norm"),
          }),
          scoreScale: 1 / Math.sqrt(a.d_head),
          ...(window !== undefined && { window }),
          rotary: rotationOf(fields, a),
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
          ...(b_in !== undefined && { b_in }),
          W_gate: get(`${at}mlp.gate_proj.weight`, { ...d_mlp, ...d_model }),
          ...(b_gate !== undefined && { b_gate }),
          W_out: get(`${at}mlp.down_proj.weight`, { ...d_model, ...d_mlp }),
          ...(b_out !== undefined && { b_out }),
        },
      ],
    ];
  },
};

function rotationOf(fields: Fields, a: Architecture): RotarySpec {
  const fraction =
    fields.inside("rope_parameters")?.raw("partial_rotary_factor") ??
    fields.raw("partial_rotary_factor") ??
    1;
  if (typeof fraction !== "number") {
    throw unsupported(fields.family, "partial_rotary_factor", fraction, ["a number"]);
  }
  return rotaryOf(fields, a.d_head, Math.trunc(a.d_head * fraction), "rope_theta");
}

/** The sliding window of a layer: Mistral has one for all, Qwen for some of the layers. */
function windowOf(fields: Fields, layer: number): number | undefined {
  if (fields.family === "llama" || !fields.has("sliding_window")) return undefined;
  const window = fields.count("sliding_window");
  if (fields.family === "mistral") return window;
  if (!fields.flag("use_sliding_window", false)) return undefined;
  if (fields.has("layer_types")) {
    const kinds = fields.raw("layer_types");
    const kind: unknown = Array.isArray(kinds) ? kinds[layer] : undefined;
    if (kind === "full_attention") return undefined;
    if (kind === "sliding_attention") return window;
    const supported = ["full_attention", "sliding_attention"];
    throw unsupported(fields.family, `layer_types[${layer}]`, kind, supported);
  }
  return layer >= fields.count("max_window_layers", 28) ? window : undefined;
}
