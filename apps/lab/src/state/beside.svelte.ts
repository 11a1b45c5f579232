import type { Gate, TokenFacts } from "@resolvent/analysis";
import type { Findings, Work } from "@resolvent/analysis/remote";
import type { PathExpansion } from "@resolvent/paths";
import type { Errand, Fault } from "./errand.svelte.ts";
import type { Place } from "./fragment.ts";
import { lastMove } from "./path-facts.ts";
import { computingOf, type Question, type Reading, treeWork, upToWork } from "./question.ts";

/** Why a head looks where it looks, of the last head of a path. */
export interface Why {
  readonly path: string;
  readonly findings: Findings;
}

/** A token that the model may go on with. */
export interface Candidate extends TokenFacts {
  readonly probability: number;
}

/** How something is found. */
export interface FindOptions {
  /** Whether it is still to be found, once its turn has come; default always. */
  readonly wanted?: () => boolean;
  /** Whether it is work on a model, whose cost is known first; default true. */
  readonly estimated?: boolean;
  /** Whether it is the same whenever it is asked, and can be copied; default true. */
  readonly kept?: boolean;
  /** Whether it is run although it was found before; default false. */
  readonly anew?: boolean;
  readonly onPartial?: (findings: Findings) => void;
  /** Says beside what was asked what went wrong, and null before it is; default the line at the top of the page. */
  readonly onFault?: (fault: Fault | null) => void;
}

/** The paths beside which something is found, and what finds it. */
export interface ShownPaths {
  readonly paths: PathExpansion;
  readonly answered: Question;
  readonly read: Reading;
  readonly place: Place;
  /** The path that one is being told about. */
  readonly path: string | null;
  readonly errand: Errand;
  placeOf(path: string | null): number;
  look(what: string, work: Work, options?: FindOptions): Promise<Findings | undefined>;
}

/** What is found beside the paths of a question, each where somebody wants it. */
export class Beside {
  why: Why | null = $state.raw(null);
  /** The truncated tree beside the bars, of the gates in its place; null where all are held, or it is not there yet. */
  tree: { readonly frozen: readonly Gate[]; readonly findings: Findings } | null = $state.raw(null);
  /** What paths up to each degree say; null where it is not there yet. */
  upTo: Findings | null = $state.raw(null);
  /** Likeliest next tokens, for whoever chooses an answer. */
  candidates: readonly Candidate[] | null = $state.raw(null);
  readonly #lab: ShownPaths;

  constructor(lab: ShownPaths) {
    this.#lab = lab;
  }

  /** Lets go what was of another answer. */
  clear(): void {
    this.why = null;
    this.tree = null;
    this.upTo = null;
  }

  /** Why the last head of the path looks where it looks, where that is to be seen. */
  async findWhy(): Promise<void> {
    const lab = this.#lab;
    const { paths, answered, read, path } = lab;
    const move = lastMove(paths, lab.placeOf(path));
    if (!lab.place.why || path === null || move === undefined) return;
    const { model, prompt } = answered;
    const { head, query, key } = move;
    const values = { prompt, head, query, key, by: "block", keyBy: "token", top: 6 };
    const computing = computingOf(read);
    const work: Work = { analysis: "qk", model, values, ...computing, float64: true };
    const wanted = (): boolean =>
      lab.answered === answered && lab.read === read && lab.place.why && lab.path === path;
    const findings = await lab.look(`why ${head} looks there`, work, { wanted });
    if (findings !== undefined && wanted()) this.why = { path, findings };
  }

  /** The tree of the gates that are held, where some are not. */
  async growTree(): Promise<void> {
    const { answered, read, errand, place } = this.#lab;
    const { frozen } = place;
    const target = this.#targetIds();
    if (frozen === null || target.length === 0) {
      this.tree = null;
      return;
    }
    const { precision, engine } = read;
    const work = treeWork(answered, { target, frozen, precision, engine });
    const findings = await errand.run("the tree", work);
    if (findings !== undefined) this.tree = { frozen, findings };
  }

  /** What paths up to each degree say, once only some are shown. */
  async predict(): Promise<void> {
    const lab = this.#lab;
    const target = this.#targetIds();
    if (this.upTo !== null || lab.place.degree === null || target.length === 0) return;
    const { answered, read } = lab;
    const wanted = (): boolean =>
      lab.answered === answered && lab.read === read && this.upTo === null;
    const { precision, engine } = read;
    const work = upToWork(answered, { target, precision, engine });
    const findings = await lab.look("what paths up to each degree say", work, { wanted });
    if (findings !== undefined && wanted()) this.upTo = findings;
  }

  /** Looks up what the model may go on with. */
  async findCandidates(): Promise<void> {
    const { answered, read, errand } = this.#lab;
    const { model, prompt } = answered;
    const values = { prompt, top: 12 };
    const computing = computingOf(read);
    const work: Work = { analysis: "run", model, values, ...computing, float64: false };
    const findings = await errand.run("the likeliest tokens", work);
    const { next } = Object(findings?.result);
    if (Array.isArray(next)) this.candidates = next as readonly Candidate[]; // of `run`
  }

  /** The ids of the target's tokens; none of the score of a head. */
  #targetIds(): readonly number[] {
    const { a, b } = this.#lab.paths.target;
    return [a, b].flatMap((token) => (token === null ? [] : [token.id]));
  }
}
