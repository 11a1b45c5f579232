import {
  cost,
  type Ops,
  type Priced,
  type Shaped,
  sizeAlong,
  sizeOf,
  sumOf,
} from "@resolvent/tensor";
import {
  type Block,
  frozenAt,
  type Level,
  type Model,
  mapBlock,
  type PartWrites,
  partWrites,
  plainSites,
  withoutBiases,
} from "@resolvent/transformer";
import { type FrozenRun, stagesOf } from "./frozen-run.ts";
import type { Covectors } from "./pull.ts";
import type { Sources } from "./sources.ts";

/**
 * What each node of a stage makes of several streams, its linear part `A_n v` with the run's gates: block by block,
 * nodes in the order of `stepsOf`.
 *
 * @param streams `…, pos, d_model`
 */
export function stepWrites<T extends Shaped>(
  ops: Ops<T>,
  run: FrozenRun<T>,
  stage: readonly Block<T>[],
  level: Level,
  streams: T,
): PartWrites<T>[] {
  const frozen = frozenAt(run.gates);
  return stage.map((block) =>
    partWrites(ops, level[block.kind], withoutBiases(block), streams, frozen),
  );
}

/** `⟨covector, what each node writes⟩`: the covectors' leading axes, then `node`, then those of the writes. */
export function dotWrites<T extends Shaped>(
  ops: Ops<T>,
  writes: readonly PartWrites<T>[],
  { values, at }: Covectors<T>,
): T {
  const over = at === undefined ? ["pos", "d_model"] : ["d_model"];
  const products = writes.map(({ each, directions }) => {
    const read = at === undefined ? each : ops.sum(ops.slice(each, "pos", at, at + 1), ["pos"]);
    if (directions === undefined) return ops.matmul(values, read, over);
    const along = ops.matmul(values, directions, ["d_model"]);
    return at === undefined ? ops.matmul(along, read, ["pos"]) : ops.mul(along, read);
  });
  return products.length === 1 ? (products[0] as T) : ops.concat(products, "node"); // one block
}

/**
 * What every node writes, by the degree of what it reads, from one sweep forwards: for each stage, block by block,
 * with the axis `degree`. Entry `k < channels − 1` of it is the sum over all paths of degree `k` to the node, the last
 * one that of all others.
 *
 * @param before how many stages are needed
 */
export function writesByDegree<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  sources: readonly Sources<T>[],
  options: { readonly level: Level; readonly channels: number; readonly before: number },
): PartWrites<T>[][] {
  const { level, channels, before } = options;
  const writes: PartWrites<T>[][] = [];
  const entering = (boundary: number): T | undefined => {
    const here = sources.filter(({ enters }) => enters === boundary);
    if (here.length === 0) return undefined;
    const sum = sumOf(
      ops,
      here.map(({ values }) => ops.sum(values, ["source"])),
    );
    return ops.broadcast(sum, { degree: 1 });
  };
  let H = entering(0) ?? ops.fill({ degree: 1, ...run.embedding.shape }, 0);
  for (const stage of stagesOf(model).slice(0, before)) {
    const boundary = writes.length + 1;
    const read = H;
    const { made, next } = ops.scope(() => {
      const made = stepWrites(ops, run, stage, level, read);
      const all = sumOf(
        ops,
        made.map(({ whole }) => whole),
      );
      const levels = sizeAlong(read.shape, "degree", "writesByDegree");
      const at = (x: T, k: number): T => ops.slice(x, "degree", k, k + 1);
      const parts = Array.from({ length: Math.min(levels + 1, channels) }, (_, k) => {
        const sums = [
          ...(k < levels ? [at(read, k)] : []),
          ...(k > 0 ? [at(all, k - 1)] : []),
          ...(k === channels - 1 && k < levels ? [at(all, k)] : []),
        ];
        const source = k === Math.min(1, channels - 1) ? entering(boundary) : undefined;
        return sumOf(ops, source === undefined ? sums : [...sums, source]);
      });
      return { made, next: ops.concat(parts, "degree") };
    });
    writes.push(made);
    H = next;
  }
  return writes;
}

/** Numbers that the writes of all nodes may take: with few nodes every degree is told apart. */
const WRITES_AT_MOST = 2 ** 26;

/** How many degrees a search tells apart: as many as memory allows for what every node writes. */
export function channelsOf<T extends Shaped>(
  model: Model<T>,
  level: Level,
  end: number,
  positions: number,
): number {
  const ops = cost();
  const given = ({ shape }: T): Priced => ops.given(shape);
  const { d_model } = model.architecture;
  const read = ops.given({ pos: positions, d_model });
  let size = 0;
  for (const block of stagesOf(model).slice(0, end).flat()) {
    const made = partWrites(ops, level[block.kind], mapBlock(block, given), read, plainSites());
    size += sizeOf(made.each.shape);
  }
  return Math.max(2, Math.min(end + 1, Math.floor(WRITES_AT_MOST / size)));
}
