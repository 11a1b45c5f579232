import type { ComputedResult, HeadFacts, TokenFacts } from "@resolvent/analysis";
import type { HistogramBin } from "../features/histogram.ts";
import type { DictionaryFacts } from "./dictionary-facts.ts";
import type { CorpusFacts } from "./texts.ts";

/** A token and a number. */
export interface TokenWeight extends TokenFacts {
  readonly weight: number;
}

/** Another feature of the same dictionary. */
interface NearFeature {
  readonly feature: number;
  readonly label: string | null;
  /** Of their decoder rows. */
  readonly cosine: number;
}

/** A feature of another dictionary. */
export interface ConnectedFeature {
  /** Where the other dictionary writes, of what feeds a feature, or reads, of what it feeds. */
  readonly site: string;
  /** Among the dictionaries, in their order. */
  readonly dictionary: number;
  readonly feature: number;
  /** What one writes along what the other reads, an activation of 1 each, without σ. */
  readonly weight: number;
}

/** A head that feeds a feature. */
interface FeedingHeadFacts extends HeadFacts {
  /** The norm of what its value and output make of what the feature reads, without its pattern and σ. */
  readonly gain: number;
}

/** A place where a feature is strong. */
export interface FeaturePassage {
  /** The sequence of the corpus, from 0. */
  readonly text: number;
  /** Where the feature is strongest in it. */
  readonly position: number;
  readonly activation: number;
  /** The position of the first token shown. */
  readonly start: number;
  readonly tokens: readonly (TokenFacts & { readonly activation: number })[];
}

/** One feature, on the corpus and by its weights. */
export interface FeatureRow {
  readonly feature: number;
  /** What a file of labels says of it; null where none does. */
  readonly label: string | null;
  readonly active: number;
  /** The share of tokens on which it is active. */
  readonly density: number;
  /** How often it is active at the first position of a text. */
  readonly first: number;
  /** How often it is below 0. */
  readonly negative: number;
  /** Over the tokens on which it is active; null where there is none. */
  readonly mean: number | null;
  readonly max: number | null;
  /** Of its activations above 0: four bins an octave. */
  readonly histogram: readonly HistogramBin[];
  /** Where it is strongest, one place of a sequence at most. */
  readonly examples: readonly FeaturePassage[];
  /** Tokens whose logits it raises and lowers most by what it writes, less the mean over the vocabulary; null where it writes no stream. */
  readonly promoted: readonly TokenWeight[] | null;
  readonly suppressed: readonly TokenWeight[] | null;
  /** Tokens whose embeddings it reads most; null where it does not read the stream. */
  readonly reads: readonly TokenWeight[] | null;
  /** Heads through which it can read most of earlier positions; null where it does not read the stream. */
  readonly heads: readonly FeedingHeadFacts[] | null;
  readonly nearest: readonly NearFeature[];
  /** Features of the other dictionaries. */
  readonly fedBy: readonly ConnectedFeature[];
  readonly feeds: readonly ConnectedFeature[];
}

/** How features that are listed are chosen. */
export type FeatureOrder = "max" | "density" | "mean" | "index";

/** What the features of a dictionary do: all were looked at, those that were asked for are here. */
export interface FeaturesResult extends ComputedResult<"features"> {
  readonly dictionary: DictionaryFacts;
  /** The other dictionaries that were given, whose features feed these or are fed. */
  readonly others: readonly DictionaryFacts[];
  readonly corpus: CorpusFacts;
  /** Positions that the dictionary is for. */
  readonly tokens: number;
  /** Features that are active nowhere. */
  readonly dead: number;
  /** By what those here were chosen; null where they were named. */
  readonly by: FeatureOrder | null;
  readonly features: readonly FeatureRow[];
}
