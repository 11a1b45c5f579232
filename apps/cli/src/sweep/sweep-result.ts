import type { ResultHead, SetTable } from "@resolvent/analysis";
import type { SweepPlan } from "./plan.ts";
import type { SqlRows } from "./sql.ts";

/** What the shards of a sweep have found, put together: plain data. */
export interface SweepResult extends ResultHead<"sweep"> {
  /** The analysis of every prompt: `expand`. */
  readonly analysis: string;
  readonly corpus: SweepPlan["corpus"];
  readonly parts: {
    readonly total: number;
    readonly done: number;
    /** The first of those that are not there, from 0. */
    readonly missing: readonly number[];
  };
  /** Prompts of the parts that are there. */
  readonly prompts: number;
  /** Null where SQL was asked for instead. */
  readonly merged: MergedSweep | null;
  /** Null where none was asked for. */
  readonly sql: SqlRows | null;
}

/** What is put together of all prompts. */
export interface MergedSweep {
  /** Prompts that have no result, by the code of why. */
  readonly refused: readonly { readonly code: string; readonly count: number }[];
  /** Prompts of which the result is not finite, or does not add up. */
  readonly unsound: number;
  /** The largest relative errors of certificates; null where there are none. */
  readonly relativeError: number | null;
  readonly relativeErrorFloat64: number | null;
  readonly interval: { readonly level: 0.95; readonly method: "student-t" };
  /** The tables of the analysis, with means over prompts in place of numbers. */
  readonly means: readonly SetTable[];
  /** Rows of prompts that are in no mean, since a table has too many different ones. */
  readonly left: number;
}

export interface SweepReportParameters {
  readonly folder: string;
  readonly sql?: string | undefined;
}

/** Different rows of a table that have a mean at most. */
export const MOST_ROWS = 100_000;
