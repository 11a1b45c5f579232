import type { TokenFacts } from "@resolvent/analysis";
import type {
  AnalysisDescription,
  Asking,
  Description,
  EngineList,
  Findings,
  ModelDescription,
  Work,
} from "@resolvent/analysis/remote";
import type { MadeModel } from "../storage/made-models.ts";
import type { Place } from "./fragment.ts";
import { innerTokens } from "./inner-tokens.ts";
import { filesName, shortModelName } from "./own-names.ts";
import { workOf } from "./works.ts";

/** What there is to ask, and what to ask it of: of whoever computes, and in this browser. */
export class There {
  description: Description | null = $state.raw(null);
  /** One's own models, once that panel was open or something is stored. */
  own: { readonly names: readonly string[] } | null = $state.raw(null);
  /** Models that were made in this page, as far as they were looked up. */
  made: readonly MadeModel[] = $state.raw([]);
  readonly #asking: Asking;
  readonly #place: () => Place;

  constructor(asking: Asking, place: () => Place) {
    this.#asking = asking;
    this.#place = place;
  }

  /** The names of all models that can be asked about. */
  get models(): readonly string[] {
    const listed = this.description?.models.map(({ name }) => name) ?? [];
    const made = this.made.map(({ sha256 }) => filesName(sha256));
    return [...new Set([...listed, ...(this.own?.names ?? []), ...made])];
  }

  /** What a model is called in a list. */
  titleOf(model: string): string {
    const made = this.made.find(({ sha256 }) => filesName(sha256) === model);
    return made?.name ?? shortModelName(model);
  }

  /** Dictionaries of a model, and those that are not known to be of another. */
  dictionariesOf(model: string): NonNullable<Description["dictionaries"]> {
    return (this.description?.dictionaries ?? []).filter(
      (one) => one.model === null || one.model === model,
    );
  }

  /** Looks up what there is: analyses, models, and what computes. */
  async look(): Promise<void> {
    this.description = await this.#asking.describe();
    // What the first click needs is there before it: headers, a tokenizer, the analysis.
    await this.#asking.model(this.#place().question.model);
  }

  /** What the headers of a model say. */
  async model(name: string): Promise<ModelDescription> {
    return await this.#asking.model(name);
  }

  /** What may compute what is asked, and why one of them does. */
  async engines(): Promise<EngineList> {
    const { question, precision } = this.#place();
    return await this.#asking.engines(question.model, precision);
  }

  /** The tokens of a word, without running anything, and without those that begin and end every text. */
  async tokens(word: string): Promise<readonly TokenFacts[]> {
    const { model } = this.#place().question;
    const [around, own] = await Promise.all([
      this.#asking.tokens(model, ""),
      this.#asking.tokens(model, word),
    ]);
    return innerTokens(own, around);
  }

  /** What an analysis says about itself; undefined where there is none of that name. */
  async analysis(name: string): Promise<AnalysisDescription | undefined> {
    const [found] = (await this.#asking.describe([name])).analyses;
    return found !== undefined && "parameters" in found ? found : undefined;
  }

  /** What was asked where something was found, and all that its analysis says; undefined where nobody knows. */
  async asked(
    findings: Findings,
  ): Promise<{ readonly work: Work; readonly analysis: AnalysisDescription } | undefined> {
    const work = workOf(findings);
    if (work === undefined) return undefined;
    const analysis = await this.analysis(work.analysis);
    if (analysis === undefined) return undefined;
    const own = this.description?.dictionaries?.find(({ model }) => model === work.model);
    const needed = analysis.needs.includes("dictionary") && work.dictionaries === undefined;
    const named = needed && own !== undefined ? { ...work, dictionaries: [own.name] } : work;
    return { work: named, analysis };
  }
}
