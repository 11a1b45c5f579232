import type { Findings, Work } from "@resolvent/analysis/remote";

/** Findings that are kept at most. */
const MOST = 24;

/** Characters of a question at most: what a large file was asked about is not kept. */
const MOST_CHARACTERS = 1_000_000;

/** What was found, by the work that found it: views of one run share it, and going back runs nothing. */
export class KeptFindings {
  readonly #kept = new Map<string, Findings>();

  of(work: Work): Findings | undefined {
    return this.#kept.get(JSON.stringify(work));
  }

  keep(work: Work, findings: Findings): void {
    const key = JSON.stringify(work);
    if (key.length > MOST_CHARACTERS) return;
    this.#kept.delete(key);
    this.#kept.set(key, findings);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST && oldest !== undefined) this.#kept.delete(oldest);
  }
}
