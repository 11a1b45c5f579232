import type { Kept } from "@resolvent/analysis";
import type { Target } from "@resolvent/transformer";
import type { HeadScore } from "./score-readout.ts";
import type { TopPathsOptions } from "./top-paths.ts";

export interface ExpandPathsOptions extends TopPathsOptions {
  /** The target; default the two likeliest tokens at the last position. */
  readonly target?: Target;
  /** The score of a head in place of a target: why it looks where it looks. */
  readonly score?: HeadScore;
  /** How many of the paths shown, from the largest, are checked by intervention; default 0. */
  readonly verify?: number;
  /** Names of further paths that are checked, shown or not, as `namedPath` reads them; default none. */
  readonly check?: readonly string[];
  /** How many routes of each path shown are listed; default 0. */
  readonly routes?: number;
  /** The text of a token; default its id. */
  readonly text?: (id: number) => string;
  /** Computes `relativeErrorFloat64`; not called where the engine is float64 itself; default none. */
  readonly certify?: (target: Target | HeadScore) => Promise<number>;
  /**
   * Where what is found of this model is kept, and each check: of the same question with one more path to be checked,
   * only that is computed. With a level of one's own nothing is kept. Default nothing.
   */
  readonly kept?: Kept | undefined;
}
