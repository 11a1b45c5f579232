import type { Ops, Shaped } from "@resolvent/tensor";
import { takeEntries } from "@resolvent/tensor";
import {
  type Block,
  blockWrite,
  constantOf,
  type Parts,
  type PartWrites,
  type Sites,
  someParts,
} from "@resolvent/transformer";
import { type Plan, stageOf, type Unit } from "./plan.ts";
import type { PlayerSet } from "./subsets.ts";

/** Runs in which some sets of players write, on their way through the model. */
export interface Job<T> {
  /** The sets, as far as players have had their first part. */
  readonly sets: readonly PlayerSet[];
  /** The residual stream of each: `subset, pos, d_model`. */
  readonly streams: T;
  /** The stage that comes next. */
  readonly stage: number;
  /** Where a stage was left in its middle. */
  readonly within?: Within<T>;
}

/** What a block wrote: as a whole, or, where it is divided, its parts, and what belongs to none if only that says it. */
interface Made<T> {
  readonly whole?: T;
  readonly parts?: Pick<PartWrites<T>, "each" | "directions">;
  readonly rest?: T | undefined;
}

/** A stage whose blocks have run, while their parts are added. */
interface Within<T> {
  /** The part that comes next. */
  readonly unit: number;
  /** What blocks wrote, by block: an entry along `subset` for each run before the stage that they were run on. */
  readonly writes: ReadonlyMap<string, Made<T>>;
  /** For each set of the job, by block, which entry it is. */
  readonly entries: ReadonlyMap<string, readonly number[]>;
}

/** Where runs begin: no player has been met. */
export function firstJob<T extends Shaped>(ops: Ops<T>, embedding: T): Job<T> {
  return { sets: [[]], streams: ops.broadcast(embedding, { subset: 1 }), stage: 0 };
}

/** A job after a stage, and the halves of it that did not fit. */
export interface Stepped<T> {
  readonly next: Job<T>;
  readonly left: readonly Job<T>[];
}

/**
 * Takes a job through its next stage. Subsets share their prefixes: up to a block, sets that differ in later players
 * only are one run, and a block runs on those alone in which it may write. Where a chunk grows too large it is
 * halved, and the second half is left as a job of its own.
 *
 * @param release frees what is no longer needed, before the stage ends; default nothing
 */
export function throughStage<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  plan: Plan,
  job: Job<T>,
  sites: Sites<T>,
  release: (value: T) => void = () => undefined,
): Stepped<T> {
  return ops.scope(() => {
    const left: Job<T>[] = [];
    const leave = (half: Job<T>): void => void left.push(half);
    const { units } = stageOf(plan, job.stage);
    let state = job.within === undefined ? begun(ops, stage, plan, job, sites, leave) : job;
    for (let u = state.within?.unit ?? 0; u < units.length; u++) {
      const before = state;
      const grown = addUnit(ops, stage, plan, before, units[u] as Unit); // u < length
      state = halved(
        ops,
        { ...grown, within: { ...grown.within, unit: u + 1 } },
        plan.streams,
        leave,
      );
      for (const { streams } of [before, grown]) {
        if (streams !== job.streams && streams !== state.streams) release(streams);
      }
    }
    return { next: { sets: state.sets, streams: state.streams, stage: job.stage + 1 }, left };
  });
}

/** A job as it enters a stage, whose blocks have run. */
function begun<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  plan: Plan,
  job: Job<T>,
  sites: Sites<T>,
  leave: (half: Job<T>) => void,
): Job<T> {
  const first = halved(ops, job, stageOf(plan, job.stage).runs, leave);
  return { ...first, within: { unit: 0, ...written(ops, stage, plan, first, sites) } };
}

/** Runs the stage's blocks on those sets in which they may come to write. */
function written<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  plan: Plan,
  job: Job<T>,
  sites: Sites<T>,
): Pick<Within<T>, "writes" | "entries"> {
  const { units, parts } = stageOf(plan, job.stage);
  const writes = new Map<string, Made<T>>();
  const entries = new Map<string, readonly number[]>();
  for (const block of stage) {
    const own = units.filter((unit) => unit.block === block.name);
    const runs = job.sets.flatMap((set, i) =>
      own.some((unit) => mayWrite(plan, unit, set, job.stage)) ? [i] : [],
    );
    if (runs.length === 0) continue;
    const read = takeEntries(ops, job.streams, "subset", runs, "subset");
    const kind = parts.get(block.name);
    const made = ops.scope((): Made<T> => {
      if (kind === undefined) return { whole: blockWrite(ops, block, read, sites) };
      const { whole, ...own } = kind.writes(ops, block, read, sites);
      if (kind.constant !== undefined) return { parts: own };
      return { parts: own, rest: constantOf(ops, kind, block, { whole, ...own }) };
    });
    writes.set(block.name, made);
    const places = new Map(runs.map((run, place) => [run, place]));
    entries.set(
      block.name,
      job.sets.map((_, i) => places.get(i) ?? -1),
    );
  }
  return { writes, entries };
}

/** Whether a set before a stage can become one in which the unit writes. */
function mayWrite(plan: Plan, { player }: Unit, set: PlayerSet, stage: number): boolean {
  if (player === undefined || set.includes(player)) return true;
  return plan.firstStage[player] === stage && set.length < plan.order;
}

/** Adds what a part writes to the sets that have it; at a player's first part each small enough set becomes two. */
function addUnit<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  plan: Plan,
  job: Job<T>,
  unit: Unit,
): Job<T> & { readonly within: Within<T> } {
  const { sets, streams } = job;
  const within = job.within ?? { unit: 0, writes: new Map(), entries: new Map() };
  const { player, first } = unit;
  const on = sets.flatMap((set, i) => {
    if (player === undefined) return [i];
    return (first ? set.length < plan.order : set.includes(player)) ? [i] : [];
  });
  const off = first
    ? sets.map((_, i) => i)
    : sets.flatMap((set, i) => (player === undefined || set.includes(player) ? [] : [i]));
  if (on.length === 0) return { ...job, within };
  const entries = within.entries.get(unit.block) ?? [];
  const origins = [...off, ...on];
  const grown = ops.scope(() => {
    const places = on.map((i) => entries[i] ?? -1);
    const block = stage.find(({ name }) => name === unit.block);
    const kind = stageOf(plan, job.stage).parts.get(unit.block);
    const write = unitWrite(ops, unit, within.writes.get(unit.block), { block, kind, places });
    const chosen = takeEntries(ops, streams, "subset", on, "subset");
    const writing = write === undefined ? chosen : ops.add(chosen, write);
    if (off.length === 0) return writing;
    return ops.concat([takeEntries(ops, streams, "subset", off, "subset"), writing], "subset");
  });
  const joined = (set: PlayerSet): PlayerSet =>
    first && player !== undefined ? [...set, player].sort((a, b) => a - b) : set;
  return {
    ...job,
    sets: [
      ...off.map((i) => sets[i] as PlayerSet), // indices of sets
      ...on.map((i) => joined(sets[i] as PlayerSet)),
    ],
    streams: grown,
    within: {
      ...within,
      entries: new Map(
        [...within.entries].map(([block, all]) => [block, origins.map((i) => all[i] ?? -1)]),
      ),
    },
  };
}

/** What a unit writes at some entries of its block's runs; undefined where it consists of nothing. */
function unitWrite<T extends Shaped>(
  ops: Ops<T>,
  unit: Unit,
  made: Made<T> | undefined,
  {
    block,
    kind,
    places,
  }: {
    readonly block: Block<T> | undefined;
    readonly kind: Parts | undefined;
    readonly places: readonly number[];
  },
): T | undefined {
  const chosen = (x: T): T => takeEntries(ops, x, "subset", places, "subset");
  const { whole, parts, rest } = made ?? {};
  if (unit.parts === undefined || parts === undefined) return whole && chosen(whole);
  const own = block && kind?.constant?.of(ops, block);
  const constant = unit.constant ? (own ?? (rest && chosen(rest))) : undefined;
  if (unit.parts.length === 0) return constant;
  const sum = chosen(someParts(ops, parts, unit.parts));
  return constant === undefined ? sum : ops.add(sum, constant);
}

/** The first half of a job, again and again, until it is small enough; the other halves are left for later. */
function halved<T extends Shaped, J extends Job<T>>(
  ops: Ops<T>,
  job: J,
  most: number,
  leave: (half: Job<T>) => void,
): J {
  let rest = job;
  while (rest.sets.length > most) {
    const middle = rest.sets.length >> 1;
    leave(piece(ops, rest, middle, rest.sets.length));
    rest = piece(ops, rest, 0, middle);
  }
  return rest;
}

function piece<T extends Shaped, J extends Job<T>>(
  ops: Ops<T>,
  job: J,
  from: number,
  to: number,
): J {
  const streams = ops.slice(job.streams, "subset", from, to);
  const sets = job.sets.slice(from, to);
  if (job.within === undefined) return { ...job, sets, streams };
  const writes = new Map<string, Made<T>>();
  const entries = new Map<string, readonly number[]>();
  for (const [block, all] of job.within.entries) {
    const own = all.slice(from, to);
    const needed = [...new Set(own)].filter((entry) => entry >= 0);
    const made = job.within.writes.get(block);
    if (needed.length === 0 || made === undefined) continue;
    // Copies: the halves are freed apart.
    const ids = { shape: { subset: needed.length }, data: Int32Array.from(needed) };
    const copy = (x: T): T => ops.take(x, "subset", ids);
    const { parts, rest } = made;
    writes.set(block, {
      ...(made.whole && { whole: copy(made.whole) }),
      ...(parts && {
        parts: {
          each: copy(parts.each),
          ...(parts.directions && { directions: ops.scale(parts.directions, 1) }),
        },
      }),
      ...(rest && { rest: copy(rest) }),
    });
    entries.set(
      block,
      own.map((entry) => needed.indexOf(entry)),
    );
  }
  return { ...job, sets, streams, within: { ...job.within, writes, entries } };
}
