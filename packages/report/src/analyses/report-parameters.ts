import type { TextFile } from "@resolvent/analysis";

/** What a report is asked. */
export interface ReportParameters {
  readonly corpus?: TextFile | undefined;
  readonly tokensFile?: TextFile | undefined;
  readonly length?: number | undefined;
  readonly sequences: number;
  readonly maxDegree?: number | undefined;
  readonly top: number;
  readonly verify: number;
  readonly order: number;
  readonly maxTokens: number;
  readonly predictFrom: number;
  readonly seed: number;
  readonly withDictionaries: boolean;
  readonly compare?: string | undefined;
}
