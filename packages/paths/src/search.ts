import { pause } from "@resolvent/analysis";
import {
  cost,
  type Engine,
  type Ops,
  type Priced,
  readNumbers,
  type Shaped,
  sizeAlong,
  sizeOf,
} from "@resolvent/tensor";
import { type Level, type Model, mapBlock } from "@resolvent/transformer";
import type { FrozenRun } from "./frozen-run.ts";
import { heapOf, pop, push } from "./heap.ts";
import { type Best, before, nodesOf, type Suffix } from "./largest.ts";
import { type Covectors, pullBack } from "./pull.ts";
import type { Readout } from "./readout.ts";
import { dotSources, type SourceId, type Sources, sourceIds } from "./sources.ts";
import { type Step, stepsOf } from "./step.ts";
import { channelsOf, dotWrites, writesByDegree } from "./step-writes.ts";

/** 512 MiB in float32. */
const WAITING_AT_MOST = 2 ** 27;

/** Suffixes that are made together. */
const AT_ONCE = 48;

/** How far a search came. */
export interface SearchReport {
  /** Suffixes whose covectors were made. */
  readonly expanded: number;
  /** Floating-point operations that this took. */
  readonly spent: number;
  /** Whether nothing was left to look at: then what it found are the largest. */
  readonly exhaustive: boolean;
  /** The largest promise among those not looked at; 0 where there is none. */
  readonly pending: number;
}

export interface SearchOptions<T> {
  readonly level: Level;
  readonly sources: readonly Sources<T>[];
  readonly readout: Readout<T>;
  readonly minDegree: number;
  readonly maxDegree: number;
  /** Floating-point operations that are spent, unless nothing is left to look at before. */
  readonly flops: number;
  /** Numbers that the covectors of suffixes in waiting may take; default 2²⁷. */
  readonly waitingAtMost?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((spent: number) => void) | undefined;
}

/** A suffix whose covector is there. */
interface Open<T> {
  readonly suffix: Suffix | undefined;
  readonly covectors: Covectors<T>;
  /** The stage of its first node: what may come before it lies before. */
  readonly stage: number;
  /** Entries of the queue that need its covector. */
  waiting: number;
}

interface Entry<T> {
  readonly promise: number;
  readonly node: Step<T>;
  readonly after: Open<T>;
}

/**
 * Best-first search for the largest paths, from the readout backwards.
 *
 * A suffix `c` (a covector) promises, with one more node `n` before it, `Σ_k |⟨c, what n writes of degree k⟩|`: sums
 * of whole bundles of paths, known from one sweep forwards before anything is pulled back, told apart by degree so
 * that degrees cannot cancel each other. The most promising are pulled back, together, and their paths offered.
 * Where one source stands at the start, the part of degree 0 is a path itself: it is offered at once.
 */
export async function searchPaths<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  best: Best,
  options: SearchOptions<T>,
): Promise<SearchReport> {
  const { level, sources, readout, minDegree, maxDegree, signal, onProgress } = options;
  const { waitingAtMost = WAITING_AT_MOST } = options;
  const nodes = stepsOf(model, level);
  const end = readout.before;
  const channels = channelsOf(model, level, end, run.positions);
  const starts = sources.filter(({ enters }) => enters === 0);
  const [first] = starts.length === 1 ? sourceIds(starts[0] as Sources<T>) : []; // there is one
  const alone = starts.flatMap(sourceIds).length === 1 ? first : undefined;
  const prices = priceOf(run, nodes);

  const writes = engine.scope(() =>
    writesByDegree(engine, model, run, sources, { level, channels, before: end }),
  );
  const queue = heapOf<Entry<T>>((a, b) => b.promise - a.promise);
  const free = (open: Open<T>): void => {
    if (open.suffix !== undefined) engine.free(open.covectors);
  };
  let held = 0;
  let [expanded, spent, lost, exhaustive] = [0, 0, 0, true];
  const offer = (
    effect: number,
    source: SourceId,
    own: number,
    suffix: () => Suffix | undefined,
    length: number,
  ) => {
    const degree = own + length;
    if (degree < minDegree || degree > maxDegree) return;
    best.offer(effect, () => ({ source, nodes: nodesOf(suffix()), degree }));
  };

  /** Offers the paths of suffixes that have just been made, and queues what may come before them. */
  const meet = async (opens: readonly Open<T>[], isRoot: boolean): Promise<void> => {
    for (const at of new Set(opens.map(({ covectors }) => covectors.at))) {
      const alike = opens.filter(({ covectors }) => covectors.at === at);
      const jobs: Job<T>[] = engine.scope(() => {
        const values = stacked(engine, alike);
        const jobs: Job<T>[] = [];
        for (const group of sources) {
          if (group.enters === 0 && alone !== undefined && !isRoot) continue; // offered by their parents
          const who = alike.flatMap(({ stage }, i) => (stage >= group.enters ? [i] : []));
          if (who.length === 0) continue;
          const some = chosen(engine, values, who, alike.length);
          const product = dotSources(engine, group, { values: some, at });
          jobs.push({
            kind: "sources",
            group,
            who,
            product: engine.arrange(product, ["suffix", "source"]),
          });
        }
        for (const [stage, write] of writes.entries()) {
          const who = alike.flatMap((open, i) =>
            open.stage > stage && (open.suffix?.length ?? 0) < maxDegree ? [i] : [],
          );
          if (who.length === 0) continue;
          const some = chosen(engine, values, who, alike.length);
          const product = dotWrites(engine, write, { values: some, at });
          jobs.push({
            ...{ kind: "nodes", stage, who },
            product: engine.arrange(product, ["suffix", "node", "degree"]),
          });
        }
        return jobs;
      });
      try {
        for (const job of jobs) {
          const numbers = await readNumbers(engine, job.product);
          if (job.kind === "sources") {
            const ids = sourceIds(job.group);
            for (const [row, i] of job.who.entries()) {
              const { suffix } = alike[i] as Open<T>; // an index of it
              ids.forEach((id, s) => {
                const effect = numbers[row * ids.length + s] ?? 0;
                offer(effect, id, job.group.degree, () => suffix, suffix?.length ?? 0);
              });
            }
            continue;
          }
          const own = nodes[job.stage] ?? [];
          const levels = sizeAlong(job.product.shape, "degree", "searchPaths");
          for (const [row, i] of job.who.entries()) {
            const after = alike[i] as Open<T>; // an index of it
            const length = (after.suffix?.length ?? 0) + 1;
            own.forEach((node, n) => {
              const from = (row * own.length + n) * levels;
              let promise = 0;
              for (let k = 0; k < levels && k + length <= maxDegree; k++) {
                const effect = numbers[from + k] ?? 0;
                if (k === 0 && alone !== undefined) {
                  offer(effect, alone, 0, () => before(node, after.suffix), length);
                } else promise += Math.abs(effect);
              }
              if (promise === 0) return;
              push(queue, { promise, node, after });
              after.waiting++;
            });
          }
        }
      } finally {
        engine.free(jobs.map(({ product }) => product)); // not the sources that a job names
      }
    }
  };

  try {
    const root: Open<T> = {
      suffix: undefined,
      covectors: readout.covector,
      stage: end,
      waiting: 0,
    };
    await meet([root], true);
    while (queue.items.length > 0) {
      if (spent >= options.flops) {
        exhaustive = false;
        break;
      }
      const batch: Entry<T>[] = [];
      while (batch.length < AT_ONCE && spent < options.flops) {
        const entry = pop(queue);
        if (entry === undefined) break;
        batch.push(entry);
        spent += prices(entry.node, entry.after.covectors.at, channels);
      }
      const opens = engine.scope(() => expand(engine, run, batch));
      expanded += opens.length;
      for (const { after } of batch) {
        after.waiting--;
        if (after.waiting === 0) {
          held -= after.suffix === undefined ? 0 : sizeOf(after.covectors.values.shape);
          free(after);
        }
      }
      await meet(opens, false);
      for (const open of opens) {
        if (open.waiting === 0) free(open);
        else held += sizeOf(open.covectors.values.shape);
      }
      if (held > waitingAtMost) {
        lost = Math.max(lost, forget());
        exhaustive = false;
      }
      onProgress?.(Math.min(1, spent / options.flops));
      await pause(signal);
    }
    const pending = Math.max(lost, queue.items[0]?.promise ?? 0);
    return { expanded, spent, exhaustive: exhaustive && lost === 0, pending };
  } finally {
    for (const open of new Set(queue.items.map(({ after }) => after))) free(open);
    engine.free(writes);
  }

  /** Gives up the less promising half of the suffixes in waiting; returns the largest promise given up. */
  function forget(): number {
    const most = new Map<Open<T>, number>();
    for (const { after, promise } of queue.items) {
      most.set(after, Math.max(promise, most.get(after) ?? 0));
    }
    const ranked = [...most].sort((a, b) => b[1] - a[1]);
    const dropped = new Set(ranked.slice(ranked.length >> 1).map(([open]) => open));
    const kept = queue.items.filter(({ after }) => !dropped.has(after));
    queue.items.splice(0, queue.items.length);
    for (const entry of kept) push(queue, entry);
    for (const open of dropped) {
      if (open.suffix !== undefined) held -= sizeOf(open.covectors.values.shape);
      free(open);
    }
    return ranked[ranked.length >> 1]?.[1] ?? 0;
  }
}

type Job<T> = { readonly who: readonly number[]; readonly product: T } & (
  | { readonly kind: "sources"; readonly group: Sources<T> }
  | { readonly kind: "nodes"; readonly stage: number }
);

/** Pulls suffixes back through the node that is to come before each, those of one node together. */
function expand<T extends Shaped>(
  ops: Ops<T>,
  run: FrozenRun<T>,
  batch: readonly Entry<T>[],
): Open<T>[] {
  const groups = new Map<string, Entry<T>[]>();
  for (const entry of batch) {
    const key = `${entry.node.name} ${entry.after.covectors.at ?? "all"}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()].flatMap((entries) => {
    const { node, after } = entries[0] as Entry<T>; // no group is empty
    const values = stacked(
      ops,
      entries.map((entry) => entry.after),
    );
    const pulled = pullBack(ops, run, node, { values, at: after.covectors.at });
    return entries.map((entry, i) => ({
      suffix: before(entry.node, entry.after.suffix),
      covectors: {
        values: ops.sum(ops.slice(pulled.values, "suffix", i, i + 1), ["suffix"]),
        at: pulled.at,
      },
      stage: entry.node.stage,
      waiting: 0,
    }));
  });
}

/** The covectors of several suffixes, `suffix, …`; they look at the same positions. */
function stacked<T extends Shaped>(ops: Ops<T>, opens: readonly Open<T>[]): T {
  const each = opens.map(({ covectors }) => ops.broadcast(covectors.values, { suffix: 1 }));
  return each.length === 1 ? (each[0] as T) : ops.concat(each, "suffix"); // one part
}

function chosen<T extends Shaped>(ops: Ops<T>, values: T, who: readonly number[], all: number): T {
  if (who.length === all) return values;
  return ops.take(values, "suffix", { shape: { suffix: who.length }, data: Int32Array.from(who) });
}

/** Floating-point operations of making one suffix, and of meeting it with all that may come before it. */
function priceOf<T extends Shaped>(
  run: FrozenRun<T>,
  nodes: readonly (readonly Step<T>[])[],
): (node: Step<T>, at: number | undefined, channels: number) => number {
  const known = new Map<string, number>();
  const { pos = 1, d_model = 1 } = run.embedding.shape;
  return (node, at, channels) => {
    const key = `${node.block} ${node.part === undefined} ${at === undefined}`;
    let pull = known.get(key);
    if (pull === undefined) {
      const ops = cost();
      const given = ({ shape }: T): Priced => ops.given(shape);
      const gates = new Map([...run.gates].map(([site, gate]) => [site, given(gate)]));
      const weights = mapBlock(node.weights, given);
      const shape = at === undefined ? { suffix: 1, pos, d_model } : { suffix: 1, d_model };
      const one = { values: ops.given(shape), at };
      pullBack(ops, { gates, positions: pos }, { weights, part: node.part }, one);
      pull = ops.total().flops;
      known.set(key, pull);
    }
    const everywhere = at === undefined || node.weights.kind === "attn";
    const earlier = nodes.slice(0, node.stage).flat().length;
    return pull + 2 * earlier * channels * d_model * (everywhere ? pos : 1);
  };
}
