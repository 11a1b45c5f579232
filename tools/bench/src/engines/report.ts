import { cpus } from "node:os";
import type { Score } from "../torch/contest.ts";
import { type Row, table, timesOf } from "../torch/table.ts";
import { versions } from "./contestants.ts";
import type { Group } from "./groups.ts";
import { multiplications } from "./task.ts";

/** A group after its contests. */
export interface Measured {
  readonly group: Group;
  readonly rows: readonly Row[];
  /** Chromium's or Node's. */
  readonly version: string;
}

/** What the counts of a table are called. */
const COUNTS: Readonly<Record<string, string>> = {
  dispatches: "dispatches",
  commands: "command buffers",
  pipelines: "pipelines",
  bound: "MB that kernels see",
  written: "kB to the device",
  read: "kB from the device",
};

/** The section of a run: each group's tables. */
export function enginesReport(groups: readonly Measured[], threads: number): string {
  const machine = `${threads} cores of ${cpus()[0]?.model.trim() ?? "a processor"}, ${new Date().toISOString().slice(0, 10)}, ${threads} threads each where they have any, float32`;
  return [
    `\`pnpm --filter @resolvent/bench engines\`: ${machine}. ${versions()}.`,
    "What differs from run to run goes in from the host and the result comes out to it (logits of all positions; of products the sum over their rows), for everybody; weights are with the engine already. Everybody has a page or process of its own; all take turns. The median counts, and the best, in brackets, where other programs run. Contestants whose first turn takes more than 8 s are timed once.",
    ...groups.map((one) => groupReport(one)),
  ].join("\n\n");
}

function groupReport({ group, rows: all, version }: Measured): string {
  // Who could not do something, and why, is a list of its own: reasons of browsers are long.
  const rows = all.map((row) => ({ ...row, dropouts: [] }));
  const load = rows.map((row) => row.load.toFixed(1)).join(", ");
  const quiet = rows.map((row) => Math.round(100 * row.quiet)).join(", ");
  const who = new Map(
    rows.flatMap(({ scores }) => scores).map((score) => [score.contestant, score.introduction.is]),
  );
  const failures = new Map<string, string[]>();
  for (const { task, dropouts: some } of all) {
    for (const { contestant, why } of some) {
      const line = `${contestant}: ${firstLine(why)}`;
      failures.set(line, [...(failures.get(line) ?? []), task]);
    }
  }
  const counted = rows.some(({ scores }) => scores.some(({ counts }) => counts?.dispatches));
  return [
    `### ${group.title}`,
    `${version}; load ${load}; ${quiet} % of the measurements began with idle processors. ${[...who].map(([name, is]) => `${name}: ${is}`).join("; ")}.`,
    `Milliseconds:\n\n${table(rows, shown)}`,
    `Products, GFLOP/s:\n\n${table(
      rows.filter(({ task }) => speedOf(group, task) !== undefined),
      (score, { task, pieces }) => {
        const operations = 2 * (speedOf(group, task) ?? Number.NaN);
        const { median, best } = timesOf(score, pieces);
        const speed = (ms: number): string => (operations / ms / 1e6).toFixed(1);
        return `${speed(median)} (${speed(best)})`;
      },
    )}`,
    `How many times as fast as the fastest of the others, by medians (by the best); below 1 is a loss:\n\n${ratios(group, rows)}`,
    `Relative difference of the results to those of the first column:\n\n${table(rows, (score) => score.difference.toExponential(0))}`,
    ...(counted
      ? [
          `One turn by count (${Object.values(COUNTS).join(" / ")}; pipelines since the start):\n\n${table(rows, countsOf)}`,
        ]
      : []),
    ...(failures.size === 0
      ? []
      : [
          `Not done:\n\n${[...failures].map(([line, tasks]) => `- ${line} (${tasks.join("; ")})`).join("\n")}`,
        ]),
  ].join("\n\n");
}

function speedOf({ tasks }: Group, name: string): number | undefined {
  const task = tasks[name];
  return task && multiplications(task);
}

function shown(score: Score): string {
  const { median, best } = timesOf(score, 1);
  const figure = (ms: number): string => (ms < 10 ? ms.toFixed(2) : ms.toFixed(0));
  return `${figure(median)} (${figure(best)})`;
}

function ratios(group: Group, rows: readonly Row[]): string {
  const isOurs = ({ contestant }: Score): boolean => group.ours.includes(contestant);
  const rivals = new Map(rows.map(({ task, scores }) => [task, scores.filter((s) => !isOurs(s))]));
  const ours = rows
    .filter(({ task }) => rivals.get(task)?.length !== 0)
    .map((row) => ({ ...row, scores: row.scores.filter(isOurs) }));
  return table(ours, (score, { task }) => {
    const ratio = (which: "median" | "best"): string => {
      const fastest = Math.min(...(rivals.get(task) ?? []).map((one) => timesOf(one, 1)[which]));
      return (fastest / timesOf(score, 1)[which]).toFixed(2);
    };
    return `${ratio("median")} (${ratio("best")})`;
  });
}

function countsOf({ counts }: Score): string {
  if (!counts?.dispatches) return "–";
  const { dispatches, commands, pipelines, bound = 0, written = 0, read = 0 } = counts;
  const [seen, to, from] = [bound / 1e6, written / 1e3, read / 1e3].map((x) => x.toFixed(0));
  return `${dispatches} / ${commands} / ${pipelines} / ${seen} / ${to} / ${from}`;
}

function firstLine(why: string): string {
  return (why.split("\n")[0] ?? "").replace(/^(page\.evaluate: )?(Error: )?/, "").slice(0, 200);
}
