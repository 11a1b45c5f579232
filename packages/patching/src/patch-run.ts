import { type Ids, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import {
  type Block,
  blockWrite,
  embed,
  everyPart,
  type Model,
  type PartWrites,
  partWrites,
  plainSites,
} from "@resolvent/transformer";
import type { PatchGraph } from "./graph.ts";

/** A run with everything that patches start from. */
export interface PatchRun<T> {
  /** What each stage reads, and the final residual stream after them: `pos, d_model` each. */
  readonly streams: readonly T[];
  /** What each source writes, in the order of the graph: `source, pos, d_model`. */
  readonly writes: T;
  /** What each block writes, and its nodes at the level of the graph. */
  readonly blocks: ReadonlyMap<string, PartWrites<T>>;
}

/** One forward pass that keeps what patches need, and no logits. */
export function patchRun<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  { level, ofStream }: PatchGraph,
): PatchRun<T> {
  return ops.scope(() => {
    const blocks = new Map<string, PartWrites<T>>();
    const x0 = embed(ops, model, ids, plainSites());
    const streams = streamsFrom(ops, model, x0, 0, (block, read) => {
      const made = partWrites(ops, level[block.kind], block, read, plainSites());
      blocks.set(block.name, made);
      return made.whole;
    });
    const one = (x: T): T => ops.broadcast(x, { source: 1 });
    const written = [...blocks.values()].map((made) =>
      ops.rename(ops.arrange(everyPart(ops, made), ["node", "pos", "d_model"]), { node: "source" }),
    );
    const parts = ofStream ? streams.slice(0, -1).map(one) : [one(x0), ...written];
    return { streams, writes: ops.concat(parts, "source"), blocks };
  });
}

/**
 * What each stage from `start` on reads, and the final residual stream.
 *
 * @param stream what stage `start` reads: `…, pos, d_model`
 */
export function streamsFrom<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  stream: T,
  start: number,
  write: (block: Block<T>, read: T) => T = (block, read) =>
    blockWrite(ops, block, read, plainSites()),
): T[] {
  const streams = [stream];
  let index = 0;
  for (const stage of model.stages) {
    if (index++ < start) continue;
    const read = streams.at(-1) as T; // it starts with one
    streams.push(stage.reduce((sum, block) => ops.add(sum, write(block, read)), read));
  }
  return streams;
}

/** The last position alone: `…, pos` of size 1, `d_model`. */
export function lastPosition<T extends Shaped>(ops: Ops<T>, x: T): T {
  const pos = sizeAlong(x.shape, "pos", "lastPosition");
  return pos === 1 ? x : ops.slice(x, "pos", pos - 1, pos);
}
