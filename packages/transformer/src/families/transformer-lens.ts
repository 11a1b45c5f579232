import type { Axis, Shape, Shaped } from "@resolvent/tensor";
import { type Fields, unsupported } from "../fields.ts";
import type { Activation, Architecture, Block, NormWeights } from "../model.ts";
import { checkHeads, type Family, type Get, keyAxes } from "./family.ts";
import { rotaryOf } from "./positions.ts";

/** The norm that each `normalization_type` names; `Pre` norms have their scale and bias folded away. */
const norms: Readonly<Record<string, Architecture["norm"]>> = {
  LN: "layer",
  LNPre: "layer",
  RMS: "rms",
  RMSPre: "rms",
  none: "none",
};

/** Settings of which one value is supported; leaving any other unread would give another model. */
const onlyValues: Readonly<Record<string, readonly unknown[]>> = {
  attention_dir: ["causal"],
  use_local_attn: [false],
  attn_scores_soft_cap: [-1],
  output_logits_soft_cap: [-1],
  use_NTK_by_parts_rope: [false],
  use_normalization_before_and_after: [false],
  use_qk_norm: [false],
  post_embedding_ln: [false],
  load_in_4bit: [false],
  rmsnorm_uses_offset: [false],
  rotary_base_local: [],
  final_rms: [false],
  num_experts: [],
};

const activations: Readonly<Record<string, Activation>> = {
  relu: "relu",
  gelu: "gelu",
  gelu_new: "gelu_tanh",
  gelu_fast: "gelu_tanh",
  gelu_pytorch_tanh: "gelu_tanh",
  quick_gelu: "quick_gelu",
  silu: "silu",
  solu: "solu",
  solu_ln: "solu",
};

/** Toy and attention-only models saved as a TransformerLens state_dict: one matrix for each head. */
export const transformerLens: Family = {
  prefixes: [""],
  defaults: { transformer_lens: { normalization_type: "LN" } },
  keys: {
    transformer_lens: {
      used: [
        ...["act_fn", "attn_only", "attn_scale", "d_head", "d_mlp", "d_model", "d_vocab", "eps"],
        ...["gated_mlp", "n_ctx", "n_heads", "n_key_value_heads", "n_layers"],
        ...["normalization_type", "parallel_attn_mlp", "positional_embedding_type", "rotary_base"],
        ...["rotary_adjacent_pairs", "rotary_dim", "scale_attn_by_inverse_layer_idx"],
        ...["d_vocab_out", "use_attn_scale", ...Object.keys(onlyValues)],
      ],
      idle: [
        ...["NTK_by_parts_factor", "NTK_by_parts_high_freq_factor", "NTK_by_parts_low_freq_factor"],
        ...["NTK_original_ctx_len", "attn_types", "checkpoint_index", "checkpoint_label_type"],
        ...["checkpoint_value", "decoder_start_token_id", "default_prepend_bos", "device"],
        ...["experts_per_token", "from_checkpoint", "init_mode", "init_weights", "model_name"],
        ...["n_devices", "n_params", "original_architecture", "relative_attention_max_distance"],
        ...["relative_attention_num_buckets", "seed", "tie_word_embeddings"],
        ...["tokenizer_name", "tokenizer_prepends_bos", "trust_remote_code"],
        ...["ungroup_grouped_query_attention", "use_attn_in", "use_attn_result"],
        ...["use_hook_mlp_in", "use_hook_tokens", "use_split_qkv_input", "weight_init_mode"],
        "window_size",
      ],
    },
  },
  ignored: /\.(mask|IGNORE|rotary_sin|rotary_cos|alibi)$/,

  architecture(fields) {
    for (const [name, allowed] of Object.entries(onlyValues)) fields.only(name, allowed);
    const d_model = fields.count("d_model");
    const d_head = fields.count("d_head");
    // -1 is TransformerLens's "as many as there is room for".
    const room = Math.floor(d_model / d_head);
    const said = fields.raw("n_heads");
    const heads = (said === undefined || said === -1) && room > 0 ? room : fields.count("n_heads");
    const kv_heads = fields.count("n_key_value_heads", heads);
    checkHeads(fields, heads, kv_heads);
    const attentionOnly = fields.flag("attn_only", false);
    const vocab = fields.count("d_vocab");
    const gated = fields.flag("gated_mlp", false);
    // Where its norm stands, a gated MLP of TransformerLens drops W_in.
    if (gated && fields.raw("act_fn") === "solu_ln") {
      throw unsupported(fields.family, "gated_mlp", true, [false]);
    }
    fields.only("d_vocab_out", [vocab, -1]);
    const positions = fields.choose(
      "positional_embedding_type",
      { standard: "learned", rotary: "rotary", none: "none" } as const,
      "standard",
    );
    return {
      family: fields.family,
      layers: fields.count("n_layers"),
      d_model,
      heads,
      kv_heads,
      d_head,
      d_mlp: attentionOnly ? 0 : fields.count("d_mlp", 4 * d_model),
      vocab,
      context: fields.count("n_ctx"),
      parallel: fields.flag("parallel_attn_mlp", false),
      norm: fields.choose("normalization_type", norms, "none"),
      positions,
      activation: attentionOnly ? "none" : fields.choose("act_fn", activations),
      gatedMlp: !attentionOnly && gated,
      tied: false,
      bos: undefined,
      eos: [],
    };
  },

  ends(get, fields, a) {
    const d_model = { d_model: a.d_model };
    const W_E = get("embed.W_E", { vocab: a.vocab, ...d_model });
    const W_U = get("unembed.W_U", { ...d_model, vocab: a.vocab });
    const learned = a.positions === "learned";
    const norm = readNorm(get, fields, "ln_final", "d_model", a.d_model);
    const b_U = get.has("unembed.b_U") ? get("unembed.b_U", { vocab: a.vocab }) : undefined;
    return {
      embed: {
        W_E,
        ...(learned && { W_pos: get("pos_embed.W_pos", { context: a.context, ...d_model }) }),
      },
      final: { ...(norm && { norm }), W_U, ...(b_U !== undefined && { b_U }) },
    };
  },

  layerPrefix: (layer) => `blocks.${layer}.`,

  layer(get, fields, a, layer) {
    const at = `blocks.${layer}.`;
    const attn = readAttention(get, fields, a, layer, `${at}attn.`, at);
    if (a.d_mlp === 0) return [[attn]];
    const mlp = readMlp(get, fields, a, layer, `${at}mlp.`, at);
    return a.parallel ? [[attn, mlp]] : [[attn], [mlp]];
  },
};

function readAttention<T extends Shaped>(
  get: Get<T>,
  fields: Fields,
  a: Architecture,
  layer: number,
  at: string,
  layerAt: string,
): Block<T> {
  const d_model = { d_model: a.d_model };
  const { d_head } = a;
  const heads = { head: a.heads };
  const byGroup = { head: { kv_head: a.kv_heads, group: a.heads / a.kv_heads } };
  const norm = readNorm(get, fields, `${layerAt}ln1`, "d_model", a.d_model);
  // Attention by groups, which any n_key_value_heads asks for, has an underscore in these names.
  const grouped = fields.has("n_key_value_heads") && (get.has(`${at}_W_K`) || !get.has(`${at}W_K`));
  const key = (name: string): string => at + (grouped ? `_${name}` : name);
  const b_O = optional(get, `${at}b_O`, d_model);
  const b_Q = optional(get, `${at}b_Q`, { ...heads, d_head }, byGroup);
  const b_K = optional(get, key("b_K"), keyAxes(a));
  const b_V = optional(get, key("b_V"), keyAxes(a));
  const kv = { kv_head: a.kv_heads };
  const byLayer = fields.flag("scale_attn_by_inverse_layer_idx", false) ? layer + 1 : 1;
  const rotaryDims = fields.countFromZero("rotary_dim", d_head);
  return {
    kind: "attn",
    name: `L${layer}.attn`,
    layer,
    ...(norm && { norm }),
    W_Q: get(`${at}W_Q`, { ...heads, ...d_model, d_head }, byGroup),
    W_K: get(key("W_K"), { ...kv, ...d_model, d_head }),
    W_V: get(key("W_V"), { ...kv, ...d_model, d_head }),
    W_O: get(`${at}W_O`, { ...heads, d_head, ...d_model }, byGroup),
    ...(b_Q !== undefined && { b_Q }),
    ...(b_K !== undefined && { b_K }),
    ...(b_V !== undefined && { b_V }),
    ...(b_O !== undefined && { b_O }),
    scoreScale: 1 / (attentionScale(fields, d_head) * byLayer),
    ...(a.positions === "rotary" &&
      rotaryDims > 0 && {
        rotary: rotaryOf(
          fields,
          d_head,
          rotaryDims,
          "rotary_base",
          fields.flag("rotary_adjacent_pairs", false) ? "adjacent" : "half",
        ),
      }),
  };
}

/** What scores are divided by. */
function attentionScale(fields: Fields, d_head: number): number {
  if (!fields.flag("use_attn_scale", true)) return 1;
  const usual = Math.sqrt(d_head);
  return fields.raw("attn_scale") === -1 ? usual : fields.positive("attn_scale", usual);
}

function readMlp<T extends Shaped>(
  get: Get<T>,
  fields: Fields,
  a: Architecture,
  layer: number,
  at: string,
  layerAt: string,
): Block<T> {
  const d_model = { d_model: a.d_model };
  const d_mlp = { d_mlp: a.d_mlp };
  const norm = readNorm(get, fields, `${layerAt}ln2`, "d_model", a.d_model);
  // A LayerNorm whatever the other norms are.
  const postNorm =
    fields.raw("act_fn") === "solu_ln"
      ? normOf(get, fields, "layer", `${at}ln`, { d_mlp: a.d_mlp })
      : undefined;
  const W_out = get(`${at}W_out`, { ...d_mlp, ...d_model });
  const inner = optional(get, `${at}b_in`, d_mlp);
  const outer = optional(get, `${at}b_out`, d_model);
  // A gated MLP of TransformerLens adds b_in behind the product: it is a constant of the output.
  const [b_in, b_out] =
    a.gatedMlp && inner !== undefined
      ? [undefined, total(get, get.ops.matmul(inner, W_out, ["d_mlp"]), outer)]
      : [inner, outer];
  return {
    kind: "mlp",
    name: `L${layer}.mlp`,
    layer,
    ...(norm && { norm }),
    activation: fields.choose("act_fn", activations),
    W_in: get(`${at}W_in`, { ...d_model, ...d_mlp }),
    ...(b_in !== undefined && { b_in }),
    ...(a.gatedMlp && { W_gate: get(`${at}W_gate`, { ...d_model, ...d_mlp }) }),
    W_out,
    ...(b_out !== undefined && { b_out }),
    ...(postNorm && { postNorm }),
  };
}

function readNorm<T extends Shaped>(
  get: Get<T>,
  fields: Fields,
  name: string,
  axis: string,
  size: number,
): NormWeights<T> | undefined {
  const kind = fields.choose("normalization_type", norms, "none");
  return kind === "none" ? undefined : normOf(get, fields, kind, name, { [axis]: size });
}

function normOf<T extends Shaped>(
  get: Get<T>,
  fields: Fields,
  kind: NormWeights<T>["kind"],
  name: string,
  shape: Shape,
): NormWeights<T> {
  const scale = optional(get, `${name}.w`, shape);
  const bias = optional(get, `${name}.b`, shape);
  return {
    kind,
    eps: fields.number("eps", 1e-5),
    ...(scale !== undefined && { scale }),
    ...(bias !== undefined && { bias }),
  };
}

function total<T extends Shaped>(get: Get<T>, a: T, b: T | undefined): T {
  return b === undefined ? a : get.ops.add(a, b);
}

function optional<T extends Shaped>(
  get: Get<T>,
  name: string,
  shape: Shape,
  into: Readonly<Record<Axis, Shape>> = {},
): T | undefined {
  return get.has(name) ? get(name, shape, into) : undefined;
}
