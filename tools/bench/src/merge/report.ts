import { cpus } from "node:os";
import type { Score } from "../torch/contest.ts";
import { type Row, table, timesOf } from "../torch/table.ts";
import type { Size } from "./checkpoints.ts";

/** The tables of a run. */
export function mergeReport(rows: readonly Row[], threads: number, size: Size): string {
  const machine = `${threads} cores of ${cpus()[0]?.model.trim() ?? "a processor"}, ${new Date().toISOString().slice(0, 10)}, PyTorch with ${threads} threads, Resolvent with as many as it takes by default`;
  const load = rows.map((row) => row.load.toFixed(1)).join(", ");
  const quiet = rows.map((row) => Math.round(100 * row.quiet)).join(", ");
  const who = new Set(rows.flatMap(({ scores }) => scores).map(({ introduction: { is } }) => is));
  return [
    `\`pnpm --filter @resolvent/bench merge\`: ${machine}; load ${load}; ${quiet} % of the measurements began with idle processors. ${[...who].join(", ")}.`,
    `Random checkpoints of Llama's shape (${size.layers} layers, width ${size.width}, ${size.neurons} neurons, vocabulary ${size.vocab}) in four shards each, in the file cache; read, merged, rounded, and written with one fsync at the end, without hashes. Copying reads all inputs and writes as many bytes as the result has, in pieces of 4 MiB, with the same fsync. PyTorch reads the same files tensor by tensor, keeps memory that it frees (MALLOC_MMAP_MAX_=0), and computes in float32 as mergekit does, or in float64 as Resolvent does.`,
    `Milliseconds, median (best):\n\n${table(rows, shown)}`,
    `Resolvent's time, in copies of the same bytes and in merges by the faster PyTorch, by medians (by the best):\n\n${ratios(rows)}`,
    `Most memory resident, MiB, program included:\n\n${table(rows, ({ peakBytes }) => `${Math.round(peakBytes / 2 ** 20)}`)}`,
    `Relative difference of one matrix of the result to that of PyTorch in float32; random masks are others, and keep others:\n\n${table(rows, (score) => (Number.isNaN(score.difference) ? "–" : score.difference.toExponential(0)))}`,
  ].join("\n\n");
}

function shown(score: Score): string {
  const { median, best } = timesOf(score, 1);
  return `${Math.round(median)} (${Math.round(best)})`;
}

function ratios(rows: readonly Row[]): string {
  const lines = rows.map(({ task, scores }) => {
    const of = (name: string): Score[] =>
      scores.filter(({ contestant }) => contestant.startsWith(name));
    const ratio = (others: readonly Score[], which: "median" | "best"): string => {
      const times = (all: readonly Score[]): number[] => all.map((one) => timesOf(one, 1)[which]);
      return (Math.min(...times(of("Resolvent"))) / Math.min(...times(others))).toFixed(2);
    };
    const both = (others: readonly Score[]): string =>
      `${ratio(others, "median")} (${ratio(others, "best")})`;
    return `| ${task} | ${both(of("copying"))} | ${both(of("PyTorch"))} |`;
  });
  return ["|  | copying | PyTorch |", "|---|---|---|", ...lines].join("\n");
}
