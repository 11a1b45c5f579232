import type { AnalysisDescription, Findings, Work } from "@resolvent/analysis/remote";
import type { Fault } from "./errand.svelte.ts";
import type { Place } from "./fragment.ts";
import { linkedValues, splitValues } from "./given-texts.ts";
import type { Lab } from "./lab.svelte.ts";
import { computingOf } from "./question.ts";

/** What of a place an analysis is asked by. */
function askedBy({ analysis, question, values, dictionaries, precision, engine }: Place): string {
  return JSON.stringify([analysis, question.model, values, dictionaries, precision, engine]);
}

/** The panel of an analysis of any kind: what it says about itself, and what came out. */
export class OpenPanel {
  /** Null until it is known, and where there is no such analysis. */
  description: AnalysisDescription | null = $state.raw(null);
  /** Whether it is known that there is none. */
  missing: boolean = $state(false);
  findings: Findings | undefined = $state.raw();
  /** Counts how often the address has said something else than was run here: its form starts anew by that. */
  told: number = $state(0);
  /** What the last run has said, in the words of a command; null where it went well. */
  refused: Fault | null = $state.raw(null);
  readonly #lab: Lab;
  /** What was asked last: by the address, or by the form, which the address then has. */
  #asked = "";
  /** The values and dictionaries of that. */
  #given = "";

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Shows what the address asks, and finds that where it has values; once, until it asks something else. */
  async open(): Promise<void> {
    const lab = this.#lab;
    const { analysis, values, dictionaries } = lab.place;
    const asked = askedBy(lab.place);
    // One that a link named may be there only now.
    if (asked === this.#asked && this.description !== null) return;
    this.#asked = asked;
    this.refused = null;
    const wanted = (): boolean => this.#asked === asked && askedBy(lab.place) === asked;
    try {
      const description = await this.#describe(analysis);
      if (!wanted()) return; // somebody was faster
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
      const given = JSON.stringify([values, dictionaries]);
      if (given !== this.#given) this.told++;
      this.#given = given;
      this.#found(undefined);
      if (Object.keys(values).length === 0) return;
      await this.#find(values, { wanted });
    } catch (error) {
      lab.errand.failed(error);
    }
  }

  /** Runs it, on dictionaries where some are named; files are among the values. */
  async run(
    values: Place["values"],
    dictionaries: Place["dictionaries"] = this.#lab.place.dictionaries,
  ): Promise<void> {
    this.#lab.give(linkedValues(values), dictionaries);
    const { place } = this.#lab;
    this.#asked = askedBy(place);
    this.#given = JSON.stringify([place.values, place.dictionaries]);
    await this.#find(values, { anew: true });
  }

  /** What an analysis says about itself; while another than before is looked up, nothing of that is left. */
  async #describe(analysis: string): Promise<AnalysisDescription | undefined> {
    if (this.description?.name === analysis) return this.description;
    this.description = null;
    this.missing = false;
    this.#found(undefined);
    return await this.#lab.there.analysis(analysis);
  }

  async #find(
    given: Place["values"],
    options: { readonly wanted?: () => boolean; readonly anew?: boolean },
  ): Promise<void> {
    const { description } = this;
    this.refused = null;
    if (description === null) return;
    const { name, float64 } = description;
    const { texts, values } = splitValues(given);
    const { place } = this.#lab;
    const { dictionaries } = place;
    const work: Work = {
      ...{ analysis: name, model: place.question.model, values, float64 },
      ...computingOf(place),
      ...(dictionaries !== null && { dictionaries }),
      ...(Object.keys(texts).length > 0 && { texts }),
    };
    const asked = this.#asked;
    const onPartial = (findings: Findings): void => {
      if (this.description === description && this.#asked === asked) this.#found(findings);
    };
    const onFault = (fault: Fault | null): void => {
      if (this.description === description && this.#asked === asked) this.refused = fault;
    };
    const findings = await this.#lab.look(name, work, { ...options, onPartial, onFault });
    if (findings !== undefined) onPartial(findings);
  }

  #found(findings: Findings | undefined): void {
    this.findings = findings;
    this.#lab.show(findings);
  }
}
