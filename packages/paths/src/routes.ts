import { pause } from "@resolvent/analysis";
import {
  type Engine,
  type Ops,
  readNumbers,
  type Shaped,
  takeEntries,
  using,
} from "@resolvent/tensor";
import { frozenAt, type Level, type Model, nodeWrite, withoutBiases } from "@resolvent/transformer";
import type { FrozenRun } from "./frozen-run.ts";
import type { PathEffect } from "./largest.ts";
import { pullBack } from "./pull.ts";
import { type Readout, readsAt } from "./readout.ts";
import { allowed, routeWays } from "./route-ways.ts";
import { sourceValue } from "./sources.ts";
import { type Step, stepCalled } from "./step.ts";

/** A path with the position of every hop: only attention moves between positions. */
export interface Route {
  /** The position of the source, then for each node the position at which it writes. */
  readonly positions: readonly number[];
  readonly effect: number;
}

/** A path as a sum of routes. */
export interface Routes {
  /** The largest by |effect|, the largest first. */
  readonly shown: readonly Route[];
  /** How many the masks of its attention blocks allow. */
  readonly count: bigint;
  /** The path's effect − Σ shown: the exact sum of all other routes. */
  readonly notShown: number;
  /** Whether every route was made, so that none that is not shown is larger than the last shown. */
  readonly exhaustive: boolean;
}

export interface RoutesOptions {
  readonly level: Level;
  /** How many of the largest are listed. */
  readonly routes: number;
  /** Numbers of the covectors that are held at once; routes beyond are given up by the sum of what they share; default 2²⁵. */
  readonly numbersAtMost?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Ends of routes: from a node, or the readout, onwards. */
interface Ends<T> {
  /** Positions from that of the first on. */
  readonly positions: readonly (readonly number[])[];
  /** What they read of the stream at their first position: `route, d_model`. */
  readonly covectors: T;
}

/** Numbers of covectors held at once: 128 MiB in float32. */
const NUMBERS_AT_MOST = 2 ** 25;

/**
 * The largest routes of a path, and the exact sum of all others. Ends of routes are pulled back from the readout with
 * positions kept apart. As many as memory allows go on, those first whose beginnings add up to most; where that is
 * all of them, the list has the largest.
 *
 * @throws InputError `paths/no-source`, `paths/no-node`; the signal's reason where it is aborted
 */
export async function routesOf<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  readout: Readout<T>,
  path: Pick<PathEffect, "source" | "nodes" | "effect">,
  { level, routes, numbersAtMost = NUMBERS_AT_MOST, signal }: RoutesOptions,
): Promise<Routes> {
  const nodes = path.nodes.map((name) => stepCalled(model, name, level));
  const ways = routeWays(nodes, run.positions, path.source.position);
  const count = (ways.at(-1) ?? []).reduce(
    (sum, own, at) => (readsAt(readout, at) ? sum + own : sum),
    0n,
  );
  if (count === 0n) return { shown: [], count, notShown: path.effect, exhaustive: true };
  const { d_model } = model.architecture;
  const held = Math.max(1, Math.floor(numbersAtMost / (run.positions * d_model)));
  const written = engine.scope(() =>
    prefixWrites(engine, run, nodes, sourceValue(engine, model, run, path.source, level)),
  );
  let ends: Ends<T> = engine.scope(() => readoutEnds(engine, readout, ways.at(-1) ?? []));
  let exhaustive = true;
  try {
    for (let i = nodes.length - 1; i >= 0; i--) {
      const [node, after] = [nodes[i] as Step<T>, ends]; // i < length
      ends = engine.scope(() => endsBefore(engine, run, node, after, ways[i] ?? []));
      engine.free(after.covectors);
      if (i > 0 && ends.positions.length > held) {
        const { kept, all } = await largestEnds(engine, ends, written[i] as T, held);
        exhaustive = false;
        engine.free(all.covectors);
        ends = kept;
      }
      await pause(signal);
    }
    const effects = await endSums(engine, ends, written[0] as T); // the source is always there
    const shown = ends.positions
      .map((positions, i): Route => ({ positions, effect: effects[i] ?? Number.NaN }))
      .sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect))
      .slice(0, routes);
    const notShown = path.effect - shown.reduce((sum, { effect }) => sum + effect, 0);
    return { shown, count, notShown, exhaustive };
  } finally {
    engine.free([ends.covectors, written]);
  }
}

/** The operations of two hops through an attention block, all ends kept, to know what a path's routes take. */
export function outlineRoutes<T extends Shaped>(
  ops: Ops<T>,
  run: FrozenRun<T>,
  readout: Readout<T>,
  node: Step<T>,
): void {
  const ways = routeWays([node, node], run.positions, null);
  const last = readoutEnds(ops, readout, ways[2] ?? []);
  endsBefore(ops, run, node, endsBefore(ops, run, node, last, ways[1] ?? []), ways[0] ?? []);
}

/** What the source is, and what each node but the last makes of what comes along the path: `pos, d_model` each. */
function prefixWrites<T extends Shaped>(
  ops: Ops<T>,
  run: FrozenRun<T>,
  nodes: readonly Step<T>[],
  source: T,
): T[] {
  const sites = frozenAt(run.gates);
  const written = [source];
  for (const node of nodes.slice(0, -1)) {
    const came = written.at(-1) as T; // never empty
    written.push(nodeWrite(ops, node, withoutBiases(node.weights), came, sites));
  }
  return written;
}

/** The readout as ends without a node: one for each position that it looks at and something can reach. */
function readoutEnds<T extends Shaped>(
  ops: Ops<T>,
  readout: Readout<T>,
  ways: readonly bigint[],
): Ends<T> {
  const { values, at } = readout.covector;
  const places = ways.flatMap((own, pos) => (own > 0n && readsAt(readout, pos) ? [pos] : []));
  const rows =
    at === undefined ? ops.rename(values, { pos: "route" }) : ops.broadcast(values, { route: 1 });
  const taken = at === undefined ? takeEntries(ops, rows, "route", places, "route") : rows; // there are routes
  return {
    positions: places.map((pos) => [pos]),
    covectors: ops.scale(ops.arrange(taken, ["route", "d_model"]), 1), // a copy, to be freed
  };
}

/** Ends with one more node before them: those of one position together. Every end has a way from the source. */
function endsBefore<T extends Shaped>(
  ops: Ops<T>,
  run: FrozenRun<T>,
  node: Step<T>,
  { positions, covectors }: Ends<T>,
  ways: readonly bigint[],
): Ends<T> {
  const groups = new Map<number, number[]>();
  positions.forEach(([first = 0], end) => {
    groups.set(first, [...(groups.get(first) ?? []), end]);
  });
  const found: (readonly number[])[] = [];
  const parts = [...groups].map(([at, ends]) => {
    const values = takeEntries(ops, covectors, "route", ends, "route");
    const pulled = pullBack(ops, run, node, { values, at });
    if (pulled.at !== undefined) {
      found.push(...ends.map((end) => [at, ...(positions[end] ?? [])]));
      return ops.arrange(pulled.values, ["route", "d_model"]);
    }
    const keys = ways.flatMap((own, key) => (own > 0n && allowed(node, key, at) ? [key] : []));
    const some = takeEntries(ops, pulled.values, "pos", keys, "pos");
    found.push(...ends.flatMap((end) => keys.map((key) => [key, ...(positions[end] ?? [])])));
    return ops.join(ops.arrange(some, ["route", "pos", "d_model"]), ["route", "pos"], "route");
  });
  return {
    positions: found,
    covectors: parts.length === 1 ? (parts[0] as T) : ops.concat(parts, "route"),
  };
}

/** What all routes with each of these ends add up to; their effects, where nothing comes before. */
function endSums<T extends Shaped>(
  engine: Engine<T>,
  { positions, covectors }: Ends<T>,
  written: T,
): Promise<number[]> {
  const places = positions.map(([first = 0]) => first);
  return using(
    engine,
    () =>
      engine.sum(engine.mul(covectors, engine.take(written, "pos", rowsOf(places))), ["d_model"]),
    async (sums) => Array.from(await readNumbers(engine, sums)),
  );
}

const rowsOf = (places: readonly number[]) => ({
  shape: { route: places.length },
  data: Int32Array.from(places),
});

async function largestEnds<T extends Shaped>(
  engine: Engine<T>,
  all: Ends<T>,
  written: T,
  held: number,
): Promise<{ readonly kept: Ends<T>; readonly all: Ends<T> }> {
  const sums = await endSums(engine, all, written);
  const size = (end: number): number => Math.abs(sums[end] ?? 0);
  const chosen = sums
    .map((_, end) => end)
    .sort((a, b) => size(b) - size(a))
    .slice(0, held);
  const covectors = engine.scope(() =>
    takeEntries(engine, all.covectors, "route", chosen, "route"),
  );
  return { all, kept: { positions: chosen.map((end) => all.positions[end] ?? []), covectors } };
}
