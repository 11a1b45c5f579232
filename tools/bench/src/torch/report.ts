import type { Score } from "./contest.ts";
import { isOurs } from "./field.ts";
import { type Row, rowOf, table, timesOf } from "./table.ts";

/** The tables of a run: everything, and the ratios alone. */
export function report(
  rows: readonly Row[],
  notes: readonly string[],
  machine: string,
): { results: string; ratios: string } {
  const ratios = [
    `How many times as fast as the fastest PyTorch of the row, by medians (by the best); below 1 is a loss.\n\n${ratioTable(rows, (contestant) => !isOurs(contestant))}`,
    `The same, as PyTorch as it comes:\n\n${ratioTable(rows, (contestant) => contestant === "PyTorch")}`,
  ];
  return {
    results: [
      `\`pnpm --filter @resolvent/bench pytorch\`: ${circumstances(rows, machine)}`,
      `GPT-2 small's shape (12 layers, width 768, vocab 50,257) with random weights, at 128 and 512 positions; \`tales\`' shape with fresh weights. A trace keeps every site but what single heads write; Resolvent keeps \`φ(z)/z\` too, which PyTorch does not make.`,
      ...notes,
      `Milliseconds, median (best):\n\n${table(rows, showTimes)}`,
      ...ratios,
      `In plain forward passes of the same contestant:\n\n${forwardTable(rows)}`,
      `Most memory resident, MiB, model and program included:\n\n${table(rows, ({ peakBytes }) => `${Math.round(peakBytes / 2 ** 20)}`)}`,
      `Relative difference of the results to those of the first column (of a training: of losses and gradient norms):\n\n${table(rows, (score) => score.difference.toExponential(0))}`,
    ].join("\n\n"),
    ratios: [...ratios, "The times, memory, machine and versions are in RESULTS.md."].join("\n\n"),
  };
}

function showTimes(score: Score, { pieces }: Row): string {
  const { median, best } = timesOf(score, pieces);
  const digits = (x: number): string => x.toFixed(x < 100 ? 1 : 0);
  return `${digits(median)} (${digits(best)})`;
}

/** Our times against the least of the rivals'. */
function ratioTable(rows: readonly Row[], isRival: (contestant: string) => boolean): string {
  const rivals = new Map(rows.map((row) => [row.task, rowOf(row, isRival).scores]));
  const ours = rows.map((row) => rowOf(row, isOurs));
  return table(ours, (score, { task, pieces }) => {
    const own = timesOf(score, pieces);
    const theirs = (rivals.get(task) ?? []).map((rival) => timesOf(rival, pieces));
    if (theirs.length === 0) return "–";
    const ratio = (of: "median" | "best"): number =>
      Math.min(...theirs.map((times) => times[of])) / own[of];
    const loss = ratio("median") < 1 ? ", slower" : "";
    return `${ratio("median").toFixed(2)} (${ratio("best").toFixed(2)})${loss}`;
  });
}

function forwardTable(rows: readonly Row[]): string {
  return table(
    rows.filter(({ task }) => /^(sweep|truncated)/.test(task)),
    (score, row) => {
      const pos = row.task.slice(row.task.lastIndexOf(" "));
      const unit = rows
        .find(({ task }) => task === `forward,${pos}`)
        ?.scores.find(({ contestant }) => contestant === score.contestant);
      if (unit === undefined) return "–";
      return (timesOf(score, 1).median / timesOf(unit, 1).median).toFixed(1);
    },
  );
}

function circumstances(rows: readonly Row[], machine: string): string {
  const range = (numbers: readonly number[], digits: number): string =>
    `${Math.min(...numbers).toFixed(digits)} to ${Math.max(...numbers).toFixed(digits)}`;
  const who = new Map(
    rows
      .flatMap(({ scores }) => scores)
      .map(({ contestant, introduction: { is, blas } }) => [
        contestant,
        `${contestant}: ${is}, ${blas === null ? "no BLAS" : `OpenBLAS for ${blas}`}`,
      ]),
  );
  const rounds = rows.map(({ scores }) => scores[0]?.milliseconds.length ?? 0);
  const undisturbed = rows.map(({ quiet }) => 100 * quiet);
  const others = undisturbed.every((share) => share === 100)
    ? "All measurements began with idle processors"
    : `Other programs ran: ${range(undisturbed, 0)} % of a task's measurements began with idle processors`;
  const run = `${machine}, float32, ${range(rounds, 0)} rounds in which all take turns. ${others}, load ${range(
    rows.map(({ load }) => load),
    1,
  )}; where median and best differ much, the best is nearer to what the machine can do.`;
  return `${run}\n\n${[...who.values()].join("; ")}.`;
}
