import type { AnalysisSummary, Asking, Work } from "@resolvent/analysis/remote";
import type { NamedFiles } from "../worker/named-files.ts";

/** Analyses of one plug-in, and whom to ask for them. */
export interface ContributedAnalyses {
  readonly analyses: readonly AnalysisSummary[];
  readonly asking: Asking;
}

/** Analyses that are there beside the built-in ones while the page is open. */
export class Contributed {
  /** The files of a model, for whoever has none of the page's. */
  readonly files: (model: string) => Promise<NamedFiles>;
  #all: readonly ContributedAnalyses[] = [];

  constructor(files: Contributed["files"]) {
    this.files = files;
  }

  add(one: ContributedAnalyses): void {
    this.#all = [...this.#all, one];
  }

  remove(one: ContributedAnalyses): void {
    this.#all = this.#all.filter((own) => own !== one);
  }

  /** Asks for contributed analyses whoever has them, and for all else whoever is asked anyway. */
  over(base: Asking): Asking {
    const of = ({ analysis }: Pick<Work, "analysis">): Asking | undefined =>
      this.#all.find(({ analyses }) => analyses.some(({ name }) => name === analysis))?.asking;
    return {
      ...base,
      describe: async (names) => {
        const described = await base.describe(names);
        const more =
          names === undefined
            ? this.#all.flatMap(({ analyses }) => analyses)
            : await Promise.all(
                names.map(
                  async (name) => (await of({ analysis: name })?.describe([name]))?.analyses,
                ),
              );
        const own = more.flatMap((one) => one ?? []);
        return { ...described, analyses: [...described.analyses, ...own] };
      },
      estimate: async (work, options) => await (of(work) ?? base).estimate(work, options),
      run: async (work, options) => await (of(work) ?? base).run(work, options),
    };
  }
}
