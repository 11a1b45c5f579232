import type { AnalysisDescription, Findings, Work } from "@resolvent/analysis/remote";
import type { Fault } from "./errand.svelte.ts";
import { linkedValues, splitValues } from "./given-texts.ts";
import type { Lab } from "./lab.svelte.ts";
import { computingOf } from "./question.ts";

/** The panel of an analysis of any kind: what it says about itself, and what came out. */
export class OpenPanel {
  /** Null until it is known, and where there is no such analysis. */
  description: AnalysisDescription | null = $state.raw(null);
  /** Whether it is known that there is none. */
  missing: boolean = $state(false);
  findings: Findings | undefined = $state.raw();
  /** What the last run has said, in the words of a command; null where it went well. */
  refused: Fault | null = $state.raw(null);
  readonly #lab: Lab;
  /** What it was opened for. */
  #asked = "";

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Opens what the address says, and runs it where that has values; once for each analysis, precision and engine. */
  async open(): Promise<void> {
    const lab = this.#lab;
    const { analysis, values, precision, engine } = lab.place;
    const asked = `${analysis} ${precision} ${engine}`;
    // One that a link named may be there only now.
    if (asked === this.#asked && this.description !== null) return;
    this.#asked = asked;
    this.description = null;
    this.missing = false;
    this.refused = null;
    this.#found(undefined);
    try {
      const description = await lab.there.analysis(analysis);
      if (this.#asked !== asked || lab.place.analysis !== analysis) return; // somebody was faster
      if (description === undefined) {
        this.missing = true;
        this.refused = {
          message: `There is no analysis “${analysis}” here.`,
          remedy:
            lab.contributed === null
              ? "The tab More lists those that there are."
              : "The tab More lists those that there are; a plug-in that has it can be loaded under Own.",
        };
        return;
      }
      this.description = description;
      if (Object.keys(values).length === 0) return;
      await lab.errand.idle();
      if (this.#asked === asked && lab.place.analysis === analysis) await this.run(values);
    } catch (error) {
      lab.errand.failed(error);
    }
  }

  /** Runs it, on dictionaries where some are named; files are among the values. */
  async run(
    values: Readonly<Record<string, unknown>>,
    dictionaries: readonly string[] | null = this.#lab.place.dictionaries,
  ): Promise<void> {
    const { description } = this;
    this.refused = null;
    if (description === null) return;
    const { name, float64 } = description;
    const { texts, values: others } = splitValues(values);
    this.#lab.give(linkedValues(values), dictionaries);
    const { question } = this.#lab.place;
    const work: Work = {
      ...{ analysis: name, model: question.model, values: others, float64 },
      ...computingOf(this.#lab.place),
      ...(dictionaries !== null && { dictionaries }),
      ...(Object.keys(texts).length > 0 && { texts }),
    };
    const hear = (findings: Findings): void => {
      if (this.description === description) this.#found(findings);
    };
    const onFault = (fault: Fault): void => {
      if (this.description === description) this.refused = fault;
    };
    const findings = await this.#lab.errand.run(name, work, { onPartial: hear, onFault });
    if (findings !== undefined) hear(findings);
  }

  #found(findings: Findings | undefined): void {
    this.findings = findings;
    this.#lab.show(findings);
  }
}
