import type { Engine, Shaped } from "@resolvent/tensor";
import { readNumber, using } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { effects } from "./effects.ts";
import type { FrozenRun } from "./frozen-run.ts";
import { spread } from "./pull.ts";
import type { Readout } from "./readout.ts";
import { allSources, type Sources, sourceIds } from "./sources.ts";

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

/** What the sweep says, and how far all sources are from what the run says. */
export async function sweepTotals<T extends Shaped>(
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

/**
 * How many ways lead from each point of a model to its end `before` stages further on, by the number of nodes:
 * `counts[stage][nodes]`, `stage` from 0 to `before`.
 */
function suffixCounts(sizes: readonly number[], before: number): bigint[][] {
  let later: bigint[] = [1n];
  const counts = [later];
  for (let stage = before - 1; stage >= 0; stage--) {
    const size = BigInt(sizes[stage] ?? 0);
    const now = Array.from(
      { length: later.length + 1 },
      (_, k) => (later[k] ?? 0n) + size * (later[k - 1] ?? 0n),
    );
    counts.unshift(now);
    later = now;
  }
  return counts;
}
