import {
  type Analysis,
  type Cell,
  defineAnalysis,
  fileBytes,
  inputLine,
  percent,
  promptText,
  roundingOf,
  short,
  type Table,
  type TextFile,
  warningCodes,
  warningLines,
} from "@resolvent/analysis";
import {
  countParameter,
  fileParameter,
  flagParameter,
  numbersParameter,
  parameters,
} from "@resolvent/analysis/parameters";
import type { Architecture } from "@resolvent/transformer";
import { CIRCUIT_SIZES, type CircuitResult, findCircuit } from "../circuit.ts";
import { measuredSize } from "../measure.ts";
import { checkMibLevel, mibScores, readMibGraph } from "../mib.ts";
import type { EffectMatrix } from "../patch.ts";
import { patchCost } from "../patch-cost.ts";
import type { Interval } from "../ratio-spread.ts";
import { circuitAnswer, circuitViews, keptTable } from "./circuit-views.ts";
import { INTERVAL_COLUMNS, intervalCells } from "./interval-columns.ts";
import {
  type PatchParameters,
  pairsOf,
  patchParameters,
  settingOf,
  targetWords,
} from "./parameters.ts";

interface Parameters extends PatchParameters {
  readonly sizes: readonly number[];
  readonly top: number;
  readonly each: boolean;
  readonly scores?: TextFile | undefined;
}

/** Bytes of a file of scores at most: some millions of edges. */
const MAX_SCORE_BYTES = 500_000_000;

/** What the analysis gives: the circuit, and how many edges its table shows. */
type Result = CircuitResult & { readonly listed: number };

/** Circuits of several sizes and their faithfulness: `findCircuit` as an analysis. */
export const circuit: Analysis<Parameters, Result> = defineAnalysis<Parameters, Result>({
  name: "circuit",
  summary: "the edges that carry a prediction, and how faithful they are alone",
  description:
    "Ranks all edges of MODEL by the size of their effect on a logit difference, keeps the top ones, patches all others with their values on a corrupt prompt, and measures how much of the difference remains: faithfulness by size, CPR (the area under it) and CMD (the area between it and 1).",
  params: parameters({
    ...patchParameters("eap-ig"),
    sizes: numbersParameter("shares of all edges to keep, ascending", {
      ...{ default: CIRCUIT_SIZES, above: 0, most: 1, fewest: 1, title: "shares" },
    }),
    top: countParameter("number of edges listed", { default: 20, title: "n" }),
    each: flagParameter("also show the circuits of each pair, and keep its scores in JSON"),
    scores: fileParameter(
      "rank edges by these scores, as EAP-IG and MIB have them (JSON), in place of a method; with level head",
    ),
  }),
  examples: [
    'tales --prompt "When Mary and John went out, John gave it to" --corrupt "When Mary and John went out, Mary gave it to" --level head',
  ],
  // Gradients go backward.
  needs: ({ method, scores }) => (method === "exact" || scores !== undefined ? [] : ["layers"]),
  estimate: ({ model, vocabulary, precision }, params) => {
    if (params.scores !== undefined) checkMibLevel({ level: params.level, kind: "edge" });
    const pairs = pairsOf(params, model, vocabulary);
    const { method, steps, sizes } = params;
    const options = { method, steps, precision, circuits: sizes.length + 1 };
    return patchCost(model, pairs, settingOf(params, "edge", pairs, vocabulary), options);
  },
  run: async ({ engine, model, vocabulary, signal, onProgress }, params) => {
    const pairs = pairsOf(params, model, vocabulary);
    const { method, steps, sizes, top, each } = params;
    const setting = settingOf(params, "edge", pairs, vocabulary);
    const given = params.scores && (await scoresIn(params.scores, model.architecture));
    const result = await findCircuit(engine, model, pairs, setting, {
      ...{ method, steps, sizes, each, signal, given, text: vocabulary.text },
      onProgress: (progress) => onProgress({ ...progress, of: "edge" }),
    });
    return { ...result, listed: top };
  },
  tables: (result) => [
    sizeTable(result),
    edgeTable(result),
    ...pairTables(result),
    keptTable(result),
  ],
  tableKinds: ["circuit-size", "circuit-edge", "circuit-pair", "circuit-kept"],
  answer: circuitAnswer,
  views: circuitViews,
});

/** The scores in a file, as effects of edges. */
async function scoresIn(file: TextFile, architecture: Architecture): Promise<EffectMatrix> {
  const bytes = await fileBytes(file, MAX_SCORE_BYTES);
  return mibScores(architecture, readMibGraph(new TextDecoder().decode(bytes), file.name));
}

function sizeTable(result: Result): Table {
  const { model, setting, method, sizes, cpr, cmd, edgeCount } = result;
  const { targetModel, targetEmpty, pairs, warnings, intervals } = result;
  const [first] = pairs;
  const rounding = roundingIn(result);
  const several = sizes.some(({ interval }) => interval !== null);
  const one = first !== undefined && pairs.length === 1;
  return {
    kind: "circuit-size",
    field: "sizes",
    title: `Circuits of ${setting.level} edges by ${method === "given" ? "given scores" : method}, reference ${setting.reference.kind}`,
    subtitle: one ? inputLine(model, first.clean) : `${model.name}, mean of ${pairs.length} pairs`,
    columns: [
      { name: "share", kind: "share", head: "kept" },
      { name: "edges", kind: "count" },
      { name: "target", kind: "number" },
      {
        name: "faithfulness",
        kind: "effect",
        missing: "–",
        // A difference of targets by that of these two.
        rounding: rounding / Math.abs(targetModel - targetEmpty),
      },
      ...(several ? INTERVAL_COLUMNS : []),
      { name: "warnings", kind: "text", detail: true },
    ],
    rows: sizes.map(({ share, edges, value, faithfulness, interval }) => [
      ...[share, edges, value, faithfulness],
      ...(several ? intervalCells(interval) : []),
      warningCodes(warnings),
    ]),
    rounding,
    notes: [
      ...warningLines(warnings),
      ...emptyLine(sizes, edgeCount),
      `CPR ${figure(cpr)}${ends(intervals?.cpr)}, CMD ${figure(cmd)}${ends(intervals?.cmd)}: areas by trapezoids over the share of kept edges`,
      ...(several
        ? [
            "± is half the 95 % interval over pairs (Student's t), of faithfulness that of a quotient of means",
          ]
        : []),
      `${targetWords(result)} of the model ${short(targetModel)}, with all ${edgeCount} edges cut ${short(targetEmpty)}`,
    ],
  };
}

/** Shares that are less than an edge. */
function emptyLine(sizes: Result["sizes"], edgeCount: number): string[] {
  const last = sizes.findLast(({ edges }) => edges === 0);
  if (last === undefined) return [];
  const edges = `${edgeCount} ${edgeCount === 1 ? "edge" : "edges"}`;
  return [`${percent(last.share)} of ${edges} is less than one edge, so that none is kept`];
}

function figure(value: number | null): string {
  return value === null ? "–" : short(value);
}

function ends(interval: Interval | undefined): string {
  return interval === undefined ? "" : ` (${short(interval.low)} to ${short(interval.high)})`;
}

/** Differences of measures by the size of what these are made of. */
function roundingIn({ precision, setting, logitSize, targetModel, targetEmpty }: Result): number {
  const size = measuredSize(setting.measure, logitSize, [targetModel, targetEmpty]);
  return roundingOf(precision, [size]);
}

/** The circuits of each pair, where they were asked for. */
function pairTables({ pairs, sizes }: Result): Table[] {
  if (pairs.every(({ scores }) => scores === null)) return [];
  return [
    {
      kind: "circuit-pair",
      replaces: "pairs",
      title: "Circuits of each pair",
      columns: [
        { name: "pair", kind: "count" },
        { name: "text", kind: "text", head: "clean" },
        { name: "share", kind: "share", head: "kept" },
        { name: "target", kind: "number" },
        { name: "faithfulness", kind: "effect", missing: "–" },
      ],
      rows: pairs.flatMap(({ clean, targets, faithfulness }, pair) =>
        sizes.map(({ share }, i): Cell[] => [
          ...[pair + 1, promptText(clean), share, targets[i] ?? null, faithfulness[i] ?? null],
        ]),
      ),
    },
  ];
}

function edgeTable(result: Result): Table {
  const { edges, edgeCount, listed } = result;
  const several = edges.some(({ interval }) => interval !== undefined);
  const shown = Math.min(listed, edges.length);
  return {
    kind: "circuit-edge",
    field: "edges",
    title: `The first ${shown} of ${edgeCount} edges`,
    columns: [
      { name: "source", kind: "text", head: "from", refers: "node" },
      { name: "receiver", kind: "text", head: "to", refers: "node" },
      { name: "score", kind: "effect" },
      ...(several ? INTERVAL_COLUMNS : []),
    ],
    rows: edges.map(({ source, receiver, score, interval = null }) => [
      ...[source, receiver, score],
      ...(several ? intervalCells(interval) : []),
    ]),
    shown,
    rounding: roundingIn(result),
    ...(edgeCount > edges.length && {
      rest: [
        ...[`${(edgeCount - edges.length).toLocaleString("en")} others`, null, null],
        ...(several ? intervalCells(null) : []),
      ],
    }),
  };
}
