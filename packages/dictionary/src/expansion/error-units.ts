import { type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import type { MlpBlock } from "@resolvent/transformer";
import { ALWAYS } from "./replaced-block.ts";

/**
 * A replaced MLP with its error as units: one for each position, which reads nothing, is 1 there and 0 elsewhere, and
 * writes what the transcoder lacks there.
 *
 * @param block of one run, with thresholds
 * @param error `pos, d_model`
 */
export function withErrorUnits<T extends Shaped>(
  ops: Ops<T>,
  block: MlpBlock<T>,
  error: T,
): MlpBlock<T> {
  const { W_in, b_in, W_out, threshold, mask } = block;
  const pos = sizeAlong(error.shape, "pos", block.name);
  const units = sizeAlong(W_in.shape, "d_mlp", block.name);
  const d_model = sizeAlong(error.shape, "d_model", block.name);
  const joined = (own: T, more: T): T => ops.concat([own, more], "d_mlp");
  const all = (value: number): T => ops.fill({ d_mlp: pos }, value);
  const here = ops.constant(
    { pos, d_mlp: pos },
    Array.from({ length: pos ** 2 }, (_, i) => (i % (pos + 1) === 0 ? 1 : 0)),
  );
  const open = ops.fill({ pos, d_mlp: units }, 1);
  return {
    ...block,
    W_in: joined(W_in, ops.fill({ d_model, d_mlp: pos }, 0)),
    b_in: joined(b_in ?? ops.fill({ d_mlp: units }, 0), all(1)),
    threshold: joined(threshold ?? ops.fill({ d_mlp: units }, 0), all(ALWAYS)),
    W_out: joined(W_out, ops.rename(error, { pos: "d_mlp" })),
    mask: joined(mask === undefined ? open : ops.mul(open, mask), here),
  };
}

/**
 * A replaced MLP with b_dec as a unit that is always 1: behind a norm of what the block writes, what b_dec comes to is
 * another in every run.
 *
 * @param b_dec `d_model`
 */
export function withBiasUnit<T extends Shaped>(
  ops: Ops<T>,
  { b_out, ...block }: MlpBlock<T>,
  b_dec: T,
): MlpBlock<T> {
  const { W_in, b_in, W_out, threshold } = block;
  const units = sizeAlong(W_in.shape, "d_mlp", block.name);
  const d_model = sizeAlong(b_dec.shape, "d_model", block.name);
  const joined = (own: T, more: T): T => ops.concat([own, more], "d_mlp");
  return {
    ...block,
    W_in: joined(W_in, ops.fill({ d_model, d_mlp: 1 }, 0)),
    b_in: joined(b_in ?? ops.fill({ d_mlp: units }, 0), ops.fill({ d_mlp: 1 }, 1)),
    threshold: joined(threshold ?? ops.fill({ d_mlp: units }, 0), ops.fill({ d_mlp: 1 }, ALWAYS)),
    W_out: joined(W_out, ops.broadcast(b_dec, { d_mlp: 1 })),
  };
}
