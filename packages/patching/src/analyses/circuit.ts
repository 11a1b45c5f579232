import {
  type Analysis,
  defineAnalysis,
  inputLine,
  percent,
  roundingOf,
  short,
  type Table,
  warningCodes,
  warningLines,
} from "@resolvent/analysis";
import { countParameter, numbersParameter, parameters } from "@resolvent/analysis/parameters";
import { CIRCUIT_SIZES, type CircuitResult, findCircuit } from "../circuit.ts";
import { patchCost } from "../patch-cost.ts";
import { circuitAnswer, circuitViews, keptTable } from "./circuit-views.ts";
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
}

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
  }),
  examples: [
    'tales --prompt "When Mary and John went out, John gave it to" --corrupt "When Mary and John went out, Mary gave it to" --level head',
  ],
  needs: ({ method }) => (method === "exact" ? [] : ["layers"]), // gradients go backward
  estimate: ({ model, vocabulary, precision }, params) => {
    const pairs = pairsOf(params, model, vocabulary);
    const { method, steps, sizes } = params;
    const options = { method, steps, precision, circuits: sizes.length + 1 };
    return patchCost(model, pairs, settingOf(params, "edge", pairs, vocabulary), options);
  },
  run: async ({ engine, model, vocabulary, signal, onProgress }, params) => {
    const pairs = pairsOf(params, model, vocabulary);
    const { method, steps, sizes, top } = params;
    const setting = settingOf(params, "edge", pairs, vocabulary);
    const result = await findCircuit(engine, model, pairs, setting, {
      ...{ method, steps, sizes, signal, text: vocabulary.text },
      onProgress: (progress) => onProgress({ ...progress, of: "edge" }),
    });
    return { ...result, listed: top };
  },
  tables: (result) => [sizeTable(result), edgeTable(result), keptTable(result)],
  tableKinds: ["circuit-size", "circuit-edge", "circuit-kept"],
  answer: circuitAnswer,
  views: circuitViews,
});

function sizeTable({
  model,
  setting,
  method,
  sizes,
  cpr,
  cmd,
  edgeCount,
  targetModel,
  targetEmpty,
  pairs,
  warnings,
  logitSize,
  precision,
}: Result): Table {
  const [first] = pairs;
  const rounding = roundingOf(precision, [logitSize]);
  const one = first !== undefined && pairs.length === 1;
  return {
    kind: "circuit-size",
    field: "sizes",
    title: `Circuits of ${setting.level} edges by ${method}, reference ${setting.reference.kind}`,
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
      { name: "warnings", kind: "text", detail: true },
    ],
    rows: sizes.map(({ share, edges, value, faithfulness }) => [
      ...[share, edges, value, faithfulness, warningCodes(warnings)],
    ]),
    rounding,
    notes: [
      ...warningLines(warnings),
      ...emptyLine(sizes, edgeCount),
      `CPR ${figure(cpr)}, CMD ${figure(cmd)}: areas by trapezoids over the share of kept edges`,
      `${targetWords(pairs)} of the model ${short(targetModel)}, with all ${edgeCount} edges cut ${short(targetEmpty)}`,
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

function edgeTable({ edges, edgeCount, listed, logitSize, precision }: Result): Table {
  const shown = Math.min(listed, edges.length);
  return {
    kind: "circuit-edge",
    field: "edges",
    title: `The first ${shown} of ${edgeCount} edges`,
    columns: [
      { name: "source", kind: "text", head: "from", refers: "node" },
      { name: "receiver", kind: "text", head: "to", refers: "node" },
      { name: "score", kind: "effect" },
    ],
    rows: edges.map(({ source, receiver, score }) => [source, receiver, score]),
    shown,
    rounding: roundingOf(precision, [logitSize]),
    ...(edgeCount > edges.length && {
      rest: [`${edgeCount - edges.length} others`, null, null],
    }),
  };
}
