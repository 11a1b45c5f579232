import type { Work } from "@resolvent/analysis/remote";
import { type Question, withTarget } from "./question.ts";

/** Edges between positions whose heads are taken apart. */
const EXPLAINED = 8;

/** Paths that are listed. */
const LISTED = 20;

/** Edges that are checked by intervention with the graph, the largest. */
export const VERIFIED = 4;

/** Active features that are nodes, those with the largest effects: what the page holds whole, and prunes. */
const FEATURES = 256;

/** The share that edges of the pruned graph have, as the analysis has it by default. */
export const EDGE_SHARE = 0.98;

/** Bytes of a graph file at most: a text of more is longer than engines hold, once it is taken apart. */
export const MOST_BYTES = 200_000_000;

/** The work that makes the graph of a question, whole, so that it can be pruned as one likes. */
export function graphWork(
  { model, prompt }: Question,
  {
    target,
    verify,
    dictionary,
  }: {
    readonly target: readonly number[];
    readonly verify: number;
    /** Default that of the model. */
    readonly dictionary?: string;
  },
): Work {
  const values = {
    ...{ prompt, nodeThreshold: 1, edgeThreshold: 1 },
    ...{ mostFeatures: FEATURES, explain: EXPLAINED, top: LISTED, verify },
  };
  return {
    ...{ analysis: "graph", model, values: withTarget(values, target) },
    ...{ precision: "f32", float64: false },
    ...(dictionary !== undefined && { dictionaries: [dictionary] }),
  };
}

/** What features are asked about: a dictionary, and texts to find them in. */
export interface FeatureQuestion {
  readonly dictionary: string;
  /** Which of a set, from 0. */
  readonly which: number;
  /** A feature of it; null for those that are strongest. */
  readonly feature: number | null;
  readonly text: string;
}

/** The work that says what features do. */
export function featureWork(
  { model }: Question,
  { dictionary, which, feature, text }: FeatureQuestion,
): Work {
  const values = { which, top: 20, ...(feature !== null && { feature: [feature] }) };
  return {
    ...{ analysis: "features", model, values, precision: "f32", float64: false },
    ...{ dictionaries: [dictionary], texts: { corpus: { name: "these texts", text } } },
  };
}

/** A selection as what it is of: a node by its name, an edge by its ends. */
export function isEdge(picked: string): boolean {
  return picked.includes(" → ");
}
