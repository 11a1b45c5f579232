/** The analyses of each package. */
export const LISTS = {
  attention: ["attentionAnalyses", "@resolvent/attention/analyses"],
  dictionary: ["dictionaryAnalyses", "@resolvent/dictionary/analyses"],
  expansion: ["expansionAnalyses", "@resolvent/expansion/analyses"],
  linearity: ["linearityAnalyses", "@resolvent/linearity/analyses"],
  merge: ["mergeAnalyses", "@resolvent/merge/analyses"],
  models: ["modelAnalyses", "resolvent/analyses"],
  patching: ["patchingAnalyses", "@resolvent/patching/analyses"],
  paths: ["pathsAnalyses", "@resolvent/paths/analyses"],
} as const;

/** The package of each analysis, as its program imports it. */
export const HOMES: ReadonlyMap<string, keyof typeof LISTS> = new Map(
  Object.entries({
    attention: ["heads", "ov"],
    dictionary: ["dictionary", "features", "graph", "train-dictionary"],
    expansion: ["expand", "qk", "series", "interactions", "lens"],
    linearity: ["linearity", "jacobian-lens"],
    merge: ["barrier", "compare", "align"],
    models: ["inspect", "run", "profile"],
    patching: ["patch", "circuit"],
    paths: ["paths"],
  } as const).flatMap(
    ([home, names]) => names.map((name) => [name, home as keyof typeof LISTS] as const), // its own keys
  ),
);

/** Whether an analysis is of these packages, and not contributed by somebody. */
export function isBuiltIn(analysis: string): boolean {
  return HOMES.has(analysis);
}
