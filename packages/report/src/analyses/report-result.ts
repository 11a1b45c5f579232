import type { ComputedResult, Result, ResultHead, Spread } from "@resolvent/analysis";

/** The degree card of a model: what its analyses say on one corpus, put together; plain data. */
export interface ReportResult extends ComputedResult<"report"> {
  /** Where the texts come from; null where the model has written them itself. */
  readonly corpus: string | null;
  /** Sequences that the expansions are of, and their tokens. */
  readonly sequences: number;
  readonly tokens: number;
  /** A sum of degrees that comes this near to the model's predictions stands for them, in nats. */
  readonly near: number;
  readonly needed: readonly NeededDegree[];
  readonly sections: readonly ReportSection[];
}

/** Up to which degree paths have to be summed until the sum is near the model. */
export interface NeededDegree {
  /** The section that it is of: `frozen`, `live`. */
  readonly section: string;
  /** The first degree whose partial sum is near, over the sequences; null where no sum that was computed is. */
  readonly degree: Spread | null;
  /** Sequences of which none is. */
  readonly never: number;
}

/** What one analysis says. */
export interface ReportSection {
  /** What the kinds of its tables begin with: `frozen`. */
  readonly name: string;
  readonly title: string;
  readonly analysis: string;
  readonly result: Result;
}

/** Reports side by side, in the order in which they were given: plain data. */
export interface ReportComparison extends ResultHead {
  readonly kind: "report-comparison";
  /** That of all reports, see `ReportResult`. */
  readonly near: number;
  readonly cards: readonly ComparedCard[];
  readonly degrees: readonly ComparedDegree[];
}

/** A model of a comparison. */
export interface ComparedCard {
  readonly name: string;
  readonly sha256: string | null;
  readonly blocks: number;
  readonly corpus: string | null;
  readonly sequences: number;
  readonly tokens: number;
  /** The degree that is needed to be near the model; null where none that was computed is. */
  readonly frozen: Spread | null;
  readonly live: Spread | null;
}

/** A degree of a model: its mean shares of the logits, with all gates frozen and with none. */
export interface ComparedDegree {
  /** Which card, from 1. */
  readonly card: number;
  readonly name: string;
  readonly degree: number;
  readonly frozen: Spread | null;
  readonly live: Spread | null;
}
