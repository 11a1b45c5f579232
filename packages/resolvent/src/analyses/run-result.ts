import type { PromptResult, TopToken } from "@resolvent/analysis";
import type { Tensor } from "@resolvent/tensor";
import type { HeadPattern } from "./patterns.ts";
import type { RunIntervention } from "./run-interventions.ts";

/** What a model goes on with. */
export interface Generated {
  readonly tokens: readonly number[];
  readonly text: string;
  /** Why it ends there: so many tokens were asked for, the model ended the text, or its context is full. */
  readonly stop: "length" | "end" | "context";
}

/** One forward pass, and what follows it. */
export interface RunResult extends PromptResult<"run"> {
  /** Mean next-token loss, nats; null for a single token. */
  readonly loss: number | null;
  /** The likeliest next tokens. */
  readonly next: readonly TopToken[];
  readonly generated: Generated | null;
  /** What the run was changed by; absent where that is nothing. */
  readonly interventions?: readonly RunIntervention[];
  readonly sites: readonly {
    readonly site: string;
    readonly shape: Tensor["shape"];
    readonly norm: number;
  }[];
  /** The attention patterns, head by head; only where they were asked for. */
  readonly attention?: readonly HeadPattern[];
}
