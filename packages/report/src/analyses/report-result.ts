import type { ComputedResult, Result, ResultHead, Spread } from "@resolvent/analysis";
import type { NextTokens } from "./next-tokens.ts";

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
  /** How well the model tells what comes next; null where no sequence reaches the position from which it counts. */
  readonly nextTokens: NextTokens | null;
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
  /** Along training, the first step first; empty where the cards are no checkpoints of it. */
  readonly steps: readonly ComparedStep[];
}

/** A model of a comparison. */
export interface ComparedCard {
  readonly name: string;
  readonly sha256: string | null;
  /** The step of training that its name tells, as `step-512`; null where it tells none. */
  readonly step: number | null;
  readonly blocks: number;
  readonly corpus: string | null;
  readonly sequences: number;
  readonly tokens: number;
  /** The degree that is needed to be near the model; null where none that was computed is. */
  readonly frozen: Spread | null;
  readonly live: Spread | null;
  /** Next-token loss, nats, and the share of tokens that are its first choice; null where they were not measured. */
  readonly loss: Spread | null;
  readonly accuracy: Spread | null;
}

/** Mean shares of the logits that a degree has, with all gates frozen and with none. */
export interface DegreeShares {
  readonly degree: number;
  readonly frozen: Spread | null;
  readonly live: Spread | null;
}

/** A degree of a model. */
export interface ComparedDegree extends DegreeShares {
  /** Which card, from 1. */
  readonly card: number;
  readonly name: string;
}

/**
 * A step of training: what its cards say, on average. Intervals are over trainings, where there are several, and over
 * sequences of the one where there is one.
 */
export interface ComparedStep extends Pick<ComparedCard, "frozen" | "live" | "loss" | "accuracy"> {
  readonly step: number;
  /** Cards of this step: trainings. */
  readonly runs: number;
  readonly degrees: readonly DegreeShares[];
}
