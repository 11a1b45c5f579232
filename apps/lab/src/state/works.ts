import type { Table } from "@resolvent/analysis";
import type { Findings, Work } from "@resolvent/analysis/remote";

const works = new WeakMap<Findings, Work>();

/** Notes by which work something was found. */
export function remember(findings: Findings, work: Work): void {
  works.set(findings, work);
}

/** The work that found it; undefined where nobody has noted that. */
export function workOf(findings: Findings): Work | undefined {
  return works.get(findings);
}

/** Which question something answers, as its result says. */
export function questionOf({ result }: Findings): string | undefined {
  return result.question;
}

const wholes = new WeakMap<Table, () => Promise<Table>>();

/** Notes how all rows of a table are got, of which a page has only what it shows. */
export function rememberWhole(table: Table, all: () => Promise<Table>): void {
  wholes.set(table, all);
}

/** The table with all of its rows: what a file of it has. */
export async function wholeOf(table: Table): Promise<Table> {
  return (await wholes.get(table)?.()) ?? table;
}

const entire = new WeakMap<Findings, () => Promise<Findings>>();

/** Notes how all of some findings is got, of which a page has only what it shows. */
export function rememberEntire(findings: Findings, all: () => Promise<Findings>): void {
  entire.set(findings, all);
}

/** All of it: what a file of it has. */
export async function entireOf(findings: Findings): Promise<Findings> {
  return (await entire.get(findings)?.()) ?? findings;
}
