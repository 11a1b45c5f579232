import {
  type Engine,
  InputError,
  inOrder,
  type Precision,
  type Shaped,
  STACK_MEMORY,
  using,
} from "@resolvent/tensor";
import { frozenAt, type Model, type Sites, tokenIds } from "@resolvent/transformer";
import { type Anatomy, anatomyOf } from "../anatomy.ts";
import { checkGates, type Gate } from "../gates.ts";
import { readStream } from "../stream-numbers.ts";
import { addMoebius } from "./moebius.ts";
import { type Plan, planOf } from "./plan.ts";
import { type Player, type PlayerChoice, playersOf } from "./players.ts";
import { firstJob, type Job, throughStage } from "./subset-runs.ts";
import { checkOrder, keyOf, type PlayerSet, setsUpTo } from "./subsets.ts";

/** Bytes of finished runs that are held on the host, 2 GiB; of more, all runs are done again for each part of d_model. */
const RUNS_MEMORY: number = 2 ** 31;

export interface InteractionOptions {
  /** Who plays; default blocks. */
  readonly players?: PlayerChoice;
  /** The largest sets; default all for up to 12 players, pairs above. */
  readonly order?: number;
  /** The gates that are held at the run's values; default none. With all of them blocks are affine. */
  readonly freeze?: readonly Gate[];
  /** Bytes that runs may take at their peak on the engine; default 512 MiB. */
  readonly memory?: number;
  /** Bytes of finished runs on the host; default 2 GiB. */
  readonly runsMemory?: number;
}

/** The Möbius terms of a run in numbers. */
export interface InteractionTerms {
  readonly players: readonly Player[];
  /** All sets of up to the order, by size, then alphabetically. */
  readonly sets: readonly PlayerSet[];
  /** `‖I(S)‖` of each set. */
  readonly norms: Float64Array;
  /** `Σ_{|S|=k} I(S)` for each `k`: `pos, d_model`. */
  readonly orders: readonly Float64Array[];
  /** `T` of the run: `pos, d_model`. */
  readonly residual: Float64Array;
}

/** What is heeded while runs are done. */
export interface InteractionWork {
  readonly signal?: AbortSignal;
  /** Sets that have been run, and all of them. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** The options, checked against a model, and how the work is divided. */
export function prepare<T extends Shaped>(
  model: Model<T>,
  positions: number,
  precision: Precision,
  options: InteractionOptions,
): {
  readonly plan: Plan;
  readonly freeze: readonly Gate[];
  readonly sets: readonly PlayerSet[];
  /** Parts of `d_model` that runs are done for, one after the other. */
  readonly parts: readonly (readonly [from: number, to: number])[];
} {
  const { memory = STACK_MEMORY, runsMemory = RUNS_MEMORY } = options;
  const players = playersOf(model.architecture, options.players ?? { kind: "blocks" });
  if (players.length === 0) {
    throw new InputError({
      code: "expansion/no-players",
      message: "There are no players.",
      remedy: "Name at least one group of blocks or heads.",
    });
  }
  const order = checkOrder(players.length, options.order);
  const sets = setsUpTo(players.length, order);
  const { d_model } = model.architecture;
  const column = sets.length * positions * (precision === "f64" ? 8 : 4);
  const count = Math.min(d_model, Math.ceil((column * d_model) / runsMemory));
  const parts = Array.from({ length: Math.max(1, count) }, (_, i) => {
    const at = (k: number): number => Math.floor((k * d_model) / Math.max(1, count));
    return [at(i), at(i + 1)] as const;
  });
  const plan = planOf(model, players, order, positions, memory, precision);
  return { plan, freeze: checkGates(options.freeze ?? []), sets, parts };
}

/**
 * The Möbius terms of a run (MATHS 2.2): `I(S) = Σ_{R⊆S} (−1)^{|S|−|R|} m(R)`, with `m(S)` the final residual stream
 * when only the players in `S` write, everything else recomputed.
 *
 * All subsets go through the model in stacks, each prefix of a set once: all subsets of `n` blocks take
 * `(2ⁿ − 1)/n` forward passes. What they come to is kept on the host, and transformed there in float64.
 *
 * @throws InputError `expansion/no-players`, `expansion/bad-order`, `expansion/too-many-sets`,
 *   `expansion/unknown-gate`, what `playersOf` throws, and for bad tokens
 */
export async function interactionTerms<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: InteractionOptions & InteractionWork = {},
): Promise<InteractionTerms> {
  const { signal, onProgress } = options;
  const ids = tokenIds(tokens);
  const { precision } = engine;
  const { plan, freeze, sets, parts } = prepare(model, tokens.length, precision, options);
  const places = new Map(sets.map((set, i) => [keyOf(set), i]));
  const { d_model } = model.architecture;
  const sums = {
    squares: new Float64Array(sets.length),
    orders: Array.from({ length: plan.order + 1 }, () => new Float64Array(tokens.length * d_model)),
  };
  const total = sets.length * parts.length;
  let done = 0;
  const residual = await using(
    engine,
    () => anatomyOf(engine, model, ids, freeze),
    async (anatomy) => {
      for (const [from, to] of parts) {
        const width = tokens.length * (to - from);
        const values = new (precision === "f64" ? Float64Array : Float32Array)(sets.length * width);
        await allRuns(engine, model, plan, anatomy, async (chunk, streams) => {
          const part = engine.scope(() => engine.slice(streams, "d_model", from, to));
          const read = inOrder(await engine.read(part), ["subset", "pos", "d_model"]).data;
          engine.free(part);
          chunk.forEach((set, i) => {
            const place = places.get(keyOf(set)) as number; // every set is planned
            values.set(read.subarray(i * width, (i + 1) * width), place * width);
          });
          done += chunk.length;
          onProgress?.({ done, total });
          await new Promise((resolve) => setTimeout(resolve)); // lets events through
          signal?.throwIfAborted();
        });
        const columns = Int32Array.from({ length: width }, (_, i) => {
          const pos = Math.floor(i / (to - from));
          return pos * d_model + from + (i % (to - from));
        });
        addMoebius(sets, values, width, sums, columns);
      }
      return readStream(engine, anatomy.residual);
    },
  );
  return {
    players: plan.players,
    sets,
    norms: sums.squares.map(Math.sqrt),
    orders: sums.orders,
    residual,
  };
}

/** Runs all sets, chunk by chunk. */
async function allRuns<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  plan: Plan,
  anatomy: Anatomy<T>,
  onChunk: (sets: readonly PlayerSet[], streams: T) => Promise<void>,
): Promise<void> {
  const sites: Sites<T> = frozenAt(anatomy.gates);
  const jobs: Job<T>[] = [engine.scope(() => firstJob(engine, anatomy.embedding))];
  try {
    for (let job = jobs.at(-1); job !== undefined; job = jobs.at(-1)) {
      const { sets, streams } = toTheEnd(engine, model, plan, jobs, job, sites);
      await onChunk(sets, streams);
      engine.free(jobs.pop());
    }
  } finally {
    engine.free(jobs);
  }
}

/** Takes the last job through all stages; it stays the last of the list, after what it left. */
function toTheEnd<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  plan: Plan,
  jobs: Job<T>[],
  first: Job<T>,
  sites: Sites<T>,
): Job<T> {
  let job = first;
  let index = 0;
  for (const stage of model.stages) {
    if (index++ < first.stage) continue;
    const before = job;
    const { next, left } = throughStage(engine, stage, plan, before, sites, (value) =>
      engine.free(value),
    );
    job = next;
    jobs.splice(jobs.length - 1, 1, ...left, next);
    if (before.streams !== next.streams) engine.free(before.streams);
    engine.free(before.within?.writes);
  }
  return job;
}
