import { cpus } from "node:os";
import type { Score } from "../torch/contest.ts";
import { isOurs } from "../torch/field.ts";
import { type Row, rowOf, table, timesOf } from "../torch/table.ts";

/** The tables of a run. */
export function dictionaryReport(rows: readonly Row[], threads: number): string {
  const machine = `${threads} cores of ${cpus()[0]?.model.trim() ?? "a processor"}, ${new Date().toISOString().slice(0, 10)}, ${threads} threads each, float32`;
  const load = rows.map((row) => row.load.toFixed(1)).join(", ");
  const quiet = rows.map((row) => Math.round(100 * row.quiet)).join(", ");
  const who = new Map(
    rows
      .flatMap(({ scores }) => scores)
      .map(({ contestant, introduction: { is, blas } }) => [
        contestant,
        `${contestant}: ${is}, ${blas === null ? "no BLAS" : `OpenBLAS for ${blas}`}`,
      ]),
  );
  return [
    `\`pnpm --filter @resolvent/bench dictionary\`: ${machine}; load ${load}; ${quiet} % of the measurements began with idle processors.`,
    `${[...who.values()].join("; ")}.`,
    `Milliseconds, median (best):\n\n${table(rows, shown)}`,
    `The same on the processors, both threads together:\n\n${table(rows, (score) => shown({ ...score, milliseconds: score.cpuMilliseconds }))}`,
    `How many times as fast as the fastest PyTorch of the row, by medians (by the best; by time on the processors); below 1 is a loss:\n\n${ratios(rows)}`,
    `Most memory resident, MiB, weights and program included:\n\n${table(rows, ({ peakBytes }) => `${Math.round(peakBytes / 2 ** 20)}`)}`,
    `Relative difference of the results to those of the first column (sums over the activations of a row, weighted by their features' numbers; losses and gradient norm):\n\n${table(rows, (score) => score.difference.toExponential(0))}`,
  ].join("\n\n");
}

function shown(score: Score): string {
  const { median, best } = timesOf(score, 1);
  return `${Math.round(median)} (${Math.round(best)})`;
}

function ratios(rows: readonly Row[]): string {
  const rivals = new Map(
    rows.map(({ task, scores }) => [task, scores.filter(({ contestant }) => !isOurs(contestant))]),
  );
  const ours = rows.map((row) => rowOf(row, isOurs));
  return table(ours, (score, { task }) => {
    const ratio = (of: (one: Score) => number): string =>
      (Math.min(...(rivals.get(task) ?? []).map(of)) / of(score)).toFixed(2);
    const median = ratio((one) => timesOf(one, 1).median);
    const best = ratio((one) => timesOf(one, 1).best);
    const used = ratio((one) => timesOf({ ...one, milliseconds: one.cpuMilliseconds }, 1).median);
    return `${median} (${best}; ${used})`;
  });
}
