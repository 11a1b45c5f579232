import type { ComputedResult } from "@resolvent/analysis";
import type { LensDtype } from "@resolvent/expansion";
import type { Counts, Split } from "../corpus.ts";
import type { LayerLenses } from "./score-jacobian-lens.ts";

/** A Jacobian lens that was fitted, and how well it reads: plain data. Its matrices are in the file. */
export interface JacobianLensResult extends ComputedResult<"jacobian-lens"> {
  readonly input: {
    readonly corpus: string;
    /** Sequences in the corpus. */
    readonly found: number;
    readonly length: number;
    readonly maxTokens: number;
    readonly fit: Counts;
    readonly scored: Counts;
    /** Sequences to fit that are too short to have a position that counts. */
    readonly leftOut: number;
  };
  readonly settings: {
    readonly split: Split;
    readonly seed: number;
    /** Draws of the bootstrap, over sequences. */
    readonly draws: number;
    /** Positions at the start that are left out of the fit. */
    readonly skip: number;
  };
  /** All layers but the last. */
  readonly layers: readonly LayerLenses[];
  /** The file of the lens; null where none was asked for. */
  readonly saved: {
    readonly file: string;
    readonly dtype: LensDtype;
  } | null;
}
