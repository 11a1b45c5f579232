import type { Fields } from "../fields.ts";
import { activations, type Family, headSize, queryAxes, readNorm, textEnds } from "./family.ts";
import { ropeDoubts, ropeFields, rotaryOf } from "./positions.ts";

/** GPT-NeoX and Pythia: LayerNorm, partial rotary, query-key-value fused head by head, mostly parallel blocks. */
export const gptNeox: Family = {
  prefixes: ["gpt_neox.", ""],
  tie: { embedding: "embed_in.weight", unembedding: "embed_out.weight" },
  aliases: { gpt_neox: { rotary_pct: "partial_rotary_factor", rotary_emb_base: "rope_theta" } },
  keys: {
    gpt_neox: {
      used: [
        ...["attention_bias", "bos_token_id", "eos_token_id", "hidden_act", "hidden_size"],
        ...["intermediate_size", "layer_norm_eps", "max_position_embeddings"],
        ...["num_attention_heads", "num_hidden_layers", "original_max_position_embeddings"],
        ...["partial_rotary_factor", "rope_parameters", "rope_scaling", "rope_theta"],
        ...["rotary_emb_base", "rotary_pct", "tie_word_embeddings", "use_parallel_residual"],
        "vocab_size",
      ],
      idle: ["attention_dropout", "classifier_dropout", "hidden_dropout"],
    },
  },
  denied: (fields) => (biased(fields) ? undefined : /attention\.(query_key_value|dense)\.bias$/),
  doubts: ropeDoubts,
  ignored: /attention\.((masked_)?bias|rotary_emb\.inv_freq)$/,

  architecture(fields) {
    const d_model = fields.count("hidden_size");
    const heads = fields.count("num_attention_heads");
    return {
      family: fields.family,
      layers: fields.count("num_hidden_layers"),
      d_model,
      heads,
      kv_heads: heads,
      d_head: headSize(fields, d_model, heads),
      d_mlp: fields.count("intermediate_size"),
      vocab: fields.count("vocab_size"),
      context: fields.count("max_position_embeddings", 2048),
      parallel: fields.flag("use_parallel_residual", true),
      norm: "layer",
      positions: "rotary",
      activation: fields.choose("hidden_act", activations, "gelu"),
      gatedMlp: false,
      tied: fields.flag("tie_word_embeddings", false),
      ...textEnds(fields),
    };
  },

  ends(get, fields, a) {
    const table = { vocab: a.vocab, d_model: a.d_model };
    const W_E = get("embed_in.weight", table);
    const eps = fields.number("layer_norm_eps", 1e-5);
    const norm = readNorm(get, "final_layer_norm", "layer", eps, { d_model: a.d_model });
    return { embed: { W_E }, final: { norm, W_U: a.tied ? W_E : get("embed_out.weight", table) } };
  },

  layerPrefix: (layer) => `layers.${layer}.`,

  layer(get, fields, a, layer) {
    const { ops } = get;
    const d_model = { d_model: a.d_model };
    const d_attn = a.heads * a.d_head;
    const eps = fields.number("layer_norm_eps", 1e-5);
    const at = `layers.${layer}.`;
    // Rows are ordered (head, query | key | value, d_head).
    const fused = { qkv: { kv_head: a.heads, role: 3, d_head: a.d_head } };
    const W = get(`${at}attention.query_key_value.weight`, { qkv: 3 * d_attn, ...d_model }, fused);
    const b = biased(fields)
      ? get(`${at}attention.query_key_value.bias`, { qkv: 3 * d_attn }, fused)
      : undefined;
    const role = (x: typeof W, n: number): typeof W =>
      ops.join(ops.slice(x, "role", n, n + 1), ["kv_head", "role"], "kv_head");
    const grouped = (x: typeof W): typeof W =>
      ops.split(x, "kv_head", { kv_head: a.heads, group: 1 });
    const rope = ropeFields(fields);
    const fraction = rope?.has("partial_rotary_factor")
      ? rope.number("partial_rotary_factor")
      : fields.number("rotary_pct", 0.25);
    const dims = Math.trunc(a.d_head * fraction);
    const attn = {
      kind: "attn" as const,
      name: `L${layer}.attn`,
      layer,
      norm: readNorm(get, `${at}input_layernorm`, "layer", eps, d_model),
      W_Q: grouped(role(W, 0)),
      W_K: role(W, 1),
      W_V: role(W, 2),
      ...(b !== undefined && { b_Q: grouped(role(b, 0)), b_K: role(b, 1), b_V: role(b, 2) }),
      W_O: get(`${at}attention.dense.weight`, { ...d_model, d_attn }, { d_attn: queryAxes(a) }),
      ...(biased(fields) && { b_O: get(`${at}attention.dense.bias`, d_model) }),
      scoreScale: 1 / Math.sqrt(a.d_head),
      ...(dims > 0 && { rotary: rotaryOf(fields, a.d_head, dims, "rotary_emb_base") }),
    };
    const mlp = {
      kind: "mlp" as const,
      name: `L${layer}.mlp`,
      layer,
      norm: readNorm(get, `${at}post_attention_layernorm`, "layer", eps, d_model),
      activation: fields.choose("hidden_act", activations, "gelu"),
      W_in: get(`${at}mlp.dense_h_to_4h.weight`, { d_mlp: a.d_mlp, ...d_model }),
      b_in: get(`${at}mlp.dense_h_to_4h.bias`, { d_mlp: a.d_mlp }),
      W_out: get(`${at}mlp.dense_4h_to_h.weight`, { ...d_model, d_mlp: a.d_mlp }),
      b_out: get(`${at}mlp.dense_4h_to_h.bias`, d_model),
    };
    return a.parallel ? [[attn, mlp]] : [[attn], [mlp]];
  },
};

/** Whether the four projections of attention have biases. */
function biased(fields: Fields): boolean {
  return fields.flag("attention_bias", true);
}
