import { cpus, loadavg } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { Contestant, Running } from "./contestant.ts";
import type { Introduction } from "./task.ts";

/** Milliseconds that the processors are watched before a measurement, and share of them that may be busy. */
const WATCH = 120;
const QUIET = 0.1;

/** The least and most rounds of a task. */
const FEWEST = 3;
const MOST = 15;

/** How one contestant did at one task. */
export interface Score {
  readonly contestant: string;
  readonly introduction: Introduction;
  readonly milliseconds: readonly number[];
  /** The same on the processors, all threads together: where other programs run, they disturb it less. */
  readonly cpuMilliseconds: readonly number[];
  /** The most memory its process had resident, from its start to its end. */
  readonly peakBytes: number;
  /** `‖result − result of the first contestant‖ / ‖result of the first contestant‖` */
  readonly difference: number;
  /** What one turn did, by count, where that is counted. */
  readonly counts?: Readonly<Record<string, number>>;
}

/** One that could not do a task, or not to the end. */
interface Dropout {
  readonly contestant: string;
  readonly why: string;
}

export interface Contest {
  readonly scores: readonly Score[];
  readonly dropouts: readonly Dropout[];
  /** The machine's mean load of the last minute, at the start. */
  readonly load: number;
  /** Share of the measurements that began while no other program was busy. */
  readonly quiet: number;
}

export interface ContestOptions {
  /** Milliseconds to wait before each measurement until other programs are quiet, at most: they may never end. */
  readonly patience: number;
  /** Milliseconds that the rounds should take together. */
  readonly budget: number;
  /** Milliseconds that each does the task before any is measured, in whole turns; default: two turns. */
  readonly warmUp?: number;
  /** A contestant whose first turn takes more milliseconds is timed once; default: none is. */
  readonly slow?: number;
}

/** A contestant that is ready, and what has been measured of it. */
interface Runner {
  readonly name: string;
  readonly running: Running;
  readonly times: number[];
  readonly cpuTimes: number[];
  readonly difference: number;
  /** At most so many. */
  readonly turns: number;
}

/**
 * All contestants at one task, in turn, so that a drift of the machine meets all of them. One that ends before the
 * others, or cannot do it, drops out.
 *
 * @param task what each of them understands
 */
export async function contest(
  contestants: readonly Contestant[],
  task: object,
  { patience, budget, warmUp = 0, slow = Number.POSITIVE_INFINITY }: ContestOptions,
): Promise<Contest> {
  const load = loadavg()[0] ?? Number.NaN;
  const field: Runner[] = [];
  const dropouts: Dropout[] = [];
  /** What one does, or its reason why not: then it takes part no longer. */
  const attempt = async <R>(contestant: string, act: () => Promise<R>): Promise<R | undefined> => {
    try {
      return await act();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      dropouts.push({ contestant, why });
      process.stderr.write(`${contestant} could not do it: ${why.split("\n")[0]}\n`);
      return undefined;
    }
  };
  try {
    let reference: Float32Array | undefined;
    for (const contestant of contestants) {
      const { name } = contestant;
      const running = await attempt(name, () => contestant.start(task));
      if (running === undefined) continue;
      const began = performance.now();
      const result = await attempt(name, () => running.result()); // of its warm-up, too
      const turns = performance.now() - began > slow ? 1 : MOST;
      let ready = result !== undefined;
      while (ready && turns > 1 && performance.now() - began < warmUp)
        ready = (await attempt(name, () => running.time())) !== undefined;
      if (result === undefined || !ready) {
        await running.end();
        continue;
      }
      reference ??= result;
      const difference = distance(result, reference);
      field.push({ name, running, times: [], cpuTimes: [], difference, turns });
    }
    let rounds = FEWEST;
    let [measured, undisturbed] = [0, 0];
    for (let round = 0; round <= rounds; round++) {
      let sum = 0;
      for (const { name, running, times, cpuTimes, turns } of inPlay(field, dropouts)) {
        if (turns === 1 ? round !== 1 : round > turns) continue;
        measured++;
        if (await quiet(patience)) undisturbed++;
        const took = await attempt(name, () => running.time());
        if (took === undefined) continue;
        const { ms, cpu } = took;
        sum += ms;
        if (round === 0) continue; // once more warm-up
        times.push(ms);
        cpuTimes.push(cpu);
      }
      if (round === 0) rounds = Math.min(MOST, Math.max(FEWEST, Math.round(budget / sum)));
    }
    const scores: Score[] = [];
    for (const { name, running, times, cpuTimes, difference } of inPlay(field, dropouts)) {
      const counts = await running.counts?.();
      scores.push({
        ...{ contestant: name, introduction: running.introduction, difference },
        ...{ milliseconds: times, cpuMilliseconds: cpuTimes, peakBytes: await running.peak() },
        ...(counts === undefined ? {} : { counts }),
      });
    }
    return { scores, dropouts, load, quiet: undisturbed / measured };
  } finally {
    await Promise.all(field.map(({ running }) => running.end()));
  }
}

function inPlay(field: readonly Runner[], dropouts: readonly Dropout[]): Runner[] {
  return field.filter(({ name }) => !dropouts.some(({ contestant }) => contestant === name));
}

/**
 * Waits until the processors are idle: threads of a BLAS look for work for some time after the last, and other
 * programs may run. Whether it came to that.
 */
async function quiet(patience: number): Promise<boolean> {
  for (let waited = 0; waited < patience; waited += WATCH) {
    const before = idle();
    await pause(WATCH);
    const after = idle();
    if (after.idle - before.idle >= (1 - QUIET) * (after.all - before.all)) return true;
  }
  return false;
}

/** Milliseconds that all processors have been idle, and have been. */
function idle(): { idle: number; all: number } {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);
  return { idle: sum(times.map((t) => t.idle)), all: sum(times.flatMap((t) => Object.values(t))) };
}

function distance(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.NaN;
  let [difference, size] = [0, 0];
  b.forEach((x, i) => {
    difference += ((a[i] ?? Number.NaN) - x) ** 2;
    size += x ** 2;
  });
  return Math.sqrt(difference / size);
}
