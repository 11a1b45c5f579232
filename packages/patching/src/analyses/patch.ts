import {
  type Analysis,
  type Cell,
  certificateLine,
  defineAnalysis,
  inputLine,
  type NewFile,
  promptText,
  roundingOf,
  short,
  type Table,
  writeText,
} from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  flagParameter,
  newFileParameter,
  parameters,
} from "@resolvent/analysis/parameters";
import { InputError } from "@resolvent/tensor";
import { measuredSize } from "../measure.ts";
import { checkMibLevel, mibGraph } from "../mib.ts";
import type { PromptPair } from "../pairs.ts";
import { type PatchResult, patchEffects } from "../patch.ts";
import { patchCost } from "../patch-cost.ts";
import type { PatchSetting } from "../setting.ts";
import { INTERVAL_COLUMNS, intervalCells } from "./interval-columns.ts";
import {
  measureWords,
  type PatchParameters,
  pairsOf,
  patchParameters,
  settingOf,
  targetWords,
} from "./parameters.ts";
import { patchAnswer, patchViews } from "./patch-views.ts";

interface Parameters extends PatchParameters {
  readonly nodes: boolean;
  readonly branches: boolean;
  readonly positions: boolean;
  readonly compare: boolean;
  readonly top: number;
  readonly mib?: NewFile | undefined;
}

/** What the analysis gives: the effects, and which of them the table of the largest shows. */
type Result = PatchResult & { readonly listed: number };

/** Columns that a matrix for people can have. */
const MATRIX_COLUMNS = 30;

/** The effects of all edges, nodes or branches: `patchEffects` as an analysis. */
export const patch: Analysis<Parameters, Result> = defineAnalysis<Parameters, Result>({
  name: "patch",
  summary: "effect of every edge or node of a model on a prediction, by intervention",
  description:
    "Patches values of MODEL on a corrupt prompt into its run on a clean one, at one edge (or node, or branch) at a time, and measures the change of a logit difference. Edges are patched in batches. Gradient methods estimate the same at the cost of a few runs; --compare measures how well.",
  params: parameters({
    ...patchParameters("exact"),
    level: choiceParameter(
      "blocks; heads with separate query, key and value inputs, and MLPs; heads and neurons; stream: nodes that are the whole residual stream before each block",
      ["block", "head", "neuron", "stream"],
      { default: "block" },
    ),
    nodes: flagParameter("patch whole outputs of blocks or heads, not edges"),
    branches: flagParameter("patch single paths: source to receiver, then directly to the output"),
    positions: flagParameter("patch nodes position by position"),
    compare: flagParameter("also patch exactly, and compare a gradient method with that"),
    top: countParameter("number of largest effects listed", { default: 20, title: "n" }),
    mib: newFileParameter(
      "write the scores of all edges between heads, as EAP-IG and MIB's circuit track read them (JSON); with level head",
    ),
  }),
  examples: [
    'tales --prompt "When Mary and John went out, John gave it to" --corrupt "When Mary and John went out, Mary gave it to"',
    "path/to/model --tokens 1,2,3 --corrupt-tokens 1,4,3 --level head --method eap --compare --json",
    'tales --prompt "When Mary and John went out, John gave it to" --corrupt "When Mary and John went out, Mary gave it to" --level stream --positions',
    'tales --pairs "$(cat pairs.jsonl)" --nodes',
    "tales --pairs pairs.jsonl --level head --method eap-ig --mib importances.json",
  ],
  needs: ({ method }) => (method === "exact" ? [] : ["layers"]), // gradients go backward
  estimate: ({ model, vocabulary, precision }, params) => {
    checkComparison(params);
    checkMib(params);
    const pairs = pairsOf(params, model, vocabulary);
    if (params.reference === "run") checkDifference(pairs);
    const setting = settingOf(params, kindOf(params), pairs, vocabulary);
    return patchCost(model, pairs, setting, { ...params, precision });
  },
  run: async ({ engine, model, vocabulary, signal, onProgress }, params) => {
    const pairs = pairsOf(params, model, vocabulary);
    const kind = kindOf(params);
    const setting = settingOf(params, kind, pairs, vocabulary);
    const { method, steps, positions, compare, top } = params;
    const result = await patchEffects(engine, model, pairs, setting, {
      ...{ method, steps, positions, compare, signal, text: vocabulary.text },
      onProgress: (progress) => onProgress({ ...progress, of: kind }),
    });
    if (params.mib !== undefined) {
      await writeText(params.mib, JSON.stringify(mibGraph(model.architecture, result)));
    }
    return { ...result, listed: top };
  },
  tables: (result) => [...matrixTables(result), effectTable(result)],
  tableKinds: ["patch-matrix", "patch-effect"],
  answer: patchAnswer,
  views: patchViews,
});

function checkComparison({ compare, method }: Parameters): void {
  if (!compare || method !== "exact") return;
  throw new InputError({
    code: "patching/nothing-to-compare",
    message:
      "The method exact has nothing to be compared with: it is what others are compared with.",
    remedy: "Choose a gradient method as well (--method eap), or leave compare out.",
  });
}

/** Said before anything is computed. */
function checkMib(params: Parameters): void {
  if (params.mib !== undefined) checkMibLevel({ level: params.level, kind: kindOf(params) });
}

/** What is no mistake in a library, that no difference has no effects, is one in a call. */
function checkDifference(pairs: readonly PromptPair[]): void {
  const pair = pairs.findIndex(({ clean, corrupt }) =>
    clean.every((id, at) => id === corrupt?.[at]),
  );
  if (pair < 0) return;
  throw new InputError({
    code: "patching/same-prompts",
    message: `Clean and corrupt prompt of pair ${pair} are the same, so that patching changes nothing.`,
    remedy: "Let them differ in the tokens whose way through the model is looked for.",
    details: { pair },
  });
}

function kindOf({ nodes, branches, level }: Parameters): PatchSetting["kind"] {
  if (nodes && branches) {
    throw new InputError({
      code: "patching/two-kinds",
      message: "Both nodes and branches are asked for.",
      remedy: "Patch one kind at a time.",
    });
  }
  return nodes || (level === "stream" && !branches) ? "node" : branches ? "branch" : "edge";
}

/** Rows are sources, columns receivers, as in papers; none where it would be too wide. */
function matrixTables(result: Result): Table[] {
  const { sources, receivers, effect } = result;
  if (receivers.length < 2 || receivers.length > MATRIX_COLUMNS) return [];
  return [
    {
      kind: "patch-matrix",
      view: true,
      matrix: true,
      title: titleOf(result),
      subtitle: subtitleOf(result),
      columns: [
        {
          name: "source",
          kind: "text",
          head: result.setting.kind === "node" ? "node \\ position" : "from \\ to",
        },
        ...receivers.map((name) => {
          const token = tokenAt(result, name);
          return {
            name,
            head: token === null ? name : `${JSON.stringify(token)}@${name}`,
            kind: "number",
          } as const;
        }),
      ],
      rows: sources.map((source, i) => [source, ...(effect[i] ?? [])]),
      rounding: roundingIn(result),
    },
  ];
}

/** The token at a position that is patched; null where it is none, or another in every pair. */
function tokenAt({ setting, pairs }: Result, receiver: string): string | null {
  const [first, second] = pairs;
  if (setting.kind !== "node" || first === undefined || second !== undefined) return null;
  return first.clean[Number(receiver)]?.text ?? null;
}

/** Effects are differences of targets, and these of logits: their rounding goes by the size of all. */
function roundingIn(result: Result): number {
  const { precision, effect, logitSize, setting, targetClean, targetCorrupt } = result;
  const effects = effect.flat();
  const ends = [targetClean, targetCorrupt].map((value) => Math.abs(value ?? 0));
  const largest = effects.reduce<number>((most, x) => Math.max(most, Math.abs(x ?? 0)), 0);
  const values = [Math.max(...ends) + largest];
  return roundingOf(precision, [measuredSize(setting.measure, logitSize, values), ...effects]);
}

/** Every effect as a row of data; people see the largest. */
function effectTable(result: Result): Table {
  const { sources, receivers, effect, interval, comparison, listed } = result;
  const all = sources.flatMap((source, s) =>
    receivers.flatMap((receiver, r): Cell[][] => {
      const value = effect[s]?.[r];
      if (value === null || value === undefined) return [];
      const exact = comparison?.exact[s]?.[r];
      const end = comparison === null ? [] : [exact ?? null];
      const [low, high] = [interval?.low[s]?.[r], interval?.high[s]?.[r]];
      const ends =
        interval === null
          ? []
          : intervalCells({ low: low ?? Number.NaN, high: high ?? Number.NaN });
      return [[source, receiver, tokenAt(result, receiver), value, ...ends, ...end]];
    }),
  );
  const size = (row: readonly Cell[]): number => Math.abs(Number(row[3]));
  const rows = all.sort((x, y) => size(y) - size(x));
  const shown = Math.min(listed, rows.length);
  const first = matrixTables(result).length === 0;
  const nodes = result.setting.kind === "node";
  const byPosition = receivers.some((receiver) => tokenAt(result, receiver) !== null);
  return {
    kind: "patch-effect",
    title: first ? titleOf(result) : `The largest ${shown} of ${all.length}`,
    ...(first && { subtitle: subtitleOf(result) }),
    columns: [
      { name: "source", kind: "text", head: nodes ? "node" : "from", refers: "node" },
      {
        ...{ name: "receiver", kind: "text", head: nodes ? "position" : "to" },
        ...(byPosition ? { refers: "pos" } : nodes ? {} : { refers: "node" }),
      },
      { name: "token", kind: "token", detail: !byPosition },
      { name: "effect", kind: "effect" },
      ...(interval === null ? [] : INTERVAL_COLUMNS),
      ...(comparison === null ? [] : [{ name: "exact", kind: "number" } as const]),
    ],
    rows,
    shown,
    rounding: roundingIn(result),
    notes: notesOf(result, all.length),
  };
}

function titleOf({ setting, method }: Result): string {
  const what = { edge: "edge", node: "node", branch: "branch" }[setting.kind];
  const how =
    method === "exact" ? "patched exactly" : `by ${method === "given" ? "given effects" : method}`;
  return `Effect of each ${what} on the ${measureWords(setting)}, ${how}: ${setting.direction}, reference ${setting.reference.kind}`;
}

function subtitleOf({ model, pairs }: Result): string {
  const [first] = pairs;
  if (first === undefined || pairs.length > 1)
    return `${model.name}, mean of ${pairs.length} pairs`;
  const clean = inputLine(model, first.clean);
  return first.corrupt === null ? clean : `${clean}\ncorrupt: ${promptText(first.corrupt)}`;
}

function notesOf(result: Result, count: number): string[] {
  const { targetClean, targetCorrupt, interval, comparison, certificate } = result;
  const corrupt = targetCorrupt === null ? "" : `, corrupt ${short(targetCorrupt)}`;
  const notes = [`${targetWords(result)}: clean ${short(targetClean)}${corrupt}; ${count} effects`];
  if (interval !== null) {
    notes.push("± is half the 95 % interval of the mean over pairs (Student's t)");
  }
  if (comparison !== null) {
    const { correlation, rankCorrelation, sameSign, maxError, meanError, meanExact } = comparison;
    const number = (value: number | null): string => (value === null ? "undefined" : short(value));
    notes.push(
      `against exact patching: correlation ${number(correlation)}, of ranks ${number(rankCorrelation)}, same sign ${Math.round(sameSign * comparison.count)} of ${comparison.count}, mean error ${short(meanError)} of mean effect ${short(meanExact)}, largest error ${short(maxError)}`,
    );
  }
  if (certificate !== null) {
    notes.push(
      certificateLine("|Σ effects on final − ⟨∂target/∂T, ΔT⟩| / Σ |effect|", certificate, {
        precision: result.precision,
      }),
    );
  }
  return notes;
}
