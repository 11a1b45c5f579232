import {
  type Analysis,
  certificateLine,
  defineAnalysis,
  inputLine,
  type Prompt,
  percent,
  roundingOf,
  short,
  type Table,
  warningCodes,
  warningLines,
} from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  layerParameter,
  parameters,
  promptParameter,
  textsParameter,
} from "@resolvent/analysis/parameters";
import { InputError } from "@resolvent/tensor";
import { type Gate, gatesInWords } from "../gates.ts";
import type { InteractionOptions } from "../interactions/interaction-terms.ts";
import {
  type Interactions,
  interactions,
  interactionsError,
} from "../interactions/interactions.ts";
import { interactionsCost } from "../interactions/interactions-cost.ts";
import { freezeParameter } from "./freeze-parameter.ts";

interface InteractionsParameters {
  readonly prompt: Prompt;
  readonly players?: "blocks" | "layers" | "heads" | undefined;
  readonly layer?: number | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly order?: number | undefined;
  readonly top: number;
  readonly freeze: readonly Gate[];
}

/** Columns that a matrix for people can have. */
const MATRIX_COLUMNS = 16;

/** Möbius terms over sets of blocks, layers, heads or groups: `interactions` as an analysis. */
export const interactionAnalysis: Analysis<InteractionsParameters, Interactions> = defineAnalysis<
  InteractionsParameters,
  Interactions
>({
  name: "interactions",
  summary: "what sets of blocks, layers or heads do beyond their parts",
  description:
    "Runs MODEL with every set of players active and all others zero-ablated, and finds what each set does beyond its subsets (Möbius terms). With all orders, the default for up to 12 players, the terms add up to the model; above, only pairs are computed, and the rest is a remainder. Other components are always active.",
  params: parameters({
    prompt: promptParameter("text to read"),
    players: choiceParameter(
      "the components that are players; heads: of --layer, else of all layers; default: blocks",
      ["blocks", "layers", "heads"],
      { optional: true },
    ),
    layer: layerParameter("layer of the heads"),
    groups: textsParameter("groups as players, joined by +: L0.attn+L0.mlp,L1,L2.H3,L2.N12", {
      ...{ optional: true, fewest: 1, title: "groups" },
    }),
    order: countParameter("size of the largest sets; default: all with up to 12 players, else 2", {
      ...{ optional: true, title: "k" },
    }),
    top: countParameter("number of largest interactions listed", { default: 12, title: "n" }),
    freeze: freezeParameter([]),
  }),
  examples: [
    'tales --prompt "Once upon a time"',
    "path/to/model --tokens 1,403,407 --players heads --layer 1 --order 2 --json",
  ],
  float64: true,
  estimate: ({ model, vocabulary, precision }, params) =>
    interactionsCost(model, vocabulary.encode(params.prompt), { ...optionsOf(params), precision }),
  run: async ({ engine, model, vocabulary, signal, onProgress, inFloat64 }, params) => {
    const ids = vocabulary.encode(params.prompt);
    return await interactions(engine, model, ids, {
      ...optionsOf(params),
      top: params.top,
      text: vocabulary.text,
      signal,
      onProgress: (progress) => onProgress({ ...progress, of: "set" }),
      ...(inFloat64 !== undefined && {
        certify: (same) =>
          inFloat64((engine64, model64) =>
            interactionsError(engine64, model64, ids, { ...same, signal }),
          ),
      }),
    });
  },
  tables: (result) => [
    orderTable(result),
    setTable(result),
    ...matrixTables(result),
    pairTable(result),
    playerTable(result),
  ],
  tableKinds: [
    ...["interaction-order", "interaction", "interaction-matrix"],
    ...["interaction-pair", "player"],
  ],
  answer: ({ model, players, shown: [largest], orders, single }) => {
    const [alone, last] = [Math.max(...single), orders.at(-1)];
    return [
      largest === undefined
        ? `Of ${players.length} players, ${players[single.indexOf(alone)]} does most alone.`
        : `Beyond what each does alone, ${listed(largest.players)} do most together: ${short(largest.norm)}${largest.relativeNorm === null ? "" : `, ${percent(largest.relativeNorm)} of the size of the output of ${model.name}`}.`,
      ...(last === undefined || last.cumulativeRelativeError === null
        ? []
        : [
            `Sets of up to ${last.order} of the ${players.length} players together miss the model’s output by ${last.cumulativeRelativeError < 1e-3 ? "rounding only" : percent(last.cumulativeRelativeError)}.`,
          ]),
    ];
  },
  views: ({ players, pairNorms, shown }) => [
    {
      ...{ mark: "bars", table: "interaction-order", y: "order", x: "relativeNorm" },
      ...{ line: "cumulativeRelativeError", scale: "symlog" },
      title: "What sets of each size do together",
      note: "Order k is all sets of k players; order 0 is the run in which none of them writes. The line says by how much the sum so far misses the model’s output. The scale is logarithmic.",
    },
    ...(shown.length === 0
      ? []
      : [
          {
            ...({ mark: "bars", table: "interaction", y: "players", x: "norm" } as const),
            title: "The largest interactions",
            note: "How large what a set does is beyond all its subsets.",
          },
        ]),
    ...(pairNorms.length === 0
      ? []
      : [
          {
            ...({ mark: "grid", table: "interaction-pair", x: "other", y: "player" } as const),
            value: "norm",
            axes: {
              x: players.slice(1).map((key) => ({ key })),
              y: players.slice(0, -1).map((key) => ({ key })),
            },
            title: "What each pair does together",
            note: "How large what two players do is beyond what each does alone, with all others taken out.",
          },
        ]),
  ],
});

function optionsOf(params: InteractionsParameters): InteractionOptions {
  const { players, layer, groups, order, freeze } = params;
  if (groups !== undefined && players !== undefined) {
    throw new InputError({
      code: "expansion/two-choices",
      message: `Both groups and ${players} are to play.`,
      remedy: "Give one of them.",
    });
  }
  if (layer !== undefined && players !== "heads") {
    throw new InputError({
      code: "expansion/layer-without-heads",
      message: `A layer (${layer}) is asked for, but its heads are not to play.`,
      remedy: "Choose the players heads.",
      details: { layer, players },
    });
  }
  const choice =
    groups !== undefined
      ? ({ kind: "groups", groups } as const)
      : players === "heads"
        ? { kind: players, ...(layer !== undefined && { layer }) }
        : ({ kind: players ?? "blocks" } as const);
  return { players: choice, freeze, ...(order !== undefined && { order }) };
}

function orderTable(result: Interactions): Table {
  const { model, input, orders, warnings, remainder, precision } = result;
  const rounding = roundingOf(precision, [1]); // of what is relative to T
  const codes = warningCodes(warnings);
  return {
    kind: "interaction-order",
    field: "orders",
    title: titleOf(result),
    subtitle: inputLine(model, input.tokens),
    columns: [
      { name: "order", kind: "count" },
      { name: "sets", kind: "count" },
      { name: "norm", kind: "number", detail: true },
      { name: "relativeNorm", kind: "number", head: "‖Σ I(S)‖/‖T‖", missing: "–", rounding },
      { name: "sumOfNorms", kind: "number", head: "Σ ‖I(S)‖" },
      {
        name: "cumulativeRelativeError",
        kind: "number",
        head: "sum so far misses T by",
        missing: "–",
        rounding,
      },
      { name: "warnings", kind: "text", detail: true },
    ],
    rows: orders.map((one) => [
      ...[one.order, one.sets, one.norm, one.relativeNorm, one.sumOfNorms],
      ...[one.cumulativeRelativeError, codes],
    ]),
    ...(remainder.from !== "none" && {
      rest: ["rest", null, null, remainder.relativeNorm, null, null, codes],
    }),
    notes: [...warningLines(warnings), certificateOf(result)],
  };
}

function topTitle(shown: number): string {
  if (shown === 0) return "No interactions";
  return shown === 1 ? "The largest interaction" : `The largest ${shown} interactions`;
}

/** Every set as a row of data; people see the largest. */
function setTable({ shown, sets, single, players }: Interactions): Table {
  const largest = Math.max(...single);
  const alone = players[single.indexOf(largest)];
  return {
    kind: "interaction",
    field: "sets",
    replaces: "shown",
    title: topTitle(shown.length),
    columns: [
      { name: "players", kind: "text", refers: "node" },
      { name: "order", kind: "count" },
      { name: "norm", kind: "number" },
      { name: "relativeNorm", kind: "number", head: "‖I(S)‖/‖T‖", missing: "–" },
    ],
    rows: sets.map((one) => [one.players.join(" "), one.order, one.norm, one.relativeNorm]),
    shown: shown.length,
    ...(alone !== undefined && {
      notes: [`alone, ${alone} does most: ${short(largest)}`],
    }),
  };
}

/** Norms of pairs, where they fit on a screen. */
function matrixTables({ players, pairNorms, single, precision }: Interactions): Table[] {
  if (pairNorms.length < 2 || pairNorms.length > MATRIX_COLUMNS) return [];
  return [
    {
      kind: "interaction-matrix",
      view: true,
      matrix: true,
      title: "‖I({i, j})‖ of each pair",
      columns: [
        { name: "player", kind: "text", head: "" },
        ...players.map((name) => ({ name, kind: "number" }) as const),
      ],
      rows: players.map((name, i) => [name, ...(pairNorms[i] ?? [])]),
      rounding: roundingOf(precision, [...single, ...pairNorms.flat()]),
    },
  ];
}

function pairTable({ players, pairNorms }: Interactions): Table {
  return {
    kind: "interaction-pair",
    data: true,
    columns: [
      { name: "player", kind: "text", refers: "node" },
      { name: "other", kind: "text", refers: "node" },
      { name: "norm", kind: "number" },
    ],
    rows: players.flatMap((player, i) =>
      players.slice(i + 1).map((other, j) => [player, other, pairNorms[i]?.[i + 1 + j] ?? null]),
    ),
  };
}

/** What each player does alone. */
function playerTable({ players, single }: Interactions): Table {
  return {
    kind: "player",
    data: true,
    columns: [
      { name: "player", kind: "text" },
      { name: "norm", kind: "number" },
    ],
    rows: players.map((player, i) => [player, single[i] ?? null]),
  };
}

function titleOf({ choice, players, freeze, orders, remainder }: Interactions): string {
  const of = choice.layer === null ? choice.kind : `${choice.kind} of layer ${choice.layer}`;
  const up = remainder.from === "none" ? "all orders" : `up to order ${orders.length - 1}`;
  const how = freeze.length === 0 ? "" : ` (${gatesInWords(freeze)} frozen)`;
  return `Interactions of ${players.length} ${of}, ${up}${how}`;
}

function certificateOf({ certificate, precision, remainder }: Interactions): string {
  const sum = remainder.from === "none" ? "Σ I(S)" : "Σ I(S) + rest";
  return certificateLine(`‖${sum} − T‖/‖T‖`, certificate, { precision, remainder: remainder.from });
}

/** Names as a sentence has them: `L0.attn, L0.mlp and L1.mlp`. */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
