import { cpus } from "node:os";
import type { Part } from "./chunks.ts";
import type { Scene } from "./scenes.ts";

/** A time, and what it is to be. */
export interface Time {
  readonly what: string;
  /** Milliseconds, of each round. */
  readonly rounds: readonly number[];
  readonly goal: number | null;
}

export interface LabFigures {
  readonly browser: string;
  /** Programs that wanted to run, before and after. */
  readonly load: readonly [before: number, after: number];
  readonly scenes: readonly Scene[];
  /** What was drawn: paths, nodes. */
  readonly sizes: readonly string[];
  readonly times: readonly Time[];
  readonly parts: readonly Part[];
  readonly page: number;
}

/** Frames per second that are asked for. */
const FRAMES = 50;

/** The section of a run. */
export function labReport(of: LabFigures): string {
  const machine = `${cpus().length} cores of ${cpus()[0]?.model.trim() ?? "a processor"}, no graphics processor, ${new Date().toISOString().slice(0, 10)}`;
  const load = of.load.map((one) => one.toFixed(1)).join(" before and ");
  return [
    `\`pnpm --filter @resolvent/bench lab\`: ${machine}; ${of.browser}; load ${load} after. The built app from this machine; everything is drawn by the processor.`,
    `Frames per second while somebody points, clicks and scrolls (at most 60, goal ${FRAMES}), and milliseconds between two frames; ${of.sizes.join("; ")}:\n\n${frames(of.scenes)}`,
    `Milliseconds, median (best, worst) of the rounds; a task is of the main thread, and 0 where none was longer than 50:\n\n${times(of.times)}`,
    `Scripts and styles, min + gzip, each file where it was first asked for; kernels, weights and the page itself (${kB(of.page)}, its first result and its picture in it) apart:\n\n${bytes(of.parts)}`,
  ].join("\n\n");
}

function frames(scenes: readonly Scene[]): string {
  const rows = scenes.map(
    ({ what, frames: { perSecond, p95, worst } }) =>
      `| ${what} | ${perSecond.toFixed(0)}${perSecond < FRAMES ? ", missed" : ""} | ${p95.toFixed(0)} | ${worst.toFixed(0)} |`,
  );
  return ["|  | per second | 95th of 100 | longest |", "|---|---|---|---|", ...rows].join("\n");
}

function times(all: readonly Time[]): string {
  const rows = all.map(({ what, rounds, goal }) => {
    const sorted = rounds.toSorted((a, b) => a - b);
    const median = sorted[sorted.length >> 1] ?? Number.NaN;
    const missed = goal !== null && median > goal ? ", missed" : "";
    return `| ${what} | ${median.toFixed(0)} (${sorted[0]?.toFixed(0)}, ${sorted.at(-1)?.toFixed(0)}) | ${goal === null ? "" : `${goal}${missed}`} |`;
  });
  return ["|  | ms | goal |", "|---|---|---|", ...rows].join("\n");
}

function bytes(parts: readonly Part[]): string {
  const rows = parts.map(
    ({ what, bytes: own, files, goal }) =>
      `| ${what} | ${kB(own)} | ${files} | ${goal === null ? "" : `${kB(goal)}${own > goal ? ", missed" : ""}`} |`,
  );
  return ["|  | bytes | files | goal |", "|---|---|---|---|", ...rows].join("\n");
}

function kB(own: number): string {
  return `${(own / 1000).toFixed(1)} kB`;
}
