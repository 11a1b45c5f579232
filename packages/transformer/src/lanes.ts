import { type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";

/**
 * A stream of several lanes, one behind the other along `d_model`: the first is the model's own, the others hold what is
 * written now and seen later, as features across layers do. Whoever reads the stream sees the sum of those that are
 * open to it.
 */
export interface Lanes {
  readonly count: number;
  /** How many of the first are open. */
  readonly open: number;
}

/** What is seen of a stream: `…, d_model` of one lane; the stream itself where it has none. */
export function openLanes<T extends Shaped>(ops: Ops<T>, lanes: Lanes | undefined, stream: T): T {
  if (lanes === undefined) return stream;
  const { count, open } = lanes;
  const d_model = sizeAlong(stream.shape, "d_model", "openLanes") / count;
  const each = ops.split(stream, "d_model", { lane: count, d_model });
  return ops.sum(ops.slice(each, "lane", 0, open), ["lane"]);
}

/** What is written to the first lane, as wide as all of them; itself where there are none. */
export function toFirstLane<T extends Shaped>(ops: Ops<T>, lanes: Lanes | undefined, write: T): T {
  if (lanes === undefined) return write;
  const { count } = lanes;
  const first = Array.from({ length: count }, (_, lane) => (lane === 0 ? 1 : 0));
  const each = ops.mul(write, ops.constant({ lane: count }, first));
  return ops.join(ops.arrange(each, ["lane", "d_model"]), ["lane", "d_model"], "d_model");
}
