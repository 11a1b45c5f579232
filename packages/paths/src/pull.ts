import { type Ops, type Shaped, sizeAlong, transposed } from "@resolvent/tensor";
import { blockWrite, heldAt, mapBlock, nodeWrite, withoutBiases } from "@resolvent/transformer";
import type { Gated } from "./frozen-run.ts";
import type { Step } from "./step.ts";

/** Linear functions of a residual stream, several at once. */
export interface Covectors<T> {
  /** `…, pos, d_model`, or `…, d_model` where `at` says the one position they look at. */
  readonly values: T;
  /** The position outside of which they are zero; undefined where they look at all. */
  readonly at: number | undefined;
}

/**
 * Covectors behind a node as covectors before it, `A_nᵀ c`: the block, or one part of it alone, is run with the run's
 * gates on a variable, and transposed. Of covectors on one position an MLP costs one position's work, and leaves
 * them there; attention, which then is one row of the pattern, spreads them over the keys of that position.
 *
 * @param covectors leading axes are a batch, of any names that the block does not have
 */
export function pullBack<T extends Shaped>(
  ops: Ops<T>,
  run: Gated<T>,
  { weights: block, part }: Pick<Step<T>, "weights" | "part">,
  { values, at }: Covectors<T>,
): Covectors<T> {
  return ops.scope(() => {
    const back = transposed(ops);
    // With its pattern held, attention reads no queries and keys: of their weights only shapes are needed.
    const whole = mapBlock(withoutBiases(block), (W, name) =>
      /\.W_[QK]$/.test(name) ? back.variable(W.shape) : back.fixed(W),
    );
    const alone = part?.of.alone?.(back, whole, part.index);
    // An MLP reads where it writes; attention reads the keys, which are all there, and σ with them.
    const stays = block.kind === "mlp" && at !== undefined;
    const held = heldAt(run.gates, (gate, site) => {
      // What is read at every key passes its norm there; what is written, where it is written.
      const here = stays || "key_pos" in gate.shape || site.endsWith(".write_norm");
      const row = here ? cut(ops, gate, { pos: at }) : gate;
      return alone === undefined ? back.fixed(row) : alone.gate(back.fixed(row));
    });
    const d_model = sizeAlong(values.shape, "d_model", "pullBack");
    const read = back.variable({ pos: stays ? 1 : run.positions, d_model });
    const behind = at === undefined ? values : ops.split(values, "d_model", { pos: 1, d_model });
    const write =
      alone === undefined
        ? nodeWrite(back, { part }, whole, read, held)
        : blockWrite(back, alone.block, read, held);
    const pulled = back.pull(write, behind, read);
    if (stays) return { values: ops.join(pulled, ["pos", "d_model"], "d_model"), at };
    // Attention leaves the keys in front; a narrow product of an MLP may be turned over.
    const ordered = ops.arrange(pulled, ["pos", "d_model"]);
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
