import type { ComputedResult, HeadFacts, Spread, TokenFacts } from "@resolvent/analysis";
import type { Repeated } from "../repeated.ts";

/** An earlier head and how strongly it composes. */
export interface Partner extends HeadFacts {
  /** `‖A B‖_F / (‖A‖_F ‖B‖_F)`; of unrelated matrices, `1/√d_model` is expected. */
  readonly score: number;
}

/** One head and its scores. */
export interface HeadRow extends HeadFacts {
  /** Copying score of `W_V W_O`: `Σ Re λ / Σ |λ|`; null where all eigenvalues are next to zero, as below. */
  readonly ovCopying: number | null;
  /** Of `W_E W_V W_O W_U`. */
  readonly ovCopyingEmbedding: number | null;
  /** Of the same with `W_U` centred over the vocabulary. */
  readonly ovCopyingEmbeddingCentred: number | null;
  /** Scores of the run on repeated tokens, or means over texts; null where there is none. */
  readonly previousToken: number | null;
  readonly duplicateToken: number | null;
  readonly induction: number | null;
  readonly copying: number | null;
  /** Of means over texts, which these are then; null where there are none. */
  readonly intervals: HeadIntervals | null;
  /** The earlier head whose output composes most with this head's queries; null where there is none with weights. */
  readonly queryFrom: Partner | null;
  readonly keyFrom: Partner | null;
  readonly valueFrom: Partner | null;
}

/** Scores of one head over texts; null where no text has a place for one. */
export interface HeadIntervals {
  readonly previousToken: Spread | null;
  readonly duplicateToken: Spread | null;
  readonly induction: Spread | null;
  readonly copying: Spread | null;
}

/** Texts that heads were scored on. */
export interface HeadTexts {
  /** In the order of their file. */
  readonly prompts: readonly {
    /** Where it stands in the file, from 1. */
    readonly line: number;
    readonly tokens: readonly TokenFacts[];
  }[];
  /** How intervals are made: 95 % intervals of means over texts, by Student's t. */
  readonly interval: { readonly level: 0.95; readonly method: "student-t" };
  /** Scores on each text, by head in the order of `heads`; null where they were not asked for. */
  readonly each:
    | readonly {
        readonly previousToken: readonly (number | null)[];
        readonly duplicateToken: readonly (number | null)[];
        readonly induction: readonly (number | null)[];
        readonly copying: readonly (number | null)[];
      }[]
    | null;
}

/** Every head of a model and its scores: plain data. Processed weights are scored; runs are those of the model itself. */
export interface HeadsResult extends ComputedResult<"heads"> {
  /** The input of the run; null where weights alone were scored, or the context is too short. */
  readonly repeated: Repeated | null;
  /** The texts of the runs, where these are in place of repeated tokens; else null. */
  readonly texts: HeadTexts | null;
  readonly heads: readonly HeadRow[];
}
