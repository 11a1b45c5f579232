import {
  type Engine,
  type Ops,
  readTogether,
  type Shaped,
  sizeAlong,
  sumOf,
} from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { type FrozenRun, stagesOf } from "./frozen-run.ts";
import { type Covectors, pullBack, spread } from "./pull.ts";
import type { Readout } from "./readout.ts";
import { dotSources, type SourceId, type Sources, sourceIds } from "./sources.ts";

/** What a readout gets from a source, by degree. */
export interface SourceEffect extends SourceId {
  /** Entry `k` is the sum over all paths of degree `k` from the source. */
  readonly byDegree: readonly number[];
}

/** A readout as a sum over sources and degrees; all of them and `constant` give its value in the run. */
export interface ReadoutEffects {
  readonly readout: string;
  readonly sources: readonly SourceEffect[];
  readonly constant: number;
}

/**
 * What every readout gets from every source, by degree: one sweep of covectors, backwards, in which entry `k` holds
 * the sum over all ways of `k` blocks to the readout.
 *
 *     G[0] = w at the readout; for each block i, backwards, for k descending: G[k+1] += A_iᵀ G[k]
 *     effect of source s at degree k: ⟨G[k − degree of s], s⟩ at the point where s enters
 *
 * `O(n²/2)` block applications for one readout, however many sources there are.
 *
 * @returns effects by readout, each in the order of `sources`
 */
export async function effects<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  sources: readonly Sources<T>[],
  readouts: readonly Readout<T>[],
): Promise<ReadoutEffects[]> {
  const products = engine.scope(() => sweepBack(engine, model, run, sources, readouts));
  try {
    const highest = model.stages.length;
    const results = readouts.map((): SourceEffect[] => []);
    const [constants, all] = [
      await readTogether(
        engine,
        readouts.map(({ constant }) => constant),
      ),
      await readTogether(engine, products),
    ];
    for (const [g, group] of sources.entries()) {
      const ids = sourceIds(group);
      const product = products[g];
      const numbers = all[g] ?? [];
      const levels = product === undefined ? 0 : sizeAlong(product.shape, "degree", "effects");
      results.forEach((result, r) => {
        ids.forEach((id, s) => {
          const byDegree = new Array<number>(highest + 1).fill(0);
          for (let k = 0; k < levels; k++) {
            const degree = k + group.degree;
            if (degree <= highest)
              byDegree[degree] = numbers[(r * levels + k) * ids.length + s] ?? 0;
          }
          result.push({ ...id, byDegree });
        });
      });
    }
    return readouts.map(({ name }, r) => ({
      readout: name,
      sources: results[r] ?? [],
      constant: constants[r]?.[0] ?? 0,
    }));
  } finally {
    engine.free(products);
  }
}

/**
 * `⟨G[k], s⟩` of each group of sources: `readout, degree, source`; undefined of one that enters after every readout.
 * Degrees without any way are left out at the end.
 */
export function sweepBack<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  sources: readonly Sources<T>[],
  readouts: readonly Readout<T>[],
): (T | undefined)[] {
  const stages = stagesOf(model);
  const products: (T | undefined)[] = sources.map(() => undefined);
  const meet = (boundary: number, state: Covectors<T> | undefined): void => {
    sources.forEach((group, g) => {
      if (group.enters !== boundary || state === undefined) return;
      products[g] = ops.arrange(dotSources(ops, group, state), ["readout", "degree", "source"]);
    });
  };
  let state = entering(ops, run, readouts, stages.length);
  meet(stages.length, state);
  for (let stage = stages.length - 1; stage >= 0; stage--) {
    const after = state;
    state = ops.scope(() => {
      const fresh = entering(ops, run, readouts, stage);
      if (after === undefined) return fresh;
      const pulled = (stages[stage] ?? []).map((block) =>
        pullBack(ops, run, { weights: block, part: undefined }, after),
      );
      return joined(ops, run, after, pulled, fresh);
    });
    meet(stage, state);
  }
  return products;
}

/** `G[k] + P[k−1]`, and at degree 0 the readouts that begin here. */
function joined<T extends Shaped>(
  ops: Ops<T>,
  run: FrozenRun<T>,
  after: Covectors<T>,
  pulled: readonly Covectors<T>[],
  fresh: Covectors<T> | undefined,
): Covectors<T> {
  const all = [after, ...pulled, ...(fresh ? [fresh] : [])];
  const at = all.every((one) => one.at === after.at) ? after.at : undefined;
  const on = (one: Covectors<T>): T =>
    at === undefined ? spread(ops, one, run.positions) : one.values;
  const G = on(after);
  const P = sumOf(ops, pulled.map(on));
  const levels = sizeAlong(G.shape, "degree", "sweepBack");
  const first = ops.slice(G, "degree", 0, 1);
  const parts = [fresh === undefined ? first : ops.add(first, on(fresh))];
  if (levels > 1) {
    const middle = ops.slice(G, "degree", 1, levels);
    parts.push(ops.add(middle, ops.slice(P, "degree", 0, levels - 1)));
  }
  parts.push(ops.slice(P, "degree", levels - 1, levels));
  return { values: ops.concat(parts, "degree"), at };
}

/** The readouts at a point as degree 0 of a stack, zeros for all others; undefined where there is none. */
function entering<T extends Shaped>(
  ops: Ops<T>,
  run: FrozenRun<T>,
  readouts: readonly Readout<T>[],
  boundary: number,
): Covectors<T> | undefined {
  const here = readouts.filter(({ before }) => before === boundary);
  const [one] = here;
  if (one === undefined) return undefined;
  const { at } = one.covector;
  const alike = here.every(({ covector }) => covector.at === at);
  const shape = (x: T): T => ops.broadcast(x, { readout: 1, degree: 1 });
  const rows = here.map(({ covector }) =>
    shape(alike ? covector.values : spread(ops, covector, run.positions)),
  );
  const zero = ops.scale(rows[0] as T, 0); // there is one
  let next = 0;
  const parts = readouts.map(({ before }) => (before === boundary ? (rows[next++] as T) : zero));
  return {
    values: parts.length === 1 ? (parts[0] as T) : ops.concat(parts, "readout"), // of one
    at: alike ? at : undefined,
  };
}
