import type { ArcsView, Cell, Column, ListView, Place, Table, View } from "@resolvent/analysis";
import { tokenPlaces } from "@resolvent/analysis";
import type { Findings, Work } from "@resolvent/analysis/remote";
import type { PathExpansion } from "@resolvent/paths";
import { lastMove } from "./path-facts.ts";
import type { Question } from "./question.ts";

/** Attention below this is not drawn: the arcs of a long text would hide each other. */
const DRAWN = 0.02;

/** Likeliest tokens that are shown beside each other, with heads and without. */
const ANSWERS = 8;

/** Where a head looks: from a position, at another. */
export type Edge = readonly [query: number, key: number];

const HEAD: Pick<Work, "precision"> = { precision: "f32" };

/** The work that scores every head. */
export function scoresWork({ model }: Question): Work {
  return { analysis: "heads", model, values: {}, ...HEAD, float64: false };
}

/** The work that says where each head looks, and what the model says. */
export function patternWork({ model, prompt }: Question): Work {
  const values = { prompt, attention: true, top: ANSWERS };
  return { analysis: "run", model, values, ...HEAD, float64: false };
}

/** The work that says what the model says without some heads. */
export function withoutWork({ model, prompt }: Question, heads: readonly string[]): Work {
  const values = { prompt, ablate: heads, top: ANSWERS };
  return { analysis: "run", model, values, ...HEAD, float64: false };
}

/** The work that takes a head's score from a query to a key apart. */
export function whyWork(
  { model, prompt }: Question,
  { head, edge: [query, key], target }: Look & { readonly target: readonly number[] },
): Work {
  const values = { prompt, head, query, key, by: "block", keyBy: "token", top: 6, target };
  return { analysis: "qk", model, values, ...HEAD, float64: true };
}

/** The work that says what looking at a token does to the logits of some. */
export function whatWork({ model }: Question, head: string, tokens: readonly number[]): Work {
  const values = { head, words: tokens, directions: 3, top: 5 };
  return { analysis: "ov", model, values, ...HEAD, float64: false };
}

/** A head, and where it looks. */
export interface Look {
  readonly head: string;
  readonly edge: Edge;
}

/** The last head of a path, and where it looks: what "why?" is asked about where nothing else is selected. */
export function lookOfPath(paths: PathExpansion, path: number): Look | undefined {
  const move = lastMove(paths, path);
  return move && { head: move.head, edge: [move.query, move.key] };
}

/** The names of all heads, in the order of the run's table. */
export function headNames({ tables }: Pick<Findings, "tables">): readonly string[] {
  return [...new Set(rowsOf(tables, "attention").map(([head]) => String(head)))];
}

/** Where a head looks most from a position. */
export function strongest(
  { tables }: Pick<Findings, "tables">,
  head: string,
  query: number,
): Edge | undefined {
  const [first] = rowsOf(tables, "attention")
    .filter((row) => row[0] === head && row[1] === query)
    .sort((a, b) => Number(b[3]) - Number(a[3]));
  return first && [query, Number(first[2])];
}

/** A picture and what it is of. */
export interface Shown<V extends View = View> {
  readonly view: V;
  readonly tables: readonly Table[];
}

/** Positions that are looked from at a time: of a longer text, the arcs of more would be a thicket. */
export const FROM = 24;

/** Arcs of a position that are drawn of a longer text: its strongest. */
const STRONGEST = 3;

/** The positions that are looked from, of a text: those around one. */
export function windowAround(pos: number, count: number): readonly [from: number, to: number] {
  const from = Math.max(0, Math.min(pos - Math.floor(FROM / 2), count - FROM));
  return [from, Math.min(count, from + FROM)];
}

/**
 * Where a head looks from some positions, as arcs over the tokens; each has its edge, `13-4`, for a key. Tokens that none
 * of them touches stand together as one place.
 */
export function arcsOf(
  { tables }: Pick<Findings, "tables">,
  head: string,
  tokens: PathExpansion["input"]["tokens"],
  [from, to]: readonly [from: number, to: number] = [0, tokens.length],
): Shown<ArcsView> & { readonly weaker: number; readonly each: number | null } {
  const own = rowsOf(tables, "attention").filter(
    (row) => row[0] === head && Number(row[1]) >= from && Number(row[1]) < to,
  );
  const each = tokens.length > FROM ? STRONGEST : null;
  const seen = own.filter((row) => Number(row[3]) >= DRAWN);
  const drawn = each === null ? seen : strongestOf(seen, each);
  const touched = new Set(drawn.map((row) => Number(row[2])));
  const places = tokenPlaces(tokens);
  const shown = places.flatMap((place, pos): Place[] => {
    const kept = (at: number): boolean => (at >= from && at < to) || touched.has(at);
    if (kept(pos)) return [place];
    if (pos > 0 && !kept(pos - 1)) return [];
    let last = pos;
    while (last + 1 < places.length && !kept(last + 1)) last++;
    return [last === pos ? place : { key: `… ${pos}–${last}` }];
  });
  return {
    view: {
      ...{ mark: "arcs", table: "head-edge", from: "query", to: "key", value: "probability" },
      ...{ axes: { x: shown }, select: "edge", title: `Where ${head} looks` },
    },
    tables: [
      {
        kind: "head-edge",
        columns: [
          { name: "edge", kind: "text" },
          { name: "query", head: "from", kind: "count", refers: "pos" },
          { name: "key", head: "to", kind: "count", refers: "pos" },
          { name: "probability", kind: "share" },
        ],
        rows: drawn.map(([, query = null, key = null, probability = null]) => [
          ...[`${query}-${key}`, query, key, probability],
        ]),
      },
    ],
    weaker: own.length - drawn.length,
    each,
  };
}

/** So many rows of each position that is looked from. */
function strongestOf(
  rows: readonly Table["rows"][number][],
  each: number,
): Table["rows"][number][] {
  const counts = new Map<Cell, number>();
  return rows
    .toSorted((a, b) => Number(b[3]) - Number(a[3]))
    .filter(([, query = null]) => {
      const count = (counts.get(query) ?? 0) + 1;
      counts.set(query, count);
      return count <= each;
    });
}

/** What looking at one token does to the logits of the others, as bars. */
export function raisedBy(
  { tables }: Pick<Findings, "tables">,
  source: number,
  targets: readonly number[],
): readonly Table[] {
  return tables.map((table) =>
    table.kind === "token-effect"
      ? {
          ...table,
          rows: table.rows.filter(
            ([from, , to]) => from === source && targets.includes(Number(to)),
          ),
        }
      : table,
  );
}

/** Pairs of sources that add up to a head's score, as bars: the largest, the others together, and their sum. */
export function pairBars({ tables }: Pick<Findings, "tables">): readonly Table[] {
  const table = tables.find(({ kind }) => kind === "score-pair");
  if (table === undefined) return [];
  const cell = cellsOf(table);
  const { rows, shown = rows.length, footer = [] } = table;
  const named = rows
    .slice(0, shown)
    .map((row) => [`${cell(row, "query")} × ${cell(row, "key")}`, cell(row, "effect")]);
  return [
    {
      kind: "pair-bar",
      columns: [
        { name: "pair", head: "query side × key side", kind: "text" },
        { name: "effect", kind: "effect" },
      ],
      rows: [...named, ...footer.map((row) => [cell(row, "query"), cell(row, "effect")])],
    },
  ];
}

/** What a head moves by V-degree, of those degrees that there are before it, and all of it. */
export function movedBy({ tables, result }: Pick<Findings, "tables" | "result">): readonly Table[] {
  const table = tables.find(({ kind }) => kind === "degree");
  const edge = table?.columns.find(({ name }) => name === "edge");
  if (table === undefined || edge === undefined) return [];
  const cell = cellsOf(table);
  const rows = table.rows.filter((row) => typeof cell(row, "edge") === "number");
  const { total } = Object(Object(Object(result).degrees).edge);
  return [
    {
      kind: "moved",
      columns: [
        { name: "degree", head: "V-degree", kind: "text" },
        { ...edge, kind: "effect" },
      ],
      rows: [
        ...rows.map((row): Cell[] => [String(cell(row, "degree")), cell(row, "edge")]),
        ...(typeof total === "number" ? [["sum", total]] : []),
      ],
    },
  ];
}

/** A score of heads that an axis may be. */
export interface HeadScore {
  readonly name: string;
  readonly title: string;
  /** Whether 1 is all that it can be. */
  readonly share: boolean;
}

/** What scores are called in words, where the table has a shorter name for them. */
const TITLES: Readonly<Record<string, string>> = {
  ovCopying: "copying (OV)",
  ovCopyingEmbedding: "copying (E·OV·U)",
  ovCopyingEmbeddingCentred: "copying (centred)",
  previousToken: "previous token",
  duplicateToken: "same token",
  copying: "copying on a run",
  queryComposition: "query from before",
  keyComposition: "key from before",
  valueComposition: "value from before",
};

/** Scores that are asked about first. */
const FIRST = ["induction", "previousToken", "duplicateToken", "ovCopying"];

/** Every score that the analysis of heads has a number for. */
export function headScores({ tables }: Pick<Findings, "tables">): readonly HeadScore[] {
  const { columns = [] } = tables.find(({ kind }) => kind === "head") ?? {};
  const scored = ({ kind, detail }: Column): boolean =>
    detail !== true && !["text", "token", "count", "shape"].includes(kind);
  const order = ({ name }: Column): number =>
    FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length;
  const own = columns.filter(scored).toSorted((a, b) => order(a) - order(b));
  return own.map(({ name, head = name }) => ({
    name,
    title: TITLES[name] ?? head,
    share: !name.endsWith("Composition"),
  }));
}

/** Tables in which scores of heads are called in words, for axes that say nothing else. */
export function inScoreWords(tables: readonly Table[], scores: readonly HeadScore[]): Table[] {
  const titles = new Map(scores.map(({ name, title }) => [name, title]));
  const titled = (column: Column): Column => {
    const head = titles.get(column.name);
    return head === undefined ? column : { ...column, head };
  };
  return tables.map((table) =>
    table.kind === "head" ? { ...table, columns: table.columns.map(titled) } : table,
  );
}

/** The table of heads, with these scores. */
export function headList(scores: readonly HeadScore[]): ListView {
  return {
    ...{ mark: "list", table: "head", select: "name", title: "Heads by their scores" },
    columns: ["name", ...scores.map(({ name }) => name)],
  };
}

function cellsOf({ columns }: Table): (row: readonly Cell[], column: string) => Cell {
  const at = new Map(columns.map(({ name }, i) => [name, i]));
  return (row, column) => row[at.get(column) ?? -1] ?? null;
}

/** The likeliest tokens of two runs beside each other; what is not among the likeliest of one is not known there. */
export function answersTable(
  before: Pick<Findings, "tables">,
  after: Pick<Findings, "tables">,
): Table {
  const own = rowsOf(before.tables, "next-token");
  const then = new Map(rowsOf(after.tables, "next-token").map((row) => [row[0], row]));
  const ids = new Set(own.map(([id]) => id));
  const come = [...then.values()].filter(([id]) => !ids.has(id ?? null));
  return {
    kind: "answer",
    title: "What the model says",
    columns: [
      { name: "text", head: "next token", kind: "token" },
      { name: "without", kind: "share", missing: "–" },
      { name: "before", head: "as it is", kind: "share", missing: "–" },
    ],
    rows: [
      ...own.map(([id, text = null, , probability = null]) => [
        ...[text, then.get(id ?? null)?.[3] ?? null, probability],
      ]),
      ...come.map(([, text = null, , probability = null]) => [text, probability, null]),
    ],
  };
}

function rowsOf(tables: readonly Table[], kind: string): Table["rows"][number][] {
  return [...(tables.find((one) => one.kind === kind)?.rows ?? [])];
}
