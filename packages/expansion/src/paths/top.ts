import { type Engine, type Priced, type Shaped, sizeOf } from "@resolvent/tensor";
import { type Model, mapWeights, runCost } from "@resolvent/transformer";
import { readNumber, readNumbers, using } from "../reading.ts";
import { bestOf, nodesOf, type PathEffect } from "./best.ts";
import { effects } from "./effects.ts";
import { type EnumerationPlan, enumeration, planEnumeration, prefixEffects } from "./enumerate.ts";
import { type Level, pathNodes, suffixCounts } from "./node.ts";
import { spread } from "./pull.ts";
import type { Readout } from "./readout.ts";
import type { FrozenRun } from "./run.ts";
import { searchPaths } from "./search.ts";
import { allSources, liveSources, type Sources, sourceIds } from "./source.ts";

export interface TopPathsOptions {
  /** Paths through whole blocks, or through attention heads and MLPs; default `head`. */
  readonly level?: Level;
  /** How many of the largest paths are listed; default 20. */
  readonly top?: number;
  /** Only paths of at least so many degrees are listed; default 0. */
  readonly minDegree?: number;
  /** Only paths of at most so many degrees are listed; default all. */
  readonly maxDegree?: number;
  /** Names of sources whose paths are meant, `*` for any characters; default all. */
  readonly sources?: readonly string[];
  /** Each position of a source is a source of its own; default false. */
  readonly byPosition?: boolean;
  /** What a search may spend, in forward passes by their floating-point operations; default 20. */
  readonly budget?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** A readout as a sum of paths: the largest, and exactly how much the others are together. */
export interface TopPaths {
  readonly readout: string;
  readonly level: Level;
  /** How many paths there are. */
  readonly count: bigint;
  /** The sum of all of them, by the sweep. */
  readonly total: number;
  /** What belongs to no path: `β W_U + b_U` of the target. */
  readonly constant: number;
  /** The paths of sources that were not chosen, together; 0 where all are. */
  readonly otherSources: number;
  readonly byDegree: readonly DegreeSum[];
  /** The largest by absolute value, the largest first. */
  readonly shown: readonly PathEffect[];
  /** `total − Σ shown`: the exact sum of all paths that are not listed. */
  readonly notShown: number;
  /** Whether no path that is not listed can be larger than the last that is. */
  readonly exhaustive: boolean;
  /** Suffixes of paths that were looked at. */
  readonly expanded: number;
  /** The largest promise `Σ_k |sum of degree k|` of a bundle that was not looked at; null where all were. */
  readonly pending: number | null;
  /** What all sources give by the sweep, less what the run says, relative to the size of the sums by degree. */
  readonly relativeError: number;
  /** The sum of all paths, one by one, less the total of the sweep, likewise; null where not all were made. */
  readonly enumeratedError: number | null;
}

/** All paths of one degree. */
export interface DegreeSum {
  readonly degree: number;
  readonly count: bigint;
  readonly sum: number;
  /** `Σ |effect|`; null where not all paths were made. */
  readonly absolute: number | null;
}

/** Enumerations of so many operations are made in any case: about a second. */
const ALWAYS = 3e10;
/** Paths, and numbers of their two sides, up to which all paths are made. */
const PATHS_AT_MOST = 2 ** 28;
const NUMBERS_AT_MOST = 2 ** 27;
/** Effects of paths that are read at a time. */
const READ_AT_ONCE = 2 ** 22;

/**
 * The largest paths of a readout by |effect|, and the exact sum of all others.
 *
 * Where the work can be afforded all paths are made, every prefix with every suffix in one product, and the list is
 * proven. Otherwise a best-first search with a budget finds large ones, and `exhaustive` is false.
 *
 * ```ts
 * const run = cpu.scope(() => frozenRun(cpu, model, tokenIds(tokens)));
 * const { shown, notShown, count } = await topPaths(cpu, model, run, logitReadout(cpu, model, run, { a, b }));
 * ```
 *
 * @throws InputError `expansion/no-source`, `expansion/streamed`
 */
export async function topPaths<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  readout: Readout<T>,
  options: TopPathsOptions = {},
): Promise<TopPaths> {
  const { level = "head", top = 20, minDegree = 0, byPosition = false, signal } = options;
  const { maxDegree = model.stages.length, budget = 20, onProgress } = options;
  const embeddingParts = options.sources?.some((name) => name.startsWith("embed.")) ?? false;
  signal?.throwIfAborted();
  const made = engine.scope(() =>
    allSources(engine, model, run, { level, embeddingParts, byPosition }),
  );
  let all: Sources<T>[] = [];
  let sources: Sources<T>[] = [];
  try {
    all = await liveSources(engine, made);
    sources = options.sources === undefined ? all : await liveSources(engine, all, options.sources);
    const sizes = pathNodes(model, level).map((stage) => stage.length);
    const swept = await sweepTotals(engine, model, run, all, sources, readout);
    const counts = countPaths(sizes, sources, readout.before, model.stages.length);
    const count = counts.reduce((sum, one) => sum + one, 0n);

    const pass = passFlops(model, run);
    const { plan, affordable } = planOf(model, run, sources, readout, {
      level,
      flops: budget * pass,
    });
    const best = bestOf(top);
    let found: Pick<TopPaths, "exhaustive" | "expanded" | "pending" | "enumeratedError">;
    let absolute: number[] | undefined;
    if (affordable) {
      const sums = await enumerate(engine, model, run, readout, sources, plan, {
        ...{ level, minDegree, maxDegree, best, signal, onProgress },
      });
      absolute = sums.absolute;
      const enumerated = sums.sum.reduce((sum, x) => sum + x, 0);
      found = {
        exhaustive: true,
        expanded: plan.suffixes,
        pending: null,
        enumeratedError: Math.abs(enumerated - swept.total) / swept.scale,
      };
    } else {
      const report = await searchPaths(engine, model, run, best, {
        ...{ level, sources, readout, minDegree, maxDegree, signal },
        flops: budget * pass,
        onProgress: (part) => onProgress?.({ done: Math.round(100 * part), total: 100 }),
      });
      found = {
        exhaustive: report.exhaustive,
        expanded: report.expanded,
        pending: report.pending === 0 ? null : report.pending,
        enumeratedError: null,
      };
    }
    const shown = best.sorted();
    return {
      ...{ readout: readout.name, level, count, shown },
      ...found,
      total: swept.total,
      constant: swept.constant,
      otherSources: swept.others,
      byDegree: swept.byDegree.map((sum, degree) => ({
        degree,
        count: counts[degree] ?? 0n,
        sum,
        absolute: absolute?.[degree] ?? null,
      })),
      notShown: swept.total - shown.reduce((sum, { effect }) => sum + effect, 0),
      relativeError: swept.error / swept.scale,
    };
  } finally {
    if (sources !== all) engine.free(sources);
    engine.free(all);
    engine.free(made);
  }
}

/** How all paths would be made, and whether that can be afforded. */
export function planOf<T extends Shaped>(
  model: Model<T>,
  run: FrozenRun<T>,
  sources: readonly Sources<T>[],
  readout: Readout<T>,
  { level, flops }: { readonly level: Level; readonly flops: number },
): { readonly plan: EnumerationPlan; readonly affordable: boolean } {
  const sizes = pathNodes(model, level).map((stage) => stage.length);
  const plan = planEnumeration(sizes, groupSizes(sources), readout.before);
  const entries = sizeOf(run.embedding.shape);
  const paths = plan.prefixes * plan.suffixes;
  const affordable =
    2 * paths * entries <= Math.max(ALWAYS, flops) &&
    (plan.prefixes + plan.suffixes) * entries <= NUMBERS_AT_MOST &&
    paths <= PATHS_AT_MOST;
  return { plan, affordable };
}

/** How far the sum of all paths by the sweep is from what the run says, relative to the largest sum of a degree. */
export async function totalError<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  readout: Readout<T>,
): Promise<number> {
  const sources = engine.scope(() => allSources(engine, model, run));
  try {
    const { error, scale } = await sweepTotals(engine, model, run, sources, sources, readout);
    return error / scale;
  } finally {
    engine.free(sources);
  }
}

/** Floating-point operations of a forward pass on the tokens of a run. */
export function passFlops<T extends Shaped>(model: Model<T>, run: FrozenRun<T>): number {
  const outline = mapWeights<T, Priced>(model, ({ shape }) => ({ shape, bytes: 0 }));
  return runCost(outline, Array.from(run.ids.data)).flops;
}

/** How many paths there are, by degree. */
export function countPaths<T extends Shaped>(
  sizes: readonly number[],
  sources: readonly Sources<T>[],
  before: number,
  highest: number,
): bigint[] {
  const ways = suffixCounts(sizes, before);
  const counts = new Array<bigint>(highest + 1).fill(0n);
  for (const group of sources) {
    const own = BigInt(sourceIds(group).length);
    for (const [k, many] of (ways[group.enters] ?? []).entries()) {
      const degree = k + group.degree;
      if (many > 0n) counts[degree] = (counts[degree] ?? 0n) + own * many;
    }
  }
  return counts;
}

function groupSizes<T extends Shaped>(
  sources: readonly Sources<T>[],
): { readonly enters: number; readonly count: number }[] {
  return sources.map((group) => ({ enters: group.enters, count: sourceIds(group).length }));
}

/** What the sweep says, and how far all sources are from what the run says. */
async function sweepTotals<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  all: readonly Sources<T>[],
  sources: readonly Sources<T>[],
  readout: Readout<T>,
): Promise<{
  byDegree: number[];
  total: number;
  others: number;
  constant: number;
  error: number;
  scale: number;
}> {
  const [swept] = await effects(engine, model, run, all, [readout]);
  const rows = swept?.sources ?? [];
  const chosen = new Set(sources.flatMap((group) => group.names));
  const sumsOf = (some: typeof rows): number[] =>
    Array.from({ length: model.stages.length + 1 }, (_, k) =>
      some.reduce((sum, { byDegree }) => sum + (byDegree[k] ?? 0), 0),
    );
  const byDegree = sumsOf(rows.filter(({ name }) => chosen.has(name)));
  const other = sumsOf(rows.filter(({ name }) => !chosen.has(name)));
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const everything = sumsOf(rows);
  const truth = await streamValue(engine, model, run, readout);
  const scale = Math.max(Math.abs(truth), ...everything.map(Math.abs)) || 1;
  return {
    byDegree,
    total: sum(byDegree),
    others: sum(other),
    constant: swept?.constant ?? 0,
    error: Math.abs(sum(everything) - truth),
    scale,
  };
}

/** `⟨w, r⟩` with the stream of the run, without the constant. */
function streamValue<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  { before, covector }: Readout<T>,
): Promise<number> {
  return using(
    engine,
    () => {
      const written = [...model.stages].slice(0, before).flat();
      const stream = written.reduce(
        (sum, { name }) => engine.add(sum, run.writes.get(name) as T), // every block writes
        run.embedding,
      );
      return engine.matmul(spread(engine, covector, run.positions), stream, ["pos", "d_model"]);
    },
    (value) => readNumber(engine, value),
  );
}

interface Sums {
  readonly sum: number[];
  readonly absolute: number[];
}

/** Makes every path, offers it, and adds it up by degree. */
async function enumerate<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  readout: Readout<T>,
  sources: readonly Sources<T>[],
  plan: EnumerationPlan,
  options: {
    readonly level: Level;
    readonly minDegree: number;
    readonly maxDegree: number;
    readonly best: ReturnType<typeof bestOf>;
    readonly signal: AbortSignal | undefined;
    readonly onProgress: TopPathsOptions["onProgress"];
  },
): Promise<Sums> {
  const { level, minDegree, maxDegree, best, signal, onProgress } = options;
  const sums: Sums = {
    sum: new Array<number>(model.stages.length + 1).fill(0),
    absolute: new Array<number>(model.stages.length + 1).fill(0),
  };
  const { meet } = plan;
  const made = engine.scope(() =>
    enumeration(engine, model, run, { level, sources, readout, meet }),
  );
  try {
    const { prefixes, suffixes, late } = made;
    const lengths = suffixes.map((suffix) => suffix?.length ?? 0);
    const take = (effect: number, degree: number): boolean => {
      sums.sum[degree] = (sums.sum[degree] ?? 0) + effect;
      sums.absolute[degree] = (sums.absolute[degree] ?? 0) + Math.abs(effect);
      return degree >= minDegree && degree <= maxDegree && Math.abs(effect) > best.threshold;
    };
    for (const part of late) {
      const numbers = await readNumbers(engine, part.effects);
      numbers.forEach((effect, i) => {
        const suffix = part.suffixes[Math.floor(i / part.sources.length)];
        const source = part.sources[i % part.sources.length];
        const degree = part.degree + (suffix?.length ?? 0);
        if (source !== undefined && take(effect, degree)) {
          best.offer(effect, () => ({ source, nodes: nodesOf(suffix), degree }));
        }
      });
    }
    const step = Math.max(1, Math.floor(READ_AT_ONCE / suffixes.length));
    for (let start = 0; start < prefixes.length; start += step) {
      signal?.throwIfAborted();
      const end = Math.min(start + step, prefixes.length);
      const { data } = await using(
        engine,
        () => prefixEffects(engine, made, start, end),
        async (product) => engine.read(product),
      );
      for (let p = start; p < end; p++) {
        const prefix = prefixes[p] as (typeof prefixes)[number]; // p < length
        const from = (p - start) * suffixes.length;
        for (let s = 0; s < suffixes.length; s++) {
          const effect = data[from + s] as number; // within the product
          const degree = prefix.degree + (lengths[s] as number); // s < length
          if (!take(effect, degree)) continue;
          best.offer(effect, () => ({
            source: prefix.source,
            nodes: [...prefix.nodes, ...nodesOf(suffixes[s])],
            degree,
          }));
        }
      }
      onProgress?.({ done: end, total: prefixes.length });
    }
    return sums;
  } finally {
    engine.free([made.streams, made.covectors, made.late.map((part) => part.effects)]);
  }
}
