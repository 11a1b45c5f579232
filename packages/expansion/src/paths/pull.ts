import { type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import type { AttentionBlock, MlpBlock, NormWeights } from "@resolvent/transformer";
import type { PathNode } from "./node.ts";
import { type Gated, gateOf } from "./run.ts";

/** Linear functions of a residual stream, several at once. */
export interface Covectors<T> {
  /** `…, pos, d_model`, or `…, d_model` where `at` says the one position they look at. */
  readonly values: T;
  /** The position outside of which they are zero; undefined where they look at all. */
  readonly at: number | undefined;
}

/**
 * Covectors behind a node as covectors before it, `A_nᵀ c`: the transposed affine map of a block, or of one head
 * alone, with the run's gates. Of covectors on one position an MLP costs one position's work, and leaves them there;
 * attention spreads them over the keys of that position.
 *
 * Attention: `W_Oᵀ`, then `Aᵀ` over positions, then `W_Vᵀ`; MLP: `W_outᵀ`, `g`, `W_inᵀ`; then the norm,
 * `c ↦ P(γ c / σ)`, `P` centring for LayerNorm.
 *
 * @param covectors leading axes are a batch, of any names that the model's weights do not have
 */
export function pullBack<T extends Shaped>(
  ops: Ops<T>,
  run: Gated<T>,
  node: Pick<PathNode<T>, "block" | "head">,
  covectors: Covectors<T>,
): Covectors<T> {
  const { block, head } = node;
  return ops.scope(() =>
    block.kind === "mlp"
      ? throughMlp(ops, run, block, covectors)
      : throughAttention(ops, run, block, head, covectors),
  );
}

/** The same covectors on all positions, `…, pos, d_model`. */
export function spread<T extends Shaped>(
  ops: Ops<T>,
  { values, at }: Covectors<T>,
  positions: number,
): T {
  if (at === undefined) return values;
  return ops.scope(() => {
    const one = ops.constant(
      { pos: positions },
      Array.from({ length: positions }, (_, pos) => (pos === at ? 1 : 0)),
    );
    return ops.arrange(ops.mul(values, one), ["pos", "d_model"]);
  });
}

function throughMlp<T extends Shaped>(
  ops: Ops<T>,
  run: Gated<T>,
  block: MlpBlock<T>,
  { values, at }: Covectors<T>,
): Covectors<T> {
  const gate = (name: string): T | undefined => {
    const value = gateOf(run, block.name, name);
    return value && only(ops, value, "pos", at);
  };
  const out = ops.matmul(values, block.W_out, ["d_model"], ["d_mlp"]);
  const post = throughNorm(ops, block.postNorm, out, "d_mlp", gate("post_norm"));
  const pre = ops.mul(post, gate("gate") as T); // every MLP has one
  const normed = ops.matmul(pre, block.W_in, ["d_mlp"], ["d_model"]);
  return { values: throughNorm(ops, block.norm, normed, "d_model", gate("norm")), at };
}

function throughAttention<T extends Shaped>(
  ops: Ops<T>,
  run: Gated<T>,
  block: AttentionBlock<T>,
  head: number | undefined,
  { values, at }: Covectors<T>,
): Covectors<T> {
  const groups = sizeAlong(block.W_Q.shape, "group", block.name);
  const kv_head = sizeAlong(block.W_Q.shape, "kv_head", block.name);
  const sigma = gateOf(run, block.name, "norm");
  const pattern = gateOf(run, block.name, "pattern") as T; // every attention block has one
  if (head === undefined) {
    const byGroup = ops.split(pattern, "head", { kv_head, group: groups });
    const mixed = ops.matmul(values, block.W_O, ["d_model"]);
    const rows = only(ops, byGroup, "pos", at);
    const key =
      at === undefined
        ? ops.matmul(rows, mixed, ["pos", "group"])
        : ops.matmul(rows, mixed, ["group"]);
    const normed = ops.matmul(ops.rename(key, { key_pos: "pos" }), block.W_V, [
      ...["kv_head", "d_head"],
    ]);
    const ordered = ops.arrange(normed, ["pos", "d_model"]);
    return { values: throughNorm(ops, block.norm, ordered, "d_model", sigma), at: undefined };
  }
  const W_V = only(ops, block.W_V, "kv_head", Math.floor(head / groups));
  const W_O = only(
    ops,
    only(ops, block.W_O, "kv_head", Math.floor(head / groups)),
    "group",
    head % groups,
  );
  const A = only(ops, pattern, "head", head);
  const mixed = ops.matmul(values, W_O, ["d_model"]);
  if (at !== undefined) {
    // One position's covector: the vector first, then its copy at each key, weighted.
    const vector = throughNorm(
      ops,
      block.norm,
      ops.matmul(mixed, W_V, ["d_head"]),
      "d_model",
      block.norm && ops.fill({}, 1),
    );
    const row = ops.rename(only(ops, A, "pos", at), { key_pos: "pos" });
    const weights = sigma === undefined ? row : ops.div(row, sigma);
    return { values: ops.arrange(ops.mul(vector, weights), ["pos", "d_model"]), at: undefined };
  }
  const key = ops.rename(ops.matmul(A, mixed, ["pos"]), { key_pos: "pos" });
  const normed = ops.arrange(ops.matmul(key, W_V, ["d_head"]), ["pos", "d_model"]);
  return { values: throughNorm(ops, block.norm, normed, "d_model", sigma), at: undefined };
}

/** The transpose of `γ P x / σ`: `P (γ c / σ)`. */
export function throughNorm<T extends Shaped>(
  ops: Ops<T>,
  norm: NormWeights<T> | undefined,
  c: T,
  axis: string,
  sigma: T | undefined,
): T {
  if (norm === undefined || sigma === undefined) return c;
  const inverse = ops.div(ops.fill({}, 1), sigma);
  const scaled = ops.mul(c, norm.scale === undefined ? inverse : ops.mul(inverse, norm.scale));
  return norm.kind === "layer" ? ops.center(scaled, axis) : scaled;
}

/** One entry of an axis, which is dropped; the whole where `at` is undefined. */
export function only<T extends Shaped>(ops: Ops<T>, x: T, axis: string, at: number | undefined): T {
  return at === undefined ? x : ops.sum(ops.slice(x, axis, at, at + 1), [axis]);
}
