import type { AnyAnalysis, AnyFilesAnalysis, AnyOutlineAnalysis } from "@resolvent/analysis";

type Analyses = readonly (AnyAnalysis | AnyOutlineAnalysis)[];

/**
 * Where analyses come from, in the order of their list: each is loaded when one of its analyses is asked for. What is in
 * two is of the first: the first screen needs one of a package with many.
 */
export const homes: Readonly<Record<string, () => Promise<Analyses>>> = {
  paths: async () => (await import("@resolvent/paths/analyses")).pathsAnalyses,
  expand: async () => (await import("@resolvent/expansion/analyses/expand")).expandAnalyses,
  expansion: async () => (await import("@resolvent/expansion/analyses")).expansionAnalyses,
  patching: async () => (await import("@resolvent/patching/analyses")).patchingAnalyses,
  attention: async () => (await import("@resolvent/attention/analyses")).attentionAnalyses,
  linearity: async () => (await import("@resolvent/linearity/analyses")).linearityAnalyses,
  dictionary: async () => (await import("@resolvent/dictionary/analyses")).dictionaryAnalyses,
  merge: async () => (await import("@resolvent/merge/analyses")).mergeAnalyses.filter(runsHere),
  models: async () => (await import("resolvent/analyses")).modelAnalyses,
};

/** In a page no analysis opens models by the names in a file that it reads; in Node's list there are some. */
function runsHere(
  one: AnyAnalysis | AnyOutlineAnalysis | AnyFilesAnalysis,
): one is AnyAnalysis | AnyOutlineAnalysis {
  return one.needs !== "files";
}
