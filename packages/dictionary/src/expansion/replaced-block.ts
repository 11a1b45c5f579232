import { type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import type {
  AttentionBlock,
  Block,
  MlpBlock,
  NormWeights,
  UnitChoice,
} from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { DEVIATION_EPS } from "../encode.ts";
import { expansionError } from "./expansion-error.ts";

/** Below every pre-activation: what has it for a threshold always passes, where its mask lets it. */
export const ALWAYS = -1e30;

/** What a transcoder's features are, as units of an MLP. */
interface Units<T> {
  /** `d_in, feature` */
  readonly W: T;
  /** `feature` */
  readonly b: T;
  /** `feature`: a unit passes where its pre-activation is larger. */
  readonly threshold: T;
  readonly choice?: UnitChoice;
  readonly bent?: number;
}

/**
 * A transcoder in an MLP's place as an MLP: its features are the units, `1[z > θ]` their gates, and where it has a skip,
 * each number of the skip's output is a unit more, which always passes. What error and b_dec add at each position is
 * `b_out`.
 *
 * Gated encoders decide by `π`, which rises with `m`: `π > 0` is `m > b_mag − b_gate·exp(r_mag)`. Topk and groupmax are a
 * choice among the units. What a dictionary divides its input by is a norm of the block's, and what tanh-relu makes of an
 * activation is the unit's gate: held like others, they leave a linear map.
 *
 * @param mask `pos`: where the block is the dictionary; undefined where it is for every position
 * @param b_out `pos, d_model`
 * @throws InputError `dictionary/not-affine` for a skip of what the dictionary normalises
 */
export function replacedMlp<T extends Shaped>(
  ops: Ops<T>,
  block: MlpBlock<T>,
  dictionary: Dictionary<T>,
  { mask, b_out }: { readonly mask: T | undefined; readonly b_out: T },
): MlpBlock<T> {
  const { W_dec, norms, scale, W_skip, d_out, input } = dictionary;
  const inputNorm = inputNormOf(dictionary);
  const { W, b, threshold, choice, bent } = unitsOf(ops, dictionary);
  const scaled = scale === undefined ? W_dec : ops.mul(W_dec, scale);
  const directions = norms === undefined ? scaled : ops.div(scaled, norms);
  const joined = (own: T, skip: T): T =>
    W_skip === undefined ? own : ops.concat([own, skip], "feature");
  const extra = (value: number): T => ops.fill({ feature: d_out }, value);
  const skips = (): T => ops.rename(centredBy(ops, dictionary, W_skip as T), { d_out: "feature" }); // where there is one
  const unit = { feature: "d_mlp" };
  const norm = normOf(block, input?.form);
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
    ...(inputNorm && { inputNorm }),
    ...(choice && { choice }),
    ...(bent && { bent }),
    W_in: ops.rename(W_in, { d_in: "d_model", ...unit }),
    b_in: ops.rename(joined(b, extra(0)), unit),
    threshold: ops.rename(joined(threshold, extra(ALWAYS)), unit),
    W_out: ops.rename(W_out, { d_out: "d_model", ...unit }),
    b_out,
    ...(mask && { mask }),
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

/** What each input vector is divided by, as a norm. */
function inputNormOf<T extends Shaped>(dictionary: Dictionary<T>): NormWeights<T> | undefined {
  const { normalization, centred, d_in, W_skip } = dictionary;
  const { kind } = normalization;
  if (kind === "none" || kind === "expected_average_only_in") return undefined;
  if (W_skip !== undefined) {
    const does = `normalises its input by ${kind}, and passes by what it has not normalised`;
    throw expansionError("dictionary/not-affine", dictionary, does);
  }
  if (kind === "constant_norm_rescale") return { kind: centred ? "layer" : "rms", eps: 0 };
  const times = Math.sqrt(d_in / (d_in - 1));
  return { kind: "layer", eps: 0, deviation: { times, plus: DEVIATION_EPS } };
}

/** What reads an input that is centred first, of the input as it comes. */
function centredBy<T extends Shaped>(ops: Ops<T>, { centred }: Dictionary<T>, W: T): T {
  return centred ? ops.center(W, "d_in") : W;
}

function unitsOf<T extends Shaped>(ops: Ops<T>, dictionary: Dictionary<T>): Units<T> {
  const { W_enc, b_enc, subtracted, norms, activation, normalization, features } = dictionary;
  const factor = "factor" in normalization ? normalization.factor : 1;
  const read = centredBy(ops, dictionary, W_enc);
  const scaled = factor === 1 ? read : ops.scale(read, factor);
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
    case "tanh-relu":
      return { W, b, threshold: zero(), bent: features };
    case "jumprelu": {
      const { threshold, rectified } = activation;
      return { W, b, threshold: rectified ? positivePart(ops, threshold) : threshold };
    }
    case "topk": {
      const { k, rectified } = activation;
      const threshold = rectified ? zero() : ops.fill({ feature: features }, ALWAYS);
      return { W, b, threshold, choice: { units: features, groups: 1, each: k } };
    }
    case "groupmax": {
      const { groups } = activation;
      return { W, b, threshold: zero(), choice: { units: features, groups, each: 1 } };
    }
  }
}

function positivePart<T extends Shaped>(ops: Ops<T>, x: T): T {
  return ops.mul(x, ops.gate(x, "relu"));
}

/** A block that writes what it wrote, whatever it reads: its linear part is zero. */
export function heldBlock<T extends Shaped>(ops: Ops<T>, block: Block<T>, write: T): Block<T> {
  if (block.kind === "attn") {
    const { b_V, writeNorm, ...own } = block; // what it wrote has passed its norm
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
