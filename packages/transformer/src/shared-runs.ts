import {
  cost,
  type Engine,
  type Ids,
  type Ops,
  type Priced,
  type Shaped,
  sizeOf,
} from "@resolvent/tensor";
import { type Model, shapesOf } from "./model.ts";
import { residualStream } from "./residual-stream.ts";
import { plainSites, recording, type Site } from "./sites.ts";

/** What is kept of a run: every site that somebody asks for, in the order of the run. */
interface Recorded<T> {
  readonly residual: T;
  readonly trace: ReadonlyMap<Site, T>;
  /** All sites of the run, kept or not. */
  readonly sites: readonly Site[];
}

/** A run that was asked for: its tokens, the sites it was to keep, and all that it has. */
export interface NotedRun {
  readonly ids: Ids;
  readonly kept: ReadonlySet<Site>;
  /** Numbers at each site that a run comes by whether or not anybody wants it. */
  readonly sizes: ReadonlyMap<Site, number>;
  /** Other sites that the model has. A run that keeps one computes in another way, so that its rounding is another. */
  readonly extra: readonly Site[];
}

/** Runs by their tokens. */
export type NotedRuns = ReadonlyMap<string, NotedRun>;

/** Models whose runs are noted, or shared, for as long as a call takes. A model made of one of them is another. */
const noting = new WeakMap<
  object,
  { readonly runs: Map<string, NotedRun>; readonly most: number }
>();
const sharing = new WeakMap<
  object,
  { readonly engine: unknown; readonly runs: ReadonlyMap<string, Recorded<unknown>> }
>();

/**
 * The final residual stream of a plain run, with the values of chosen sites in `trace`: made, or where `sharedRuns` has
 * a run of these tokens that kept these sites, copied. The numbers are the same.
 */
export function recordedStream<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  chosen: (site: Site) => boolean,
  trace: Map<Site, T>,
): T {
  const shared = sharedRun(ops, model, ids, chosen);
  if (shared === undefined) {
    const residual = residualStream(ops, model, ids, recording(plainSites<T>(), chosen, trace));
    noteRun(model, ids, chosen);
    return residual;
  }
  // A copy each, since who asked frees what it got.
  for (const [site, value] of shared.trace) {
    if (chosen(site)) trace.set(site, ops.scale(value, 1));
  }
  return ops.scale(shared.residual, 1);
}

/** A run that is shared and has kept all of the chosen sites that the model has. */
export function sharedRun<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  chosen: (site: Site) => boolean,
): Recorded<T> | undefined {
  const own = sharing.get(model);
  if (own === undefined || own.engine !== ops) return undefined;
  const run = own.runs.get(keyOf(ids)) as Recorded<T> | undefined; // of this engine, as was looked
  return run?.sites.every((site) => run.trace.has(site) || !chosen(site)) ? run : undefined;
}

/** Writes down, where somebody asked for that, that a plain run was made and what of it was kept. */
export function noteRun<T extends Shaped>(
  model: Model<T>,
  ids: Ids,
  chosen: (site: Site) => boolean,
): void {
  const notes = noting.get(model);
  if (notes === undefined) return;
  const key = keyOf(ids);
  const before = notes.runs.get(key);
  if (before === undefined && notes.runs.size >= notes.most) return;
  const run = before ?? { ids, kept: new Set(), ...sitesOf(shapesOf(model), ids) };
  if (run.extra.some(chosen)) return;
  const kept = new Set([...run.kept, ...[...run.sizes.keys()].filter(chosen)]);
  notes.runs.set(key, { ...run, kept });
}

/** How many numbers there are at each site of a run, from shapes alone. */
function sitesOf(model: Model<Priced>, ids: Ids): Pick<NotedRun, "sizes" | "extra"> {
  const ops = cost(); // of its own: an estimate does not pay for it
  const sizes = (wants: boolean): Map<Site, number> => {
    const all = new Map<Site, Priced>();
    const sites = recording(plainSites<Priced>(), () => true, all);
    ops.scope(() => void residualStream(ops, model, ids, { ...sites, wants: () => wants }));
    return new Map([...all].map(([site, { shape }]) => [site, sizeOf(shape)]));
  };
  const own = sizes(false);
  return { sizes: own, extra: [...sizes(true).keys()].filter((site) => !own.has(site)) };
}

/** What `estimate` gives, and the plain runs of the outline that it asked for on its way, the first `most` of them. */
export function notedRuns<R>(
  outline: Model<Priced>,
  estimate: () => R,
  { most = Number.POSITIVE_INFINITY }: { readonly most?: number } = {},
): { readonly value: R; readonly runs: NotedRuns } {
  const runs = new Map<string, NotedRun>();
  noting.set(outline, { runs, most });
  try {
    return { value: estimate(), runs };
  } finally {
    noting.delete(outline);
  }
}

/** Runs that more than one of several pieces of work asks for, with all sites that any of them keeps. */
export function commonRuns(all: readonly NotedRuns[]): NotedRun[] {
  const keys = new Set(all.flatMap((runs) => [...runs.keys()]));
  return [...keys].flatMap((key) => {
    const found = all.flatMap((runs) => runs.get(key) ?? []);
    const [first] = found;
    if (first === undefined || found.length < 2) return [];
    return [{ ...first, kept: new Set(found.flatMap(({ kept }) => [...kept])) }];
  });
}

/** Numbers that are kept while such runs are shared. */
export function sharedSize(runs: readonly NotedRun[], d_model: number): number {
  const sizes = runs.flatMap(({ ids, kept, sizes: of }) => [
    ...[...kept].map((site) => of.get(site) ?? 0),
    sizeOf(ids.shape) * d_model,
  ]);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Makes runs once, and lends them to all of `use` that asks for runs of these tokens, on this engine and model. */
export async function sharedRuns<T extends Shaped, R>(
  engine: Engine<T>,
  model: Model<T>,
  runs: readonly NotedRun[],
  use: () => Promise<R>,
): Promise<R> {
  const made = new Map<string, Recorded<T>>();
  try {
    for (const run of runs) made.set(keyOf(run.ids), record(engine, model, run));
    sharing.set(model, { engine, runs: made });
    return await use();
  } finally {
    sharing.delete(model);
    engine.free(made);
  }
}

/** Runs that one piece of work may make, to be kept: more are those of many texts, which nobody asks for again. */
const KEPT_RUNS = 4;

/** Plain runs of one model on one engine, kept from one piece of work to the next. */
export interface KeptRuns<T extends Shaped> {
  /**
   * Does work on the model. Plain runs that it is known to make, and that are not kept yet, are made first, with all of
   * their sites: whatever is asked about these tokens next finds them. The numbers are those of runs of its own.
   */
  use<R>(model: Model<T>, noted: NotedRuns, work: () => Promise<R>): Promise<R>;
}

/**
 * Keeps the plain runs of a model for as long as its engine is open, so that several views of one text make one run.
 *
 * @param most numbers that are kept at most: a run that has more is not
 */
export function keptRuns<T extends Shaped>(
  engine: Engine<T>,
  { most }: { readonly most: number },
): KeptRuns<T> {
  const kept = new Map<string, { readonly run: Recorded<T>; readonly size: number }>();
  const taken = (): number => [...kept.values()].reduce((sum, { size }) => sum + size, 0);
  const forget = (key: string): void => {
    engine.free(kept.get(key)?.run);
    kept.delete(key);
  };
  const make = (model: Model<T>, key: string, noted: NotedRun): void => {
    const all = { ...noted, kept: new Set(noted.sizes.keys()) };
    const size = sharedSize([all], model.architecture.d_model);
    if (size > most) return;
    for (const old of [...kept.keys()]) if (taken() + size > most) forget(old);
    kept.set(key, { run: record(engine, model, all), size });
  };
  return {
    use: async (model, noted, work) => {
      if (noted.size > KEPT_RUNS) return await work();
      for (const [key, run] of noted) if (!kept.has(key)) make(model, key, run);
      const runs = new Map([...kept].map(([key, { run }]) => [key, run]));
      sharing.set(model, { engine, runs });
      try {
        return await work();
      } finally {
        sharing.delete(model);
      }
    },
  };
}

/** A run with the sites that are to be kept, alive until it is freed. */
function record<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  { ids, kept, sizes, extra }: NotedRun,
): Recorded<T> {
  const trace = new Map<Site, T>();
  const sites = recording(plainSites<T>(), (site) => kept.has(site), trace);
  const recorded = engine.scope(() => {
    return { residual: residualStream(engine, model, ids, sites), trace };
  });
  return { ...recorded, sites: [...sizes.keys(), ...extra] };
}

function keyOf({ shape, data }: Ids): string {
  return JSON.stringify([shape, [...data]]);
}
