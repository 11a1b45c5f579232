import type { TokenFacts } from "./result.ts";
import type { TargetFacts } from "./target.ts";

/** A pair of prompts as results carry it. */
export interface PairFacts {
  readonly clean: readonly TokenFacts[];
  /** Null where there is none. */
  readonly corrupt: readonly TokenFacts[] | null;
  /** What is asked, and its value on the clean prompt. */
  readonly target: TargetFacts;
  /** The target's value on the corrupt prompt; null as above. */
  readonly targetCorrupt: number | null;
}
