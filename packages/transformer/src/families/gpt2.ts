import type { Shape } from "@resolvent/tensor";
import { activations, type Family, headSize, queryAxes, readNorm, textEnds } from "./family.ts";

/** GPT-2: LayerNorm, learned positions, fused query-key-value, weights stored `[in, out]`. */
export const gpt2: Family = {
  prefixes: ["transformer.", ""],
  tie: { embedding: "wte.weight", unembedding: "lm_head.weight" },
  ignored: /(^|\.)attn\.(masked_)?bias$/,
  aliases: {
    gpt2: {
      n_embd: "hidden_size",
      n_head: "num_attention_heads",
      n_layer: "num_hidden_layers",
      n_positions: "max_position_embeddings",
    },
  },
  keys: {
    gpt2: {
      used: [
        ...["activation_function", "bos_token_id", "eos_token_id", "hidden_size"],
        ...["layer_norm_epsilon", "max_position_embeddings", "n_ctx", "n_embd", "n_head"],
        ...["n_inner", "n_layer", "n_positions", "num_attention_heads", "num_hidden_layers"],
        ...["scale_attn_by_inverse_layer_idx", "scale_attn_weights", "tie_word_embeddings"],
        "vocab_size",
      ],
      idle: [
        ...["attn_pdrop", "embd_pdrop", "n_special", "predict_special_tokens"],
        ...["reorder_and_upcast_attn", "resid_pdrop", "summary_activation"],
        ...["summary_first_dropout", "summary_hidden_size", "summary_proj_to_labels"],
        ...["summary_type", "summary_use_proj"],
      ],
    },
  },

  architecture(fields) {
    const d_model = fields.count("n_embd");
    const heads = fields.count("n_head");
    return {
      family: fields.family,
      layers: fields.count("n_layer"),
      d_model,
      heads,
      kv_heads: heads,
      d_head: headSize(fields, d_model, heads),
      d_mlp: fields.count("n_inner", 4 * d_model),
      vocab: fields.count("vocab_size"),
      context: fields.has("n_positions") ? fields.count("n_positions") : fields.count("n_ctx"),
      parallel: false,
      norm: "layer",
      positions: "learned",
      activation: fields.choose("activation_function", activations, "gelu_new"),
      gatedMlp: false,
      tied: fields.flag("tie_word_embeddings", true),
      ...textEnds(fields),
    };
  },

  ends(get, fields, a) {
    const W_E = get("wte.weight", { vocab: a.vocab, d_model: a.d_model });
    const norm = readNorm(get, "ln_f", "layer", fields.number("layer_norm_epsilon", 1e-5), {
      d_model: a.d_model,
    });
    const W_U = a.tied ? W_E : get("lm_head.weight", { vocab: a.vocab, d_model: a.d_model });
    const W_pos = get("wpe.weight", { context: a.context, d_model: a.d_model });
    return { embed: { W_E, W_pos }, final: { norm, W_U } };
  },

  layerPrefix: (layer) => `h.${layer}.`,

  layer(get, fields, a, layer) {
    const { ops } = get;
    const d_model = { d_model: a.d_model };
    const d_attn = a.heads * a.d_head;
    const eps = fields.number("layer_norm_epsilon", 1e-5);
    const at = `h.${layer}.`;
    const heads = queryAxes(a);
    const keys: Shape = { kv_head: a.kv_heads, d_head: a.d_head };
    const W = get(`${at}attn.c_attn.weight`, { ...d_model, qkv: 3 * d_attn });
    const b = get(`${at}attn.c_attn.bias`, { qkv: 3 * d_attn });
    const third = (x: typeof W, n: number): typeof W =>
      ops.split(ops.slice(x, "qkv", n * d_attn, (n + 1) * d_attn), "qkv", n === 0 ? heads : keys);
    const scaled = fields.flag("scale_attn_weights", true) ? 1 / Math.sqrt(a.d_head) : 1;
    const byLayer = fields.flag("scale_attn_by_inverse_layer_idx", false) ? layer + 1 : 1;
    return [
      [
        {
          kind: "attn",
          name: `L${layer}.attn`,
          layer,
          norm: readNorm(get, `${at}ln_1`, "layer", eps, d_model),
          W_Q: third(W, 0),
          W_K: third(W, 1),
          W_V: third(W, 2),
          b_Q: third(b, 0),
          b_K: third(b, 1),
          b_V: third(b, 2),
          W_O: get(`${at}attn.c_proj.weight`, { d_attn, ...d_model }, { d_attn: heads }),
          b_O: get(`${at}attn.c_proj.bias`, d_model),
          scoreScale: scaled / byLayer,
        },
      ],
      [
        {
          kind: "mlp",
          name: `L${layer}.mlp`,
          layer,
          norm: readNorm(get, `${at}ln_2`, "layer", eps, d_model),
          activation: fields.choose("activation_function", activations, "gelu_new"),
          W_in: get(`${at}mlp.c_fc.weight`, { ...d_model, d_mlp: a.d_mlp }),
          b_in: get(`${at}mlp.c_fc.bias`, { d_mlp: a.d_mlp }),
          W_out: get(`${at}mlp.c_proj.weight`, { d_mlp: a.d_mlp, ...d_model }),
          b_out: get(`${at}mlp.c_proj.bias`, d_model),
        },
      ],
    ];
  },
};
