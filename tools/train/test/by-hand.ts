import { reference, type Tensor } from "@resolvent/tensor";
import { assembleModel, type Model } from "@resolvent/transformer";

const VOCAB = 7;
const CONTEXT = 13;
/** Entries of the stream: tokens, positions, and the token before. */
const TOKEN = 0;
const POSITION = VOCAB;
const BEFORE = VOCAB + CONTEXT;
const D_MODEL = BEFORE + VOCAB;
const D_HEAD = CONTEXT;
/** So large that every softmax chooses. */
const SHARP = 1000;

/**
 * An induction model written down entry by entry, one-hot throughout (Elhage et al. 2021): `L0.H1` attends to the
 * token before and writes it down, `L1.H0` looks for its own token there and copies the token it finds. The other
 * two heads are zero.
 */
export function inductionByHand(): Model<Tensor> {
  const config = {
    model_type: "transformer_lens",
    attn_only: true,
    normalization_type: null,
    n_layers: 2,
    n_heads: 2,
    d_model: D_MODEL,
    d_head: D_HEAD,
    n_ctx: CONTEXT,
    d_vocab: VOCAB,
    use_attn_scale: false,
  };
  const perHead = D_MODEL * D_HEAD;
  const reads = (head: number, from: number, count: number, shift = 0, size = 1) =>
    entries(
      2 * perHead,
      count - shift,
      (i) => head * perHead + (from + i) * D_HEAD + i + shift,
      size,
    );
  const writes = (head: number, to: number) =>
    entries(2 * perHead, VOCAB, (i) => head * perHead + i * D_MODEL + to + i);
  const zero = new Float64Array(2 * perHead);
  const parameters: Readonly<Record<string, Float64Array>> = {
    "embed.W_E": entries(VOCAB * D_MODEL, VOCAB, (i) => i * D_MODEL + TOKEN + i),
    "pos_embed.W_pos": entries(CONTEXT * D_MODEL, CONTEXT, (i) => i * D_MODEL + POSITION + i),
    "unembed.W_U": entries(D_MODEL * VOCAB, VOCAB, (i) => (TOKEN + i) * VOCAB + i, SHARP),
    "blocks.0.attn.W_Q": reads(1, POSITION, CONTEXT, 0, SHARP),
    "blocks.0.attn.W_K": reads(1, POSITION, CONTEXT, 1),
    "blocks.0.attn.W_V": reads(1, TOKEN, VOCAB),
    "blocks.0.attn.W_O": writes(1, BEFORE),
    "blocks.1.attn.W_Q": reads(0, TOKEN, VOCAB, 0, SHARP),
    "blocks.1.attn.W_K": reads(0, BEFORE, VOCAB),
    "blocks.1.attn.W_V": reads(0, TOKEN, VOCAB).map((x) => 2 * x), // to be above the token itself
    "blocks.1.attn.W_O": writes(0, TOKEN),
  };
  return assembleModel(
    reference,
    config,
    (name, shape) => reference.constant(shape, parameters[name] ?? zero),
    { has: (name) => name in parameters },
  );
}

/** Zeros but for `count` entries, each where `at` says. */
function entries(size: number, count: number, at: (i: number) => number, value = 1): Float64Array {
  const data = new Float64Array(size);
  for (let i = 0; i < count; i++) data[at(i)] = value;
  return data;
}
