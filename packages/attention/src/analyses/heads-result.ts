import type { ComputedResult, HeadFacts } from "@resolvent/analysis";
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
  /** Scores of the run on repeated tokens; null where there is none. */
  readonly previousToken: number | null;
  readonly duplicateToken: number | null;
  readonly induction: number | null;
  readonly copying: number | null;
  /** The earlier head whose output composes most with this head's queries; null where there is none with weights. */
  readonly queryFrom: Partner | null;
  readonly keyFrom: Partner | null;
  readonly valueFrom: Partner | null;
}

/** Every head of a model and its scores: plain data. Processed weights are scored; runs are those of the model itself. */
export interface HeadsResult extends ComputedResult<"heads"> {
  /** The input of the run; null where weights alone were scored, or the context is too short. */
  readonly repeated: Repeated | null;
  readonly heads: readonly HeadRow[];
}
