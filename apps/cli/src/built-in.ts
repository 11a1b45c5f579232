import type { ListedAnalysis } from "@resolvent/analysis";

type Analyses = readonly ListedAnalysis[];

const attention = async (): Promise<Analyses> =>
  (await import("@resolvent/attention/analyses")).attentionAnalyses;
const dictionary = async (): Promise<Analyses> =>
  (await import("@resolvent/dictionary/analyses")).dictionaryAnalyses;
const expansion = async (): Promise<Analyses> =>
  (await import("@resolvent/expansion/analyses")).expansionAnalyses;
const linearity = async (): Promise<Analyses> =>
  (await import("@resolvent/linearity/analyses")).linearityAnalyses;
const merge = async (): Promise<Analyses> =>
  (await import("@resolvent/merge/analyses")).mergeAnalyses;
const models = async (): Promise<Analyses> => (await import("resolvent/analyses")).modelAnalyses;
const patching = async (): Promise<Analyses> =>
  (await import("@resolvent/patching/analyses")).patchingAnalyses;
const paths = async (): Promise<Analyses> =>
  (await import("@resolvent/paths/analyses")).pathsAnalyses;
const report = async (): Promise<Analyses> =>
  (await import("@resolvent/report/analyses")).reportAnalyses;

/** Where the analysis of a command comes from, so that a command loads no package but its own. */
const homes: ReadonlyMap<string, () => Promise<Analyses>> = new Map([
  ["heads", attention],
  ["ov", attention],
  ["dictionary", dictionary],
  ["features", dictionary],
  ["graph", dictionary],
  ["train-dictionary", dictionary],
  ["expand", expansion],
  ["qk", expansion],
  ["series", expansion],
  ["interactions", expansion],
  ["lens", expansion],
  ["profile", models],
  ["linearity", linearity],
  ["jacobian-lens", linearity],
  ["merge", merge],
  ["barrier", merge],
  ["compare", merge],
  ["align", merge],
  ["inspect", models],
  ["run", models],
  ["patch", patching],
  ["circuit", patching],
  ["paths", paths],
  ["report", report],
]);

/** Commands that are no analyses: none has to be loaded for them. */
const others: readonly string[] = ["demo", "doctor", "lab", "serve"];

/**
 * The built-in analyses that a command line can be about: those of one package where it names a command, none where it
 * asks for the version, all otherwise.
 */
export async function builtInFor(argv: readonly string[]): Promise<Analyses> {
  if (argv[0] === "-V" || argv[0] === "--version") return [];
  const [first, second] = argv.filter(
    (word, i) => !word.startsWith("-") && argv[i - 1] !== "--plugin",
  );
  // What is swept is named second.
  const named = first === "sweep" ? second : first;
  if (named !== undefined && others.includes(named)) return [];
  if (first === "sweep" && named === "report") return []; // of its folder
  const home = named === undefined ? undefined : homes.get(named);
  return home === undefined ? (await import("./analyses.ts")).analyses : await home();
}
