import { type Engine, type Shaped, using } from "@resolvent/tensor";
import type { Model, Site } from "@resolvent/transformer";
import { type Lens, startLens, trainLens } from "./lens.ts";
import { type Pair, recordSites, valueAt } from "./pairs.ts";
import { truthOf } from "./readout.ts";
import type { MapTensors } from "./score.ts";

/** The lenses of a model, by the site that they read; each starts at the affine map nearest to the final stream. */
export interface Lenses<T> {
  /** The site of the final stream. */
  readonly end: Site;
  readonly sites: readonly Site[];
  at(site: Site): Lens<T>;
  /** Takes a new lens in place of one, which is freed. */
  put(site: Site, lens: Lens<T>): void;
  all(): readonly Lens<T>[];
  /** By site: A, b, and the moments of both. */
  numbers(): Promise<ReadonlyMap<Site, readonly Float64Array[]>>;
}

/** Lenses that start at their maps, or at numbers that were kept. */
export function lensesFrom<T extends Shaped>(
  engine: Engine<T>,
  maps: ReadonlyMap<Pair, MapTensors<T>>,
  saved?: ReadonlyMap<Site, readonly Float64Array[]>,
): Lenses<T> {
  const pairs = [...maps].filter(([{ kind }]) => kind === "lens");
  const lenses = new Map(
    pairs.map(([{ from }, map]) => {
      const numbers = saved?.get(from);
      return [from, numbers ? lensOf(engine, numbers, map) : startLens(engine, map)];
    }),
  );
  return {
    end: pairs[0]?.[0].sites[1] ?? "embed", // a lens leads from its site to the end
    sites: [...lenses.keys()],
    at: (site) => valueAt(lenses, site),
    put: (site, lens) => {
      engine.free(lenses.get(site));
      lenses.set(site, lens);
    },
    all: () => [...lenses.values()],
    numbers: async () => {
      const numbers = new Map<Site, readonly Float64Array[]>();
      for (const [site, { A, b, moments }] of lenses) {
        const parts: Float64Array[] = [];
        for (const part of [A, b, ...moments]) {
          parts.push(Float64Array.from((await engine.read(part)).data));
        }
        numbers.set(site, parts);
      }
      return numbers;
    },
  };
}

/** One step for every lens on sequences of one length. */
export async function trainLenses<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  rows: readonly (readonly number[])[],
  lenses: Lenses<T>,
  lesson: { readonly step: number; readonly rate: number },
): Promise<void> {
  const sites = new Set([...lenses.sites, lenses.end]);
  await using(
    engine,
    () => recordSites(engine, model, rows, sites),
    async (values) => {
      const truth = await truthOf(engine, model, valueAt(values, lenses.end));
      for (const site of lenses.sites) {
        const x = valueAt(values, site);
        const p = truth.logProbabilities;
        lenses.put(site, trainLens(engine, model, lenses.at(site), { x, p, ...lesson }));
      }
      engine.free(truth);
    },
  );
}

function lensOf<T extends Shaped>(
  engine: Engine<T>,
  numbers: readonly Float64Array[],
  like: MapTensors<T>,
): Lens<T> {
  const shapes = [like.A, like.b, like.A, like.A, like.b, like.b].map(({ shape }) => shape);
  const [A, b, mA, vA, mb, vb] = shapes.map((shape, i) =>
    engine.constant(shape, numbers[i] ?? []),
  ) as [T, T, T, T, T, T]; // one for each shape
  return { A, b, moments: [mA, vA, mb, vb] };
}
