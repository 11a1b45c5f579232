import type { HeadFacts, NotShown, ResultHead, TargetFacts, TokenFacts } from "@resolvent/analysis";
import type { ShownPath, ShownVerdict } from "@resolvent/paths";
import type { DegreeParts } from "../attribution/target-degrees.ts";
import type { GraphFile } from "../graph/graph-file.ts";
import type { DictionaryFacts } from "./dictionary-facts.ts";

/** The two scores of a graph; null where they are not defined, and `reason` says why. */
export interface ScoreFacts {
  readonly replacement: number | null;
  readonly completeness: number | null;
  readonly reason: string | null;
}

/** A logit that the graph explains. */
interface LogitFacts {
  readonly token: TokenFacts;
  readonly probability: number | null;
  /** Less the mean over the vocabulary, before a cap; null of a file. */
  readonly value: number | null;
  /** What all paths to it, with biases, add up to; null of a file. */
  readonly total: number | null;
}

/** The influence of nodes without inputs along paths of exactly so many edges. */
export interface InfluenceFacts {
  readonly edges: number;
  readonly tokens: number;
  readonly errors: number;
  /** Features and others of which the graph has no inputs. */
  readonly others: number;
}

/** A path through the graph. */
interface GraphPathFacts {
  /** Names of its nodes, the first first. */
  readonly nodes: readonly string[];
  readonly effect: number;
}

/** A node or a pair of nodes in a head's score. */
interface SideFacts {
  readonly node: string;
  readonly effect: number;
}

/** A head that moves a part of an edge, and why it looks there. */
export interface HopFacts {
  readonly from: string;
  readonly to: string;
  /** Of the edge. */
  readonly weight: number;
  readonly head: HeadFacts;
  readonly query: number;
  readonly key: number;
  /** What of the edge passes here. */
  readonly effect: number;
  readonly pattern: number;
  /** The score before the softmax, and what gives its two sides the most. */
  readonly score: number;
  readonly querySide: readonly SideFacts[];
  readonly keySide: readonly SideFacts[];
  readonly queryOthers: number;
  readonly keyOthers: number;
  readonly scorePairs: readonly {
    readonly query: string;
    readonly key: string;
    readonly effect: number;
  }[];
}

/** An edge that was checked by taking its source away. */
export interface EdgeCheckFacts {
  readonly from: string;
  readonly to: string;
  readonly predicted: number;
  readonly frozen: number;
  readonly live: number;
}

/** A node that was changed, and what that does to the target, or to the first logit. */
export interface NodeCheckFacts extends ShownVerdict {
  readonly node: string;
  /** What was left of it. */
  readonly times: number;
}

/** A path through heads and features. */
export interface StepPathFacts extends Omit<ShownPath, "routes"> {
  /** The same path in the model itself, MLPs whole; null where it is not among the largest there, or has no such source. */
  readonly model: number | null;
}

/** An attribution graph, of a prompt or of a file: its size, its scores, and what is left of it when it is pruned. */
export interface GraphResult extends ResultHead<"attribution-graph"> {
  readonly input: { readonly tokens: readonly TokenFacts[] };
  /** The file that was imported; null of a graph made here. */
  readonly file: {
    readonly name: string;
    readonly slug: string;
    readonly scan: string;
    /** Thresholds by which it was pruned before, by its own words. */
    readonly prunedBefore:
      | { readonly nodes: number; readonly edges: number | null }
      | "whole"
      | "unknown";
  } | null;
  readonly dictionaries: readonly DictionaryFacts[];
  /** Of the whole graph. */
  readonly nodes: number;
  readonly edges: number;
  readonly kinds: {
    readonly token: number;
    readonly feature: number;
    readonly error: number;
    readonly bias: number;
    readonly logit: number;
    readonly other: number;
  };
  /** Features that are active, and those that are nodes; null of a file. */
  readonly features: { readonly active: number; readonly shown: number } | null;
  /** None where a target is explained. */
  readonly logits: readonly LogitFacts[];
  /** Null where logits are explained. */
  readonly target: TargetFacts | null;
  /** `β W_U + b_U` of the target, which belongs to no path; null without a target. */
  readonly constant: number | null;
  /** What all paths of the graph to the target, with biases, add up to; null without a target. */
  readonly total: number | null;
  /** The target by degree, in the model itself and in features; none without a target. */
  readonly degrees: readonly DegreeParts[];
  /** The largest paths from tokens to the target through heads and active features; null without a target. */
  readonly steps: {
    readonly shown: readonly StepPathFacts[];
    /** How many paths from tokens there are, a decimal number. */
    readonly count: string;
    readonly notShown: NotShown;
    /** What begins at errors and at biases, together. */
    readonly otherSources: number;
    /** Whether every path was looked at. */
    readonly exhaustive: boolean;
    /** Ends of paths that were looked at. */
    readonly expanded: number;
    /** The largest promise of a bundle of paths that was not looked at; null for none. */
    readonly pending: number | null;
  } | null;
  /** `max |Σ edges + constant + remainder − value| / max |value|` over rows; null of a file. */
  readonly rows: number | null;
  readonly scores: { readonly whole: ScoreFacts; readonly pruned: ScoreFacts };
  /** Of the whole graph. */
  readonly influence: readonly InfluenceFacts[];
  /** Null where a cycle keeps it from being pruned. */
  readonly pruned: {
    readonly nodes: number;
    readonly edges: number;
    readonly nodeThreshold: number;
    readonly edgeThreshold: number;
  } | null;
  /** The largest paths of the whole graph: effects on the likeliest logit, of a file their influence. */
  readonly paths: {
    readonly measure: "effect" | "influence";
    readonly shown: readonly GraphPathFacts[];
    readonly notShown: NotShown;
  };
  readonly hops: readonly HopFacts[];
  readonly verified: readonly EdgeCheckFacts[];
  readonly ablated: readonly NodeCheckFacts[];
  /** How many nodes and edges people see. */
  readonly listed: number;
  /** The pruned graph as circuit-tracer and Neuronpedia read it: `metadata, qParams, nodes, links`. */
  readonly graph: GraphFile;
}
