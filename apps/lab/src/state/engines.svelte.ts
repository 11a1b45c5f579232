import type { Asking } from "@resolvent/analysis/remote";

/** Where analyses run. */
export type Engine = "page" | "machine";

/** What computes: the page's worker, or the program on this machine that has served the page. */
export class Engines {
  /** Which of them is asked now. */
  engine: Engine = $state("page");
  /** Whether the machine answers, as far as is known. */
  answers: boolean = $state(true);
  /** Whether the page was served by a program that computes. */
  readonly hasMachine: boolean;
  /** Asks the one that is asked now. */
  readonly asking: Asking;

  /** @param machine undefined where the page is a folder of files */
  constructor(page: Asking, machine: Asking | undefined) {
    this.hasMachine = machine !== undefined;
    if (machine !== undefined) this.engine = "machine";
    const now = (): Asking => (this.engine === "machine" && machine !== undefined ? machine : page);
    this.asking = {
      describe: (names) => now().describe(names),
      model: (name) => now().model(name),
      engines: (model, precision) => now().engines(model, precision),
      tokens: (model, prompt) => now().tokens(model, prompt),
      estimate: (work, options) => now().estimate(work, options),
      plan: (work, options) => now().plan(work, options),
      run: (work, options) => now().run(work, options),
      draw: (findings, width) => now().draw(findings, width),
      hear: (message) => now().hear(message),
      fail: (error) => now().fail(error),
    };
  }
}
