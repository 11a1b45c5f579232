import type { Shaped } from "@resolvent/tensor";
import type { Fields } from "../fields.ts";
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
  ignored: /\.(mask|IGNORE|rotary_sin|rotary_cos|alibi)$/,

  architecture(fields) {
    fields.only("attention_dir", ["causal"]);
    const heads = fields.count("n_heads");
    const kv_heads = fields.count("n_key_value_heads", heads);
    checkHeads(fields, heads, kv_heads);
    const attentionOnly = fields.flag("attn_only", false);
    const d_model = fields.count("d_model");
    const vocab = fields.count("d_vocab");
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
      d_head: fields.count("d_head"),
      d_mlp: attentionOnly ? 0 : fields.count("d_mlp", 4 * d_model),
      vocab,
      context: fields.count("n_ctx"),
      parallel: fields.flag("parallel_attn_mlp", false),
      norm: fields.choose("normalization_type", norms, "none"),
      positions,
      activation: attentionOnly ? "none" : fields.choose("act_fn", activations),
      gatedMlp: !attentionOnly && fields.flag("gated_mlp", false),
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
  const shared = a.kv_heads < a.heads;
  const d_model = { d_model: a.d_model };
  const { d_head } = a;
  const heads = { head: a.heads };
  const byGroup = { head: { kv_head: a.kv_heads, group: a.heads / a.kv_heads } };
  const norm = readNorm(get, fields, `${layerAt}ln1`, "d_model", a.d_model);
  // Shared key and value heads are stored under names with an underscore.
  const key = (name: string): string => at + (shared ? `_${name}` : name);
  const b_O = optional(get, `${at}b_O`, d_model);
  const biased = get.has(`${at}b_Q`);
  const keys = keyAxes(a);
  const kv = { kv_head: a.kv_heads };
  const scaled = fields.flag("use_attn_scale", true)
    ? 1 / fields.number("attn_scale", Math.sqrt(d_head))
    : 1;
  const rotaryDims = fields.count("rotary_dim", d_head);
  return {
    kind: "attn",
    name: `L${layer}.attn`,
    layer,
    ...(norm && { norm }),
    W_Q: get(`${at}W_Q`, { ...heads, ...d_model, d_head }, byGroup),
    W_K: get(key("W_K"), { ...kv, ...d_model, d_head }),
    W_V: get(key("W_V"), { ...kv, ...d_model, d_head }),
    W_O: get(`${at}W_O`, { ...heads, d_head, ...d_model }, byGroup),
    ...(biased && {
      b_Q: get(`${at}b_Q`, { ...heads, d_head }, byGroup),
      b_K: get(key("b_K"), keys),
      b_V: get(key("b_V"), keys),
    }),
    ...(b_O !== undefined && { b_O }),
    scoreScale: scaled,
    ...(a.positions === "rotary" && {
      rotary: rotaryOf(
        fields,
        rotaryDims,
        "rotary_base",
        fields.flag("rotary_adjacent_pairs", false) ? "adjacent" : "half",
      ),
    }),
  };
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
  const withNorm = fields.raw("act_fn") === "solu_ln";
  const postNorm = withNorm ? readNorm(get, fields, `${at}ln`, "d_mlp", a.d_mlp) : undefined;
  const b_in = optional(get, `${at}b_in`, d_mlp);
  const b_out = optional(get, `${at}b_out`, d_model);
  return {
    kind: "mlp",
    name: `L${layer}.mlp`,
    layer,
    ...(norm && { norm }),
    activation: fields.choose("act_fn", activations),
    W_in: get(`${at}W_in`, { ...d_model, ...d_mlp }),
    ...(b_in !== undefined && { b_in }),
    ...(a.gatedMlp && { W_gate: get(`${at}W_gate`, { ...d_model, ...d_mlp }) }),
    W_out: get(`${at}W_out`, { ...d_mlp, ...d_model }),
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
  if (kind === "none") return undefined;
  const scale = optional(get, `${name}.w`, { [axis]: size });
  const bias = optional(get, `${name}.b`, { [axis]: size });
  return {
    kind,
    eps: fields.number("eps", 1e-5),
    ...(scale !== undefined && { scale }),
    ...(bias !== undefined && { bias }),
  };
}

function optional<T extends Shaped>(
  get: Get<T>,
  name: string,
  shape: Readonly<Record<string, number>>,
): T | undefined {
  return get.has(name) ? get(name, shape) : undefined;
}
