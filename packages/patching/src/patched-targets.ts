import { type Ops, type Shaped, sizeAlong, takeEntries } from "@resolvent/tensor";
import { blockWrite, plainSites } from "@resolvent/transformer";
import type { PatchGraph } from "./graph.ts";
import { measureAt } from "./measure.ts";
import { lastPosition } from "./patch-run.ts";
import type { Patched } from "./patched.ts";
import { blockAtLast } from "./prompt-models.ts";
import { writeChanges } from "./write-changes.ts";

/** One intervention: on an edge, or, without a receiver, on all that a source writes, or at one position of it. */
export interface Patch {
  readonly source: number;
  readonly receiver?: number;
  readonly pos?: number;
}

/**
 * The target after each of several interventions, everything behind them computed anew, the final norm too: `item`.
 *
 *     edge s → r:  f_r reads r_r + δ_s, nothing else does
 *     node s:      C_s becomes C_s + δ_s
 *
 * All go through the blocks as one stack. Up to the receiver (or the source) a patched run is the run itself, so
 * an edge into block `i` of `n` takes `n − i` blocks; after the last attention only the last position goes on. All
 * edges of `n` blocks in a row take `n(n+1)(n+2)/6` block applications.
 *
 * @param patches sorted by where they begin, see `firstStage`; at least one
 */
export function patchedTargets<T extends Shaped>(
  ops: Ops<T>,
  patched: Patched<T>,
  patches: readonly Patch[],
): T {
  const { model, graph, run, deltas } = patched;
  const beginningAt = (stage: number): readonly Patch[] =>
    patches.filter((patch) => firstStage(graph, patch) === stage);
  const crops = (stage: number): boolean => stage > graph.lastAttention;
  let running: T | undefined;
  const enter = (stage: number, added: readonly T[]): void => {
    const stream = run.streams[stage + 1] as T; // the stream after a stage of the run
    const base = crops(stage + 1) ? lastPosition(ops, stream) : stream;
    const kept = running === undefined ? [] : [running];
    const all = [...kept, ...added.map((delta) => ops.add(delta, base))];
    if (all.length > 0) running = all.length === 1 ? all[0] : ops.concat(all, "item");
  };
  const nodes = (own: readonly Patch[]): T => {
    const whole = takeEntries(
      ops,
      deltas,
      "source",
      own.map(({ source }) => source),
      "item",
    );
    return own.some(({ pos }) => pos !== undefined) ? masked(ops, whole, own) : whole;
  };

  ops.scope(() => {
    const first = beginningAt(-1);
    enter(-1, first.length === 0 ? [] : [nodes(first)]);
    return running;
  });
  let index = 0;
  for (const whole of model.stages) {
    const at = index++;
    ops.scope(() => {
      const stage = crops(at) ? whole.map((block) => blockAtLast(ops, block)) : whole;
      const read = running;
      if (read !== undefined) {
        running = stage.reduce(
          (sum, block) => ops.add(sum, blockWrite(ops, block, read, plainSites())),
          read,
        );
      }
      if (running !== undefined && crops(at + 1)) running = lastPosition(ops, running);
      const own = beginningAt(at);
      const edges = own.filter(({ receiver }) => receiver !== undefined);
      const onNodes = own.filter(({ receiver }) => receiver === undefined);
      const added: T[] = [];
      const crop = (x: T): T => (crops(at + 1) ? lastPosition(ops, x) : x);
      if (edges.length > 0) {
        const sources = [...new Set(edges.map(({ source }) => source))];
        const moved = takeEntries(ops, deltas, "source", sources, "change");
        const changes = edges.map(({ source, receiver }) => ({
          receiver: graph.receivers[receiver ?? 0] as PatchGraph["receivers"][number], // an index of the graph
          entry: sources.indexOf(source),
        }));
        const cropped = crops(at) ? lastPosition(ops, moved) : moved;
        added.push(crop(writeChanges(ops, stage, patched, cropped, changes)));
      }
      if (onNodes.length > 0) added.push(crop(nodes(onNodes)));
      enter(at, added);
      return running;
    });
  }
  const direct = beginningAt(graph.stages);
  const ends = running === undefined ? [] : [lastPosition(ops, running)];
  if (direct.length > 0) {
    const final = lastPosition(ops, run.streams[graph.stages] as T); // after all stages
    ends.push(ops.add(lastPosition(ops, nodes(direct)), final));
  }
  const all = ends.length === 1 ? (ends[0] as T) : ops.concat(ends, "item");
  return measureAt(ops, model, all, patched);
}

/** The stage after which a patched stream differs from the run's: −1 before the first; sort patches by it. */
function firstStage(graph: PatchGraph, { source, receiver }: Patch): number {
  const at = receiver === undefined ? graph.sources[source] : graph.receivers[receiver];
  return at?.stage ?? 0; // indices of the graph
}

/** Zero but at each patch's position, where it has one. */
function masked<T extends Shaped>(ops: Ops<T>, stack: T, patches: readonly Patch[]): T {
  const size = sizeAlong(stack.shape, "pos", "masked");
  const ones = patches.flatMap(({ pos: own }) =>
    Array.from({ length: size }, (_, pos) => (own === undefined || own === pos ? 1 : 0)),
  );
  return ops.mul(stack, ops.constant({ item: patches.length, pos: size }, ones));
}
