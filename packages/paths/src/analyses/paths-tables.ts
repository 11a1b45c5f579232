import {
  type Cell,
  certificateLine,
  inputLine,
  isNothing,
  percent,
  roundingOf,
  short,
  type Table,
  tokenNotation,
  warningCodes,
  warningLines,
} from "@resolvent/analysis";
import type { PathExpansion, ShownAnswer, ShownPath, ShownVerdict } from "../path-expansion.ts";
import { sourceText } from "../path-text.ts";

/** The largest paths with the sum of all others, their routes, and all paths by degree and by last part. */
export function pathsTables(expansion: PathExpansion): Table[] {
  return [
    pathTable(expansion),
    ...checkTables(expansion),
    ...agreementTables(expansion),
    ...routeTables(expansion),
    degreeTable(expansion),
    directTable(expansion),
  ];
}

function pathTable(expansion: PathExpansion): Table {
  const { model, input, shown, target, level, notShown, search, warnings } = expansion;
  const texts = input.tokens.map(({ text }) => text);
  const verified = shown.some((path) => path.verified !== null);
  const value = expansion.total + expansion.constant + expansion.otherSources;
  const size = expansion.byDegree.reduce((sum, { sum: own }) => sum + Math.abs(own), 0);
  const nothing = isNothing(target.value, size, expansion.precision);
  const shareOf = (effect: number): Cell => (nothing ? null : effect / target.value);
  const parts = [
    `${target.readout} = ${short(value)}`,
    `${expansion.count} paths ${short(expansion.total)}`,
    `constant ${short(expansion.constant)}`,
    ...(expansion.otherSources === 0 ? [] : [`other sources ${short(expansion.otherSources)}`]),
  ];
  return {
    kind: "path",
    field: "shown",
    title: search.exhaustive
      ? `The largest paths by ${level}s, all gates frozen`
      : `Large paths by ${level}s, found by search, all gates frozen`,
    subtitle: inputLine(model, input.tokens),
    columns: [
      { name: "path", kind: "text" },
      { name: "source", kind: "text", detail: true },
      { name: "position", kind: "count", detail: true, refers: "pos" },
      { name: "nodes", kind: "text", detail: true, refers: "node" },
      { name: "degree", kind: "count" },
      { name: "effect", kind: "effect" },
      { name: "share", kind: "share", detail: true, view: true, missing: "–" },
      { name: "frozen", kind: "number", detail: !verified },
      { name: "live", kind: "number", detail: !verified },
      { name: "throughPatterns", kind: "number", head: "through QK", detail: true, view: true },
      { name: "frozenWithout", kind: "logit", head: "left, frozen", detail: true },
      { name: "liveWithout", kind: "logit", head: "left, live", detail: !verified, minor: true },
      { name: "frozenToken", kind: "token", detail: true },
      { name: "frozenProbability", kind: "share", detail: true },
      { name: "liveToken", kind: "token", head: "then likeliest", detail: !verified, minor: true },
      { name: "liveProbability", kind: "share", head: "with", detail: true },
      // Of the rest: how many paths there are in all.
      { name: "count", kind: "count", detail: true },
      { name: "warnings", kind: "text", detail: true },
    ],
    rows: shown.map((own) => {
      const { source, position, nodes, degree, effect, verified: checked } = own;
      return [
        ...[pathName(own, texts), source, position, nodes.join(" "), degree, effect],
        shareOf(effect),
        ...[checked?.frozen ?? null, checked?.live ?? null, checked?.throughPatterns ?? null],
        ...withoutCells(checked),
        ...[1, warningCodes(warnings)],
      ];
    }),
    rest: [
      ...[
        `${BigInt(notShown.count).toLocaleString("en")} others`,
        null,
        null,
        null,
        null,
        notShown.sum,
        shareOf(notShown.sum),
      ],
      ...[null, null, null, ...withoutCells(null)],
      ...[countCell(notShown.count), warningCodes(warnings)],
    ],
    notes: [
      parts.join("; "),
      ...(search.exhaustive ? ["every path was looked at: these are the largest"] : []),
      ...(verified ? [VERIFIED, ...agreementLines(expansion)] : []),
      ...warningLines(warnings),
      certificateLine("|Σ paths − ⟨w, T⟩| / largest degree", expansion.certificate, {
        precision: expansion.precision,
      }),
    ],
  };
}

/** How a path is called in its list: `embed " Mary"@1 → L0.H2 → L0.mlp`. */
function pathName(
  { source, position, nodes }: Pick<ShownPath, "source" | "position" | "nodes">,
  texts: readonly string[],
): string {
  return [sourceText({ name: source, position }, texts), ...nodes].join(" → ");
}

/** The paths that were named to be checked, and do not all stand in the list. */
function checkTables({ checked = [], target }: PathExpansion): Table[] {
  if (checked.length === 0) return [];
  const end = ` → ${target.readout}`;
  return [
    {
      kind: "path-check",
      field: "checked",
      title: "Paths that were named, each taken away",
      columns: [
        { name: "path", kind: "text" },
        { name: "source", kind: "text", detail: true },
        { name: "position", kind: "count", detail: true, refers: "pos" },
        { name: "nodes", kind: "text", detail: true, refers: "node" },
        { name: "positions", kind: "text", detail: true, refers: "pos" },
        { name: "degree", kind: "count" },
        { name: "predicted", kind: "effect" },
        { name: "frozen", kind: "number" },
        { name: "live", kind: "number" },
        { name: "throughPatterns", kind: "number", head: "through QK", detail: true, view: true },
        { name: "frozenWithout", kind: "logit", head: "left, frozen", detail: true },
        { name: "liveWithout", kind: "logit", head: "left, live", minor: true },
        { name: "frozenToken", kind: "token", detail: true },
        { name: "frozenProbability", kind: "share", detail: true },
        { name: "liveToken", kind: "token", head: "then likeliest", minor: true },
        { name: "liveProbability", kind: "share", detail: true },
      ],
      rows: checked.map(({ text, source, position, nodes, positions, degree, verified }) => [
        ...[text.slice(0, -end.length), source, position, nodes.join(" ")],
        ...[positions?.join(" ") ?? null, degree],
        ...[verified.predicted, verified.frozen, verified.live],
        ...[verified.throughPatterns ?? null, ...withoutCells(verified)],
      ]),
      notes: [VERIFIED],
    },
  ];
}

/** What the columns of verified paths are. */
const VERIFIED =
  "checked by taking the path away: frozen, with all gates at their values in this run; live, with every gate recomputed";

/** What is left without a path. */
function withoutCells(verified: ShownVerdict | null): Cell[] {
  if (verified === null) return [null, null, null, null, null, null];
  const { frozen, live } = verified.without;
  return [...[frozen.value, live.value, ...likeliestCells(frozen), ...likeliestCells(live)]];
}

function likeliestCells({ top: [first] }: ShownAnswer): Cell[] {
  return [first?.text ?? null, first?.probability ?? null];
}

/** What stands under a list of verified paths: the answer they are taken from, and how far freezing can be trusted. */
function agreementLines({ agreement, answer, target }: PathExpansion): string[] {
  if (agreement === null) return [];
  const { count, correlation, sameSign } = agreement;
  const [first] = answer.top;
  const likeliest =
    first === undefined
      ? ""
      : `, likeliest ${tokenNotation(first.text)} (${percent(first.probability)})`;
  return [
    `with every path: ${target.readout} = ${short(answer.value)}${likeliest}; left and then likeliest are these without the path, every gate recomputed`,
    `frozen and live over ${count} ${count === 1 ? "path" : "paths"}: ${count < 3 ? "" : `correlation ${correlation === null ? "undefined (one of them does not vary)" : short(correlation)}, `}same sign ${Math.round(sameSign * count)} of ${count}`,
  ];
}

/** How far freezing can be trusted, for data, and for means over prompts. */
function agreementTables({ agreement }: PathExpansion): Table[] {
  if (agreement === null) return [];
  const { count, correlation, rankCorrelation, sameSign, meanError, meanExact } = agreement;
  return [
    {
      kind: "path-agreement",
      replaces: "agreement",
      data: true,
      title: "Frozen and live, over the paths checked",
      columns: [
        { name: "of", kind: "text" },
        { name: "correlation", kind: "number", missing: "–" },
        { name: "rankCorrelation", head: "of ranks", kind: "number", missing: "–" },
        { name: "sameSign", head: "same sign", kind: "share" },
        { name: "meanError", head: "mean error", kind: "number" },
        { name: "meanLive", head: "mean |live|", kind: "number" },
        { name: "paths", kind: "number" },
      ],
      // Of fewer than three, a correlation says nothing.
      rows: [
        [
          "frozen and live",
          ...(count < 3 ? [null, null] : [correlation, rankCorrelation]),
          ...[sameSign, meanError, meanExact, count],
        ],
      ],
    },
  ];
}

/** A decimal number as a number, where that has it exactly. */
function countCell(decimal: string): Cell {
  const count = Number(decimal);
  return Number.isSafeInteger(count) ? count : decimal;
}

/** The routes of the paths shown; none where they were not asked for. */
function routeTables({ shown, target, input }: PathExpansion): Table[] {
  if (shown.every(({ routes }) => routes === null)) return [];
  const start = ` → ${target.readout}`;
  const texts = input.tokens.map(({ text }) => text);
  const rows = shown.flatMap((own, path): Cell[][] => {
    const { source, routes, nodes } = own;
    const of = pathName(own, texts);
    return [
      ...(routes?.shown ?? []).map(({ positions, effect, text }): Cell[] => [
        ...[path + 1, text.endsWith(start) ? text.slice(0, -start.length) : text],
        ...[positions.join(" "), nodes.join(" "), effect, 1, source, of],
      ]),
      [
        ...[path + 1, `${routes?.notShown.count ?? 0} other routes`, null, nodes.join(" ")],
        ...[routes?.notShown.sum ?? null, countCell(routes?.notShown.count ?? "0"), source, of],
      ],
    ];
  });
  const found = shown.filter(({ routes }) => routes?.exhaustive === false).length;
  return [
    {
      kind: "path-route",
      title: "Routes: the position at which each source and node writes",
      columns: [
        { name: "path", kind: "count" },
        { name: "route", kind: "text" },
        { name: "positions", kind: "text", detail: true, refers: "pos" },
        { name: "nodes", kind: "text", detail: true, refers: "node" },
        { name: "effect", kind: "effect" },
        { name: "count", kind: "count", detail: true },
        { name: "source", kind: "text", detail: true },
        // The path that it is a route of, as the list of paths calls it.
        { name: "of", kind: "text", detail: true, view: true },
      ],
      rows,
      notes: [
        "the routes of a path add up to its effect; only attention moves between positions",
        ...(found === 0
          ? ["every route was made: these are the largest of each path"]
          : [`of ${found} paths not every route was made: their list may lack larger ones`]),
      ],
    },
  ];
}

function degreeTable({ byDegree }: PathExpansion): Table {
  let soFar = 0;
  return {
    kind: "path-degree",
    replaces: "byDegree", // where counts are decimal texts
    title: "By degree",
    columns: [
      { name: "degree", kind: "count" },
      { name: "count", head: "paths", kind: "count" },
      { name: "sum", kind: "effect" },
      { name: "absolute", head: "Σ|effect|", kind: "number" },
      { name: "soFar", head: "so far", kind: "number", detail: true, view: true },
      { name: "routes", kind: "count", detail: true, view: true },
    ],
    rows: byDegree.map(({ degree, count, routes, sum, absolute }) => {
      soFar += sum;
      // Results of before they were counted have none.
      const all = routes === undefined ? null : countCell(routes);
      return [degree, countCell(count), sum, absolute, soFar, all];
    }),
  };
}

/** How many parts the table of direct attribution has. */
const PARTS_SHOWN = 10;

function directTable({ attribution, precision }: PathExpansion): Table {
  const { embed, blocks, heads, attnBias, constant } = attribution;
  // Heads and b_O stand for their blocks.
  const parts: [string, number][] = [
    ["embed", embed],
    ...Object.entries(blocks).filter(([block]) => !(block in attnBias)),
    ...Object.entries(heads),
    ...Object.entries(attnBias).map(([block, own]): [string, number] => [`bias:${block}.b_O`, own]),
    ["constant", constant],
  ];
  const sorted = parts.sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const rest = sorted.slice(PARTS_SHOWN);
  return {
    kind: "direct",
    title: "Direct attribution: the parts of the run that write most of it themselves",
    columns: [
      { name: "part", kind: "text" },
      { name: "effect", kind: "effect" },
    ],
    rows: sorted,
    shown: PARTS_SHOWN,
    rounding: roundingOf(
      precision,
      parts.map(([, effect]) => effect),
    ),
    ...(rest.length > 0 && {
      footer: [
        [
          `${rest.length.toLocaleString("en")} others`,
          rest.reduce((sum, [, effect]) => sum + effect, 0),
        ],
      ],
    }),
  };
}
