import { type Ops, type Shaped, sizeAlong, sumOf } from "@resolvent/tensor";
import {
  type Block,
  blockWrite,
  frozenAt,
  type Model,
  recording,
  type Site,
  withoutBiases,
} from "@resolvent/transformer";
import type { Level } from "./node.ts";
import { type FrozenRun, stagesOf } from "./run.ts";
import type { Sources } from "./source.ts";

/**
 * What each node of a stage makes of several streams, its linear part `A_n v` with the run's gates:
 * `node, …, pos, d_model`, nodes as `pathNodes` has them.
 *
 * @param streams `…, pos, d_model`
 */
export function nodeWrites<T extends Shaped>(
  ops: Ops<T>,
  run: FrozenRun<T>,
  stage: readonly Block<T>[],
  level: Level,
  streams: T,
): T {
  return ops.scope(() => {
    const rest = Object.keys(streams.shape);
    const parts = stage.map((block) => {
      const linear = withoutBiases(block);
      const frozen = frozenAt(run.gates);
      if (level === "block" || block.kind === "mlp") {
        const write = blockWrite(ops, linear, streams, frozen);
        return ops.arrange(ops.broadcast(write, { node: 1 }), rest);
      }
      const trace = new Map<Site, T>();
      const heads = recording(frozen, (site) => site === `${block.name}.head`, trace);
      blockWrite(ops, linear, streams, heads);
      const head = trace.get(`${block.name}.head`) as T; // it was asked for
      return ops.arrange(ops.rename(head, { head: "node" }), ["node", ...rest]);
    });
    return parts.length === 1 ? (parts[0] as T) : ops.concat(parts, "node"); // one block
  });
}

/**
 * What every node writes, by the degree of what it reads: for each stage `node, degree, pos, d_model`, from one sweep
 * forwards. Entry `k < channels − 1` of `degree` is the sum over all paths of degree `k` to the node, the last one
 * that of all others.
 *
 * @param before how many stages are needed
 */
export function writesByDegree<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  sources: readonly Sources<T>[],
  options: { readonly level: Level; readonly channels: number; readonly before: number },
): T[] {
  const { level, channels, before } = options;
  const writes: T[] = [];
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
    const { write, next } = ops.scope(() => {
      const write = nodeWrites(ops, run, stage, level, read);
      const all = ops.sum(write, ["node"]);
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
      return { write, next: ops.concat(parts, "degree") };
    });
    writes.push(write);
    H = next;
  }
  return writes;
}
