import type { ArcsView, Table, View } from "@resolvent/analysis";
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

/** Where a head looks, as arcs over the tokens; each has its edge, `13-4`, for a key. */
export function arcsOf(
  { tables }: Pick<Findings, "tables">,
  head: string,
  tokens: PathExpansion["input"]["tokens"],
): Shown<ArcsView> & { readonly weaker: number } {
  const own = rowsOf(tables, "attention").filter((row) => row[0] === head);
  const drawn = own.filter((row) => Number(row[3]) >= DRAWN);
  return {
    view: {
      ...{ mark: "arcs", table: "head-edge", from: "query", to: "key", value: "probability" },
      ...{ axes: { x: tokenPlaces(tokens) }, select: "edge", title: `Where ${head} looks` },
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
  };
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

/** What a head moves by V-degree: of those degrees that there are before it. */
export function movedBy({ tables }: Pick<Findings, "tables">): readonly Table[] {
  return tables.map((table) => {
    if (table.kind !== "degree") return table;
    const at = table.columns.findIndex(({ name }) => name === "edge");
    return { ...table, rows: table.rows.filter((row) => typeof row[at] === "number") };
  });
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
