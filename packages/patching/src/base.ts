import { type Ids, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import {
  type Block,
  blockWrite,
  embed,
  type Model,
  plainSites,
  recording,
  type Site,
} from "@resolvent/transformer";
import type { PatchGraph } from "./graph.ts";

/** A run with everything that patches start from. */
export interface PatchRun<T> {
  /** What each stage reads, and the final residual stream after them: `pos, d_model` each. */
  readonly streams: readonly T[];
  /** What each source writes, in the order of the graph: `source, pos, d_model`. */
  readonly writes: T;
  /** `C_i` by block. */
  readonly blocks: ReadonlyMap<string, T>;
  /** What each head writes, by block, at head level: `pos, head, d_model`. */
  readonly heads: ReadonlyMap<string, T>;
}

/** One forward pass that keeps what patches need, and no logits. */
export function patchRun<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  graph: PatchGraph,
): PatchRun<T> {
  return ops.scope(() => {
    const kept = (site: Site): boolean =>
      site.endsWith(".write") || (graph.level === "head" && site.endsWith(".head"));
    const trace = new Map<Site, T>();
    const sites = recording(plainSites<T>(), kept, trace);
    const x0 = embed(ops, model, ids, plainSites());
    const streams = streamsFrom(ops, model, x0, 0, (block, read) =>
      blockWrite(ops, block, read, sites),
    );
    const ends = (end: string): Map<string, T> =>
      new Map(
        [...trace].flatMap(([site, value]) =>
          site.endsWith(end) ? [[site.slice(0, -end.length), value] as const] : [],
        ),
      );
    const blocks = ends(".write");
    const heads = ends(".head");
    const written = [...blocks].map(([name, write]) => {
      const byHead = heads.get(name);
      return byHead === undefined
        ? ops.broadcast(write, { source: 1 })
        : ops.rename(ops.arrange(byHead, ["head", "pos", "d_model"]), { head: "source" });
    });
    const writes = ops.concat([ops.broadcast(x0, { source: 1 }), ...written], "source");
    return { streams, writes, blocks, heads };
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
