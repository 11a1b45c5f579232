import type { Contest, Score } from "./contest.ts";

/** A contest under the name of its task. */
export interface Row extends Contest {
  readonly task: string;
  /** Turns a turn's time into the time of one piece of work: steps of a turn of training. */
  readonly pieces: number;
}

/** Milliseconds of one piece of work: the median, and the least. */
export function timesOf(score: Score, pieces: number): { median: number; best: number } {
  const sorted = score.milliseconds.toSorted((a, b) => a - b);
  const at = (i: number): number => (sorted[i] ?? Number.NaN) / pieces;
  return { median: at(sorted.length >> 1), best: at(0) };
}

/** A row with some of its contestants. */
export function rowOf(row: Row, who: (contestant: string) => boolean): Row {
  const some = <S extends { readonly contestant: string }>(all: readonly S[]): readonly S[] =>
    all.filter(({ contestant }) => who(contestant));
  return { ...row, scores: some(row.scores), dropouts: some(row.dropouts) };
}

/** The columns of a table: who took part, and who could not. */
export function contestantsOf(rows: readonly Row[]): string[] {
  const all = rows.flatMap(({ scores, dropouts }) => [...scores, ...dropouts]);
  return [...new Set(all.map(({ contestant }) => contestant))];
}

/** A table of one number for each task and contestant, or of why there is none. */
export function table(rows: readonly Row[], show: (score: Score, row: Row) => string): string {
  const names = contestantsOf(rows);
  return markdown(
    ["", ...names],
    rows.map((row) => [
      row.task,
      ...names.map((name) => {
        const score = row.scores.find(({ contestant }) => contestant === name);
        if (score !== undefined) return show(score, row);
        return row.dropouts.find(({ contestant }) => contestant === name)?.why ?? "–";
      }),
    ]),
  );
}

function markdown(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...body.map(line)].join("\n");
}

/** A text with the section under `heading` put in place of the one it has, or at its end. */
export function withSection(text: string, heading: string, section: string): string {
  const start = text.indexOf(`\n${heading}\n`);
  const block = `${heading}\n\n${section.trim()}\n`;
  if (start < 0) return `${text.trimEnd()}\n\n${block}`;
  const after = text.indexOf("\n## ", start + heading.length + 1);
  const rest = after < 0 ? "" : `\n${text.slice(after + 1)}`;
  return `${text.slice(0, start)}\n${block}${rest}`;
}
