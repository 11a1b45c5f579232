import { type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import type { AttentionBlock, Block, MlpBlock } from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { expansionError } from "./expansion-error.ts";

/** Below every pre-activation: what has it for a threshold always passes, where its mask lets it. */
const LOWEST = -1e30;

/** What a transcoder's features are, as units of an MLP. */
interface Units<T> {
  /** `d_in, feature` */
  readonly W: T;
  /** `feature` */
  readonly b: T;
  /** `feature`: a unit passes where its pre-activation is larger. */
  readonly threshold: T;
}

/**
 * A transcoder in an MLP's place as an MLP: its features are the units, `1[z > θ]` their gates, and where it has a skip,
 * each number of the skip's output is a unit more, which always passes. What error and b_dec add at each position is
 * `b_out`.
 *
 * Gated encoders decide by `π`, which rises with `m`: `π > 0` is `m > b_mag − b_gate·exp(r_mag)`. Of topk and groupmax,
 * whose choice is among the features of a row, `mask` is the active set, and it is held wherever the block runs.
 *
 * @param mask `pos`, or `pos, feature`; undefined where the dictionary is for every position and decides by thresholds
 * @param b_out `pos, d_model`
 * @throws InputError `dictionary/not-affine` where features are no units of an MLP
 */
export function replacedMlp<T extends Shaped>(
  ops: Ops<T>,
  block: MlpBlock<T>,
  dictionary: Dictionary<T>,
  { mask, b_out }: { readonly mask: T | undefined; readonly b_out: T },
): MlpBlock<T> {
  const { W_dec, norms, scale, W_skip, d_out, input } = dictionary;
  const { W, b, threshold } = unitsOf(ops, dictionary);
  const scaled = scale === undefined ? W_dec : ops.mul(W_dec, scale);
  const directions = norms === undefined ? scaled : ops.div(scaled, norms);
  const joined = (own: T, skip: T): T =>
    W_skip === undefined ? own : ops.concat([own, skip], "feature");
  const extra = (value: number): T => ops.fill({ feature: d_out }, value);
  const skips = (): T => ops.rename(W_skip as T, { d_out: "feature" }); // asked for where there is one
  const unit = { feature: "d_mlp" };
  const norm = normOf(block, input?.form);
  const masked =
    mask !== undefined && "feature" in mask.shape && W_skip !== undefined
      ? ops.concat([mask, ops.fill({ ...mask.shape, feature: d_out }, 1)], "feature")
      : mask;
  const identity = (): T =>
    ops.constant(
      { feature: d_out, d_out },
      Array.from({ length: d_out ** 2 }, (_, i) => (i % (d_out + 1) === 0 ? 1 : 0)),
    );
  const W_in = W_skip === undefined ? W : ops.concat([W, skips()], "feature");
  const W_out = W_skip === undefined ? directions : ops.concat([directions, identity()], "feature");
  return {
    kind: "mlp",
    name: block.name,
    layer: block.layer,
    activation: "relu",
    ...(norm && { norm }),
    W_in: ops.rename(W_in, { d_in: "d_model", ...unit }),
    b_in: ops.rename(joined(b, extra(0)), unit),
    threshold: ops.rename(joined(threshold, extra(LOWEST)), unit),
    W_out: ops.rename(W_out, { d_out: "d_model", ...unit }),
    b_out,
    ...(masked && { mask: ops.rename(masked, "feature" in masked.shape ? unit : {}) }),
  };
}

/** What the block's norm makes of the stream for the transcoder to read. */
function normOf<T>(
  { norm }: MlpBlock<T>,
  form: "value" | "normed" | "normalized" | undefined,
): MlpBlock<T>["norm"] {
  if (norm === undefined || form === "value") return undefined;
  return form === "normalized" ? { kind: norm.kind, eps: norm.eps } : norm;
}

function unitsOf<T extends Shaped>(ops: Ops<T>, dictionary: Dictionary<T>): Units<T> {
  const { W_enc, b_enc, subtracted, norms, activation, normalization, features } = dictionary;
  const { kind } = normalization;
  if (kind !== "none" && kind !== "expected_average_only_in") {
    throw expansionError("dictionary/not-affine", dictionary, `normalises its input by ${kind}`);
  }
  const scaled = "factor" in normalization ? ops.scale(W_enc, normalization.factor) : W_enc;
  const shift = subtracted && ops.scale(ops.matmul(subtracted, W_enc, ["d_in"]), -1);
  const zero = (): T => ops.fill({ feature: features }, 0);
  const plus = (a: T | undefined, b: T | undefined): T =>
    a && b ? ops.add(a, b) : (a ?? b ?? zero());
  if (activation.kind === "gated") {
    const { b_gate, b_mag, r_mag } = activation;
    const size = ops.exp(r_mag);
    const least = ops.sub(b_mag, ops.mul(b_gate, size));
    return {
      W: ops.mul(scaled, size),
      b: plus(shift && ops.mul(shift, size), b_mag),
      threshold: positivePart(ops, least),
    };
  }
  const biased = plus(shift, b_enc);
  const W = norms === undefined ? scaled : ops.mul(scaled, norms);
  const b = norms === undefined ? biased : ops.mul(biased, norms);
  switch (activation.kind) {
    case "relu":
      return { W, b, threshold: zero() };
    case "jumprelu": {
      const { threshold, rectified } = activation;
      return { W, b, threshold: rectified ? positivePart(ops, threshold) : threshold };
    }
    case "topk":
    case "groupmax":
      return { W, b, threshold: ops.fill({ feature: features }, LOWEST) };
    case "tanh-relu":
      throw expansionError(
        "dictionary/not-affine",
        dictionary,
        "bends its activations (tanh-relu)",
      );
  }
}

function positivePart<T extends Shaped>(ops: Ops<T>, x: T): T {
  return ops.mul(x, ops.gate(x, "relu"));
}

/** A block that writes what it wrote, whatever it reads: its linear part is zero. */
export function heldBlock<T extends Shaped>(ops: Ops<T>, block: Block<T>, write: T): Block<T> {
  if (block.kind === "attn") {
    const { b_V, ...own } = block;
    const held: AttentionBlock<T> = { ...own, W_V: ops.fill(block.W_V.shape, 0), b_O: write };
    return held;
  }
  const d_model = sizeAlong(write.shape, "d_model", block.name);
  return {
    kind: "mlp",
    name: block.name,
    layer: block.layer,
    activation: "relu",
    W_in: ops.fill({ d_model, d_mlp: 1 }, 0),
    W_out: ops.fill({ d_mlp: 1, d_model }, 0),
    b_out: write,
  };
}
