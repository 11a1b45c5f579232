import { type Ops, type Shape, type Shaped, sizeAlong, sizeOf } from "@resolvent/tensor";

/** Logits that are held at once: 64 MiB in float32. */
export const LOGITS_AT_ONCE: number = 2 ** 24;

/** Positions `from ≤ pos < to`. */
export interface PositionBlock {
  readonly from: number;
  readonly to: number;
}

/**
 * Positions in blocks whose logits can be held at once, at least one position each, of nearly one length.
 *
 * @param shape axes with `pos` for each of which there are logits
 */
export function positionBlocks(
  shape: Shape,
  vocab: number,
  logitsAtOnce: number = LOGITS_AT_ONCE,
): PositionBlock[] {
  const length = sizeAlong(shape, "pos", "positionBlocks");
  const perPosition = (sizeOf(shape) / length) * vocab;
  const most = Math.max(1, Math.floor(logitsAtOnce / perPosition));
  const count = Math.ceil(length / most);
  return Array.from({ length: count }, (_, i) => ({
    from: Math.floor((i * length) / count),
    to: Math.floor(((i + 1) * length) / count),
  }));
}

/** The positions of a block; the tensor itself where that is all of them. */
export function atPositions<T extends Shaped>(ops: Ops<T>, x: T, { from, to }: PositionBlock): T {
  const whole = to - from === sizeAlong(x.shape, "pos", "atPositions");
  return whole ? x : ops.slice(x, "pos", from, to);
}
