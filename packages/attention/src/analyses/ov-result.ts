import type { ComputedResult, HeadFacts, TokenFacts } from "@resolvent/analysis";
import type { Eigenvalue, OvForms } from "../copying.ts";

/** A token and its score along a direction. */
export interface ScoredToken extends TokenFacts {
  readonly score: number;
}

/** A singular direction: what goes in along `input` comes out along `output`, `value` times as long. */
export interface OvDirection {
  readonly value: number;
  /** `value² / Σ value²`; null of a head without weights. */
  readonly share: number | null;
  /** Tokens whose embeddings lie furthest along the input direction, and against it. */
  readonly input: ScoredEnds;
  /** Tokens whose logits the output direction raises and lowers most; signs belong to those of the input. */
  readonly output: ScoredEnds;
}

/** The tokens at both ends of a direction. */
export interface ScoredEnds {
  readonly positive: readonly ScoredToken[];
  readonly negative: readonly ScoredToken[];
}

/** One head's OV circuit: plain data. */
export interface OvResult extends ComputedResult<"ov"> {
  readonly head: HeadFacts;
  /** `Σ Re λ / Σ |λ|`; null where all eigenvalues are zero. */
  readonly copying: OvForms<number | null>;
  /** Non-zero eigenvalues, by descending absolute value. */
  readonly eigenvalues: OvForms<readonly Eigenvalue[]>;
  /** All singular values of `W_V W_O`. */
  readonly singularValues: readonly number[];
  /** The directions of the largest. */
  readonly directions: readonly OvDirection[];
  /** What attending to a token (a row) does to the logits of tokens (columns); null where none were chosen. */
  readonly table: {
    readonly tokens: readonly TokenFacts[];
    /** Relative to the mean over the vocabulary, before the final norm's denominator. */
    readonly logits: readonly (readonly number[])[];
  } | null;
}
