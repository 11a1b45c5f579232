import {
  type Engine,
  inOrder,
  type LinearAlgebra,
  type Precision,
  type Shaped,
  using,
} from "@resolvent/tensor";
import type { Model, Site } from "@resolvent/transformer";
import { type Pair, recordSites, valueAt } from "./pairs.ts";
import { type AffineMap, Regression, targetsOf } from "./regression.ts";

/** Singular values up to this part of the largest are taken for zero: below it lies the rounding of a run. */
export const CUTOFF: Readonly<Record<Precision, number>> = { f32: 2e-7, f64: 1e-10 };

/** Regressions by the site that they start from: pairs that start at one site share its decomposition. */
export type Fits = ReadonlyMap<Site, Regression>;

/** A regression as plain data. */
export interface FitState {
  readonly rows: number;
  readonly triangle: Float64Array;
}

/** Regressions for some pairs, empty, or going on from those of before. */
export function startFits(
  algebra: LinearAlgebra,
  pairs: readonly Pair[],
  d_model: number,
  states?: ReadonlyMap<Site, FitState>,
): Fits {
  return new Map(
    [...byStart(pairs)].map(([from, own]) => [
      from,
      new Regression(algebra, d_model, d_model * own.length, states?.get(from)),
    ]),
  );
}

/** Runs sequences of one length and folds what stands at the sites into the regressions. */
export async function fitBatch<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  rows: readonly (readonly number[])[],
  pairs: readonly Pair[],
  fits: Fits,
): Promise<void> {
  await using(
    engine,
    () => recordSites(engine, model, rows, sitesOf(pairs)),
    async (values) => {
      for (const [from, own] of byStart(pairs)) {
        const numbers = async (a: T): Promise<ArrayLike<number>> =>
          inOrder(await engine.read(a), ["batch", "pos", "d_model"]).data;
        const x = await numbers(valueAt(values, from));
        const ys: ArrayLike<number>[] = [];
        for (const pair of own) {
          const added = engine.scope(() => pair.added(engine, values));
          ys.push(await numbers(added));
          if (![...values.values()].includes(added)) engine.free(added); // a write itself stays
        }
        fits.get(from)?.add(x, ys);
      }
    },
  );
}

/** The map of each pair. */
export function solveFits(
  pairs: readonly Pair[],
  fits: Fits,
  cutoff: number,
): ReadonlyMap<Pair, AffineMap> {
  const maps = new Map<Pair, AffineMap>();
  for (const [from, own] of byStart(pairs)) {
    const all = fits.get(from)?.solve(cutoff);
    if (all === undefined) continue;
    const width = all.b.length / own.length;
    own.forEach((pair, n) => {
      maps.set(pair, targetsOf(all, n * width, (n + 1) * width));
    });
  }
  return maps;
}

/** The sites that pairs need. */
export function sitesOf(pairs: readonly Pair[]): ReadonlySet<Site> {
  return new Set(pairs.flatMap(({ sites }) => sites));
}

/** Pairs by the site that they start from. */
export function byStart(pairs: readonly Pair[]): ReadonlyMap<Site, readonly Pair[]> {
  const groups = new Map<Site, Pair[]>();
  for (const pair of pairs) groups.set(pair.from, [...(groups.get(pair.from) ?? []), pair]);
  return groups;
}
