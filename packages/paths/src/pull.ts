import { type Ops, type Shaped, sizeAlong, transposed } from "@resolvent/tensor";
import { blockWrite, heldAt, mapBlock, onlyHead, withoutBiases } from "@resolvent/transformer";
import type { PathNode } from "./node.ts";
import type { Gated } from "./run.ts";

/** Linear functions of a residual stream, several at once. */
export interface Covectors<T> {
  /** `…, pos, d_model`, or `…, d_model` where `at` says the one position they look at. */
  readonly values: T;
  /** The position outside of which they are zero; undefined where they look at all. */
  readonly at: number | undefined;
}

/**
 * Covectors behind a node as covectors before it, `A_nᵀ c`: the block, or one head of it alone, is run with the run's
 * gates on a variable, and transposed. Of covectors on one position an MLP costs one position's work, and leaves
 * them there; attention, which then is one row of the pattern, spreads them over the keys of that position.
 *
 * @param covectors leading axes are a batch, of any names that the block does not have
 */
export function pullBack<T extends Shaped>(
  ops: Ops<T>,
  run: Gated<T>,
  { block, head }: Pick<PathNode<T>, "block" | "head">,
  { values, at }: Covectors<T>,
): Covectors<T> {
  return ops.scope(() => {
    const back = transposed(ops);
    // With its pattern held, attention reads no queries and keys: of their weights a head needs the shapes.
    const whole = mapBlock(withoutBiases(block), (W, name) =>
      /\.W_[QK]$/.test(name) ? back.variable(W.shape) : back.fixed(W),
    );
    const alone = whole.kind === "attn" && head !== undefined ? onlyHead(back, whole, head) : whole;
    // An MLP reads where it writes; attention reads the keys, which are all there, and σ with them.
    const stays = block.kind === "mlp" && at !== undefined;
    const held = heldAt(run.gates, (gate) =>
      back.fixed(stays || "key_pos" in gate.shape ? cut(ops, gate, { head, pos: at }) : gate),
    );
    const d_model = sizeAlong(values.shape, "d_model", "pullBack");
    const read = back.variable({ pos: stays ? 1 : run.positions, d_model });
    const behind = at === undefined ? values : ops.split(values, "d_model", { pos: 1, d_model });
    const pulled = back.pull(blockWrite(back, alone, read, held), behind, read);
    if (stays) return { values: ops.join(pulled, ["pos", "d_model"], "d_model"), at };
    // Attention leaves the keys in front.
    const ordered = block.kind === "mlp" ? pulled : ops.arrange(pulled, ["pos", "d_model"]);
    return { values: ordered, at: undefined };
  });
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

/** One entry of an axis, which is dropped; the whole where `at` is undefined. */
export function only<T extends Shaped>(ops: Ops<T>, x: T, axis: string, at: number | undefined): T {
  return at === undefined ? x : ops.sum(ops.slice(x, axis, at, at + 1), [axis]);
}

/** One entry of each axis that is named, kept as an axis of size 1; the whole of axes where none is said. */
export function cut<T extends Shaped>(
  ops: Ops<T>,
  x: T,
  places: Readonly<Record<string, number | undefined>>,
): T {
  return Object.entries(places).reduce(
    (part, [axis, at]) =>
      at === undefined || !(axis in part.shape) ? part : ops.slice(part, axis, at, at + 1),
    x,
  );
}
