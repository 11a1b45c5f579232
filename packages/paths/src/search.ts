import { pause } from "@resolvent/analysis";
import {
  cost,
  type Engine,
  type Ops,
  type Priced,
  readTogether,
  type Shaped,
  sizeOf,
  takeEntries,
} from "@resolvent/tensor";
import { type Level, type Model, mapBlock, type PartWrites } from "@resolvent/transformer";
import type { FrozenRun } from "./frozen-run.ts";
import { type Heap, heapOf, pop, push } from "./heap.ts";
import { type Best, before, nodesOf, type Suffix } from "./largest.ts";
import { type Covectors, pullBack } from "./pull.ts";
import type { Readout } from "./readout.ts";
import { dotSources, type SourceId, type Sources, sourceIds } from "./sources.ts";
import { type Step, stepsOf } from "./step.ts";
import { channelsOf, dotWrites, writesByDegree } from "./step-writes.ts";

/** 512 MiB in float32. */
const WAITING_AT_MOST = 2 ** 27;

/** Entries of a queue, of some 100 bytes each: with neurons each suffix has thousands. */
const ENTRIES_AT_MOST = 2 ** 21;

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

/** A search on its way. */
interface Search<T extends Shaped> extends SearchOptions<T> {
  readonly engine: Engine<T>;
  readonly best: Best;
  readonly nodes: readonly (readonly Step<T>[])[];
  /** What every node of a stage writes, by degree. */
  readonly writes: readonly (readonly PartWrites<T>[])[];
  /** The only source that enters at the start; undefined where there are several. */
  readonly alone: SourceId | undefined;
  readonly queue: Heap<Entry<T>>;
  /** Numbers of the covectors in waiting. */
  held: number;
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
  const { level, sources, readout, signal, onProgress } = options;
  const { waitingAtMost = WAITING_AT_MOST } = options;
  const nodes = stepsOf(model, level);
  const end = readout.before;
  const channels = channelsOf(model, level, end, run.positions);
  const [first, ...others] = sources.filter(({ enters }) => enters === 0).flatMap(sourceIds);
  const prices = priceOf(run, nodes);
  const search: Search<T> = {
    ...options,
    ...{ engine, best, nodes, held: 0 },
    alone: others.length === 0 ? first : undefined,
    queue: heapOf((a, b) => b.promise - a.promise),
    writes: engine.scope(() =>
      writesByDegree(engine, model, run, sources, { level, channels, before: end }),
    ),
  };
  const { queue } = search;
  let [expanded, spent, lost, exhaustive] = [0, 0, 0, true];
  try {
    const covectors = readout.covector;
    await meet(search, [{ suffix: undefined, covectors, stage: end, waiting: 0 }], true);
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
        if (after.waiting === 0) drop(search, after);
      }
      for (const open of opens) search.held += sizeOf(open.covectors.values.shape);
      await meet(search, opens, false);
      for (const open of opens) {
        if (open.waiting === 0) drop(search, open);
      }
      if (search.held > waitingAtMost || queue.items.length > ENTRIES_AT_MOST) {
        lost = Math.max(lost, forget(search));
        exhaustive = false;
      }
      onProgress?.(Math.min(1, spent / options.flops));
      await pause(signal);
    }
    const pending = Math.max(lost, queue.items[0]?.promise ?? 0);
    return { expanded, spent, exhaustive: exhaustive && lost === 0, pending };
  } finally {
    for (const open of new Set(queue.items.map(({ after }) => after))) drop(search, open);
    engine.free(search.writes);
  }
}

/** Frees the covector of a suffix; that of the readout is the caller's. */
function drop<T extends Shaped>(search: Search<T>, { suffix, covectors }: Open<T>): void {
  if (suffix === undefined) return;
  search.held -= sizeOf(covectors.values.shape);
  search.engine.free(covectors);
}

/** Gives up the less promising half of the suffixes in waiting; returns the largest promise given up. */
function forget<T extends Shaped>(search: Search<T>): number {
  const { queue } = search;
  const most = new Map<Open<T>, number>();
  for (const { after, promise } of queue.items) {
    most.set(after, Math.max(promise, most.get(after) ?? 0));
  }
  const ranked = [...most].sort((a, b) => b[1] - a[1]);
  const dropped = new Set(ranked.slice(ranked.length >> 1).map(([open]) => open));
  const kept = queue.items.filter(({ after }) => !dropped.has(after));
  queue.items.splice(0, queue.items.length);
  for (const entry of kept) push(queue, entry);
  for (const open of dropped) drop(search, open);
  return ranked[ranked.length >> 1]?.[1] ?? 0;
}

/** Products of suffixes with what they meet, and of which suffixes. */
type Job<T> = { readonly who: readonly Open<T>[]; readonly product: T } & (
  | { readonly kind: "sources"; readonly group: Sources<T> }
  | { readonly kind: "nodes"; readonly stage: number }
);

/** Offers the paths of suffixes that have just been made, and queues what may come before them. */
async function meet<T extends Shaped>(
  search: Search<T>,
  opens: readonly Open<T>[],
  isRoot: boolean,
): Promise<void> {
  const { engine } = search;
  for (const at of new Set(opens.map(({ covectors }) => covectors.at))) {
    const alike = opens.filter(({ covectors }) => covectors.at === at);
    const jobs = engine.scope(() => jobsOf(search, alike, at, isRoot));
    try {
      const products = jobs.map(({ product }) => product);
      for (const [i, numbers] of (await readTogether(engine, products)).entries()) {
        const job = jobs[i] as Job<T>; // a product of each
        if (job.kind === "sources") offerSources(search, job.group, job.who, numbers);
        else offerNodes(search, job.stage, job.who, numbers);
      }
    } finally {
      engine.free(jobs.map(({ product }) => product)); // not the sources that a job names
    }
  }
}

/** The products of suffixes that look at the same positions with sources, and with what nodes write. */
function jobsOf<T extends Shaped>(
  { engine, sources, writes, maxDegree, alone }: Search<T>,
  opens: readonly Open<T>[],
  at: number | undefined,
  isRoot: boolean,
): Job<T>[] {
  const values = stacked(engine, opens);
  const some = (counts: (open: Open<T>) => boolean): { who: Open<T>[]; values: T } | undefined => {
    const which = opens.flatMap((open, i) => (counts(open) ? [i] : []));
    if (which.length === 0) return undefined;
    const taken = takeEntries(engine, values, "suffix", which, "suffix");
    return { who: opens.filter(counts), values: taken };
  };
  const jobs: Job<T>[] = [];
  for (const group of sources) {
    if (group.enters === 0 && alone !== undefined && !isRoot) continue; // offered by their parents
    const read = some(({ stage }) => stage >= group.enters);
    if (read === undefined) continue;
    const product = dotSources(engine, group, { values: read.values, at });
    const ordered = engine.arrange(product, ["suffix", "source"]);
    jobs.push({ kind: "sources", group, who: read.who, product: ordered });
  }
  for (const [stage, write] of writes.entries()) {
    const read = some((open) => open.stage > stage && (open.suffix?.length ?? 0) < maxDegree);
    if (read === undefined) continue;
    const product = dotWrites(engine, write, { values: read.values, at });
    const ordered = engine.arrange(product, ["suffix", "node", "degree"]);
    jobs.push({ kind: "nodes", stage, who: read.who, product: ordered });
  }
  return jobs;
}

/** Offers the path from a source through a suffix, where its degree is asked for. */
function offer<T extends Shaped>(
  { best, minDegree, maxDegree }: Search<T>,
  effect: number,
  source: SourceId,
  degree: number,
  suffix: () => Suffix | undefined,
): void {
  if (degree < minDegree || degree > maxDegree) return;
  best.offer(effect, () => ({ source, nodes: nodesOf(suffix()), degree }));
}

function offerSources<T extends Shaped>(
  search: Search<T>,
  group: Sources<T>,
  who: readonly Open<T>[],
  numbers: readonly number[],
): void {
  const ids = sourceIds(group);
  for (const [row, { suffix }] of who.entries()) {
    const degree = group.degree + (suffix?.length ?? 0);
    for (const [s, id] of ids.entries()) {
      offer(search, numbers[row * ids.length + s] ?? 0, id, degree, () => suffix);
    }
  }
}

function offerNodes<T extends Shaped>(
  search: Search<T>,
  stage: number,
  who: readonly Open<T>[],
  numbers: readonly number[],
): void {
  const { nodes, alone, maxDegree, queue } = search;
  const own = nodes[stage] ?? [];
  const levels = numbers.length / (who.length * own.length);
  for (const [row, after] of who.entries()) {
    const length = (after.suffix?.length ?? 0) + 1;
    for (const [n, node] of own.entries()) {
      const from = (row * own.length + n) * levels;
      let promise = 0;
      for (let k = 0; k < levels && k + length <= maxDegree; k++) {
        const effect = numbers[from + k] ?? 0;
        if (k === 0 && alone !== undefined) {
          offer(search, effect, alone, length, () => before(node, after.suffix));
        } else promise += Math.abs(effect);
      }
      if (promise === 0) continue;
      push(queue, { promise, node, after });
      after.waiting++;
    }
  }
}

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
