import { type Engine, InputError, type Shaped } from "@resolvent/tensor";
import { type Level, type LevelName, levelOf, type Model } from "@resolvent/transformer";
import { makeAllPaths } from "./all-paths.ts";
import { passFlops, planOf } from "./enumeration-plan.ts";
import type { FrozenRun } from "./frozen-run.ts";
import { bestOf, type PathEffect } from "./largest.ts";
import { countPaths, sweepTotals } from "./path-sums.ts";
import { type Readout, readsAt } from "./readout.ts";
import { countRoutes } from "./route-ways.ts";
import { searchPaths } from "./search.ts";
import { allSources, liveSources, type Sources } from "./sources.ts";
import { stepsOf } from "./step.ts";

export interface TopPathsOptions {
  /** Paths through whole blocks, through heads and MLPs, through heads and neurons, or a level of one's own; default `head`. */
  readonly level?: LevelName | Level;
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
  /** What a search spends unless it has looked at all paths before, in forward passes by their operations; default 16. */
  readonly budget?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** A readout as a sum of paths: the largest, and exactly how much the others are together. */
export interface TopPaths {
  readonly readout: string;
  /** The name of the level. */
  readonly level: string;
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
  /** What a search took, in forward passes by their floating-point operations; null where all paths were made. */
  readonly passes: number | null;
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
  /** How many routes the paths are the sum of: each with a position for its source and every node. */
  readonly routes: bigint;
  readonly sum: number;
  /** `Σ |effect|`; null where not all paths were made. */
  readonly absolute: number | null;
}

/**
 * The largest paths of a readout by |effect|, and the exact sum of all others.
 *
 * Where the work can be afforded all paths are made, every prefix with every suffix in one product, and the list has
 * the largest. Otherwise a best-first search with a budget finds large ones, and `exhaustive` is false.
 *
 * ```ts
 * const run = cpu.scope(() => frozenRun(cpu, model, tokenIds(tokens)));
 * const { shown, notShown, count } = await topPaths(cpu, model, run, logitReadout(cpu, model, run, { a, b }));
 * ```
 *
 * @throws InputError `paths/no-source`, `paths/streamed`, `paths/no-degrees`
 */
export async function topPaths<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  readout: Readout<T>,
  options: TopPathsOptions & { readonly given?: readonly Sources<T>[] } = {},
): Promise<TopPaths> {
  const level = levelOf(options.level ?? "head");
  const { top = 20, minDegree = 0, byPosition = false, signal } = options;
  const { maxDegree = model.stages.length, budget = 16, onProgress } = options;
  const embeddingParts = options.sources?.some((name) => name.startsWith("embed.")) ?? false;
  checkDegrees(minDegree, options.maxDegree, model.stages.length);
  signal?.throwIfAborted();
  const { given } = options;
  const made = given
    ? []
    : engine.scope(() => allSources(engine, model, run, { level, embeddingParts, byPosition }));
  let all: Sources<T>[] = [];
  let sources: Sources<T>[] = [];
  try {
    all = await liveSources(engine, given ?? made);
    sources = options.sources === undefined ? all : await liveSources(engine, all, options.sources);
    const steps = stepsOf(model, level);
    const sizes = steps.map((stage) => stage.length);
    const routes = countRoutes(steps.slice(0, readout.before), sources, {
      positions: run.positions,
      reads: (pos) => readsAt(readout, pos),
      highest: model.stages.length,
    });
    const swept = await sweepTotals(engine, model, run, all, sources, readout);
    const counts = countPaths(sizes, sources, readout.before, model.stages.length);
    const count = counts.reduce((sum, one) => sum + one, 0n);

    const pass = passFlops(model, run);
    const { plan, affordable } = planOf(model, run, sources, readout, {
      level,
      flops: budget * pass,
    });
    const best = bestOf(top);
    let found: Pick<TopPaths, "exhaustive" | "expanded" | "passes" | "pending" | "enumeratedError">;
    let absolute: number[] | undefined;
    if (top === 0 && budget === 0) {
      // Nothing is to be listed, and nothing spent on it: the sums are the sweep's.
      found = {
        ...{ exhaustive: false, expanded: 0, passes: 0 },
        pending: null,
        enumeratedError: null,
      };
    } else if (affordable) {
      const sums = await makeAllPaths(engine, model, run, {
        ...{ readout, sources, plan, level, minDegree, maxDegree, best, signal, onProgress },
      });
      absolute = sums.absolute;
      const enumerated = sums.sum.reduce((sum, x) => sum + x, 0);
      found = {
        exhaustive: true,
        expanded: plan.suffixes,
        passes: null,
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
        passes: report.spent / pass,
        pending: report.pending === 0 ? null : report.pending,
        enumeratedError: null,
      };
    }
    const shown = best.sorted();
    return {
      ...{ readout: readout.name, level: level.name, count, shown },
      ...found,
      total: swept.total,
      constant: swept.constant,
      otherSources: swept.others,
      byDegree: swept.byDegree.map((sum, degree) => ({
        degree,
        count: counts[degree] ?? 0n,
        routes: routes[degree] ?? 0n,
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

/** Throws `paths/no-degrees` where no path of at most `last` nodes has so many. */
export function checkDegrees(minDegree: number, maxDegree: number | undefined, last: number): void {
  if (minDegree <= Math.min(maxDegree ?? last, last)) return;
  const asked = maxDegree === undefined ? `${minDegree} and more` : `${minDegree} to ${maxDegree}`;
  throw new InputError({
    code: "paths/no-degrees",
    message: `No path has a degree of ${asked}: paths of this model have 0 to ${last}.`,
    remedy: "The lowest degree comes first, the highest second.",
    details: { minDegree, maxDegree, last },
  });
}
