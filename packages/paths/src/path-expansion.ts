import type {
  Agreement,
  Certificate,
  NotShown,
  PromptResult,
  TargetFacts,
  TopToken,
} from "@resolvent/analysis";
import type { DirectAttribution } from "./attribution.ts";
import type { Route } from "./routes.ts";
import type { HeadScore } from "./score-readout.ts";
import type { Verdict } from "./verify.ts";

/** A path as a result has it. */
export interface ShownPath {
  /** `embed`, `embed.token`, `bias:L0.mlp`, `bias:L0.H3`, `bias:L0.attn.b_O` */
  readonly source: string;
  /** The position of the source; null for all of its positions together. */
  readonly position: number | null;
  /** `L0.H3`, `L1.mlp`: from the source to the target. */
  readonly nodes: readonly string[];
  /** How many nodes it has, one more where its source is a bias. */
  readonly degree: number;
  /** What it contributes to the target on the frozen model. */
  readonly effect: number;
  /** How it reads: `embed " Mary"@3 → L2.H1 → logit " Mary" − " John"`. */
  readonly text: string;
  /** The check by intervention; null where it was not asked for. */
  readonly verified: ShownVerdict | null;
  /** Its largest routes; null where they were not asked for. */
  readonly routes: ShownRoutes | null;
}

/** The routes of a path as a result has them. */
export interface ShownRoutes {
  /** How many routes the masks of its attention blocks allow, a decimal number. */
  readonly count: string;
  /** The largest by |effect|, the largest first. */
  readonly shown: readonly ShownRoute[];
  /** All other routes: what `shown` leaves of the path's effect. */
  readonly notShown: NotShown;
  /** Whether every route was made, so that none that is not shown is larger than the last shown. */
  readonly exhaustive: boolean;
}

/** A path with the position of every hop, as a result has it. */
export interface ShownRoute extends Route {
  /** How it reads: `embed " Mary"@3 → L2.H1@12 → logit " Mary" − " John"`. */
  readonly text: string;
}

/** A path, or a single route of one, that was named to be checked, with what came of it. */
export interface CheckedPath
  extends Pick<ShownPath, "source" | "position" | "nodes" | "degree" | "text"> {
  /** Of a route the position at which each node writes; null for the whole path. */
  readonly positions: readonly number[] | null;
  readonly verified: ShownVerdict;
}

/** The score of a head that paths end in, as a result has it. */
export interface ShownScore extends HeadScore {
  /** Of the head: `L2.H2`. */
  readonly name: string;
  /** How much the head attends from its query to its key. */
  readonly probability: number;
}

/** What a model says, as a result has it. */
export interface ShownAnswer {
  /** Of the target. */
  readonly value: number;
  /** The likeliest next tokens: the first; none where the target is the score of a head. */
  readonly top: readonly TopToken[];
}

/** A verdict as a result has it. */
export interface ShownVerdict extends Omit<Verdict, "without"> {
  readonly without: { readonly frozen: ShownAnswer; readonly live: ShownAnswer };
}

/**
 * A target as a sum of paths: plain data, the same object in API, JSON and app. All gates, and the final norm's σ, are
 * held at the run's values.
 */
export interface PathExpansion extends PromptResult<"paths"> {
  /** What is taken apart, and its value in the run: `total + constant + otherSources`, but for rounding. */
  readonly target: TargetFacts;
  /** What the model says in the run, all paths there. */
  readonly answer: ShownAnswer;
  /** The score of a head, where that is what is taken apart in place of logits; else absent. */
  readonly score?: ShownScore;
  /** What paths go through: `block`, `head`, `neuron`, or the name of another level. */
  readonly level: string;
  /** How many paths there are, a decimal number. */
  readonly count: string;
  /**
   * How many routes they are the sum of, each with a position for its source and for every node, as the masks of
   * attention allow: a decimal number that does not depend on whether sources are split by position.
   */
  readonly routeCount: string;
  /** The sum of all of them. With `constant` and `otherSources` it is the value of the target. */
  readonly total: number;
  /** `β (W_U[:,a] − W_U[:,b]) + b_U[a] − b_U[b]`, which belongs to no path. */
  readonly constant: number;
  /** The sum of the paths from sources that were not chosen; 0 where all are. */
  readonly otherSources: number;
  readonly byDegree: readonly {
    readonly degree: number;
    /** A decimal number. */
    readonly count: string;
    /** How many routes these are the sum of, a decimal number. */
    readonly routes: string;
    readonly sum: number;
    /** `Σ |effect|`; null where not every path was made. */
    readonly absolute: number | null;
  }[];
  /** The largest paths by |effect|, the largest first. */
  readonly shown: readonly ShownPath[];
  /** The paths that were named to be checked, in their order, shown or not; absent where none was. */
  readonly checked?: readonly CheckedPath[];
  /** All other paths: `total − Σ shown`, exactly. */
  readonly notShown: NotShown;
  readonly search: {
    /** Whether every path was looked at, so that none that is not shown is larger than the last shown. */
    readonly exhaustive: boolean;
    /** Ends of paths that were looked at. */
    readonly expanded: number;
    /** Forward passes that a search took, by floating-point operations; null where all paths were made. */
    readonly passes: number | null;
    /** The largest promise `Σ_k |sum of degree k|` of a bundle of paths that was not looked at; null for none. */
    readonly pending: number | null;
    /** Of `|Σ path by path − total|`, relative to the largest sum of a degree; null where not every path was made. */
    readonly certificate: Certificate | null;
  };
  /** How what freezing says compares with the model itself, over the paths that were verified; null where none was. */
  readonly agreement: Agreement | null;
  readonly attribution: DirectAttribution;
  /** Of `|Σ paths of all sources − ⟨w, T⟩|`, relative to the largest sum of a degree. */
  readonly certificate: Certificate;
}
