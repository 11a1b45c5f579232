import type { TokenFacts } from "./result.ts";
import type { Table } from "./table.ts";

/**
 * How people look at a table of a result: plain data. A view names a table by its kind and columns by their names, and
 * never computes anything. What draws it takes format and colour from the kinds of the columns; what rows refer to
 * (`Column.refers`) is on the marks. The sum and the rest of a table are the table's own.
 */
export type View =
  | BarsView
  | CurvesView
  | GridView
  | RoutesView
  | ArcsView
  | ScatterView
  | SlopeView
  | GraphView
  | PassagesView
  | ListView;

/** The closed set of marks. */
export type Mark = View["mark"];

/** What all views have. */
interface ViewBase {
  /** The kind of the table that it shows. */
  readonly table: string;
  readonly title?: string;
  /** One sentence that says how to read it. */
  readonly note?: string;
  /** A column: rows with the same cell there light up together, in all views. */
  readonly select?: string;
  /** The name of a number that several views share. */
  readonly cursor?: string;
  /** Rows shown at most, the first; default as many as people see of the table. */
  readonly most?: number;
}

/** A bar for each row, from zero to either side. */
export interface BarsView extends ViewBase {
  readonly mark: "bars";
  /** The column that names the rows. */
  readonly y: string;
  /** The column of numbers. */
  readonly x: string;
  /** A second column of numbers, as a thin bar below each. */
  readonly twin?: string;
  /** A column of numbers that a line runs through, on the scale of the bars: the sum so far. */
  readonly line?: string;
  /** Columns of both ends of its interval. */
  readonly low?: string;
  readonly high?: string;
  /** Columns whose cells stand beside the name of a row, before its bar: how many it stands for. */
  readonly before?: readonly string[];
  /** Columns whose cells stand after the number of a row: the sum so far. */
  readonly after?: readonly string[];
  /** `symlog` shows small and large ones of both signs; default `linear`. */
  readonly scale?: "linear" | "symlog";
  /** Whether the table's rest is a last bar. */
  readonly rest?: boolean;
}

/** Points over named places, apart (`dots`) or joined (`lines`): a series for each column. */
export interface CurvesView extends ViewBase {
  readonly mark: "dots" | "lines";
  /** The column that names the places, or, where all its cells are numbers, places them. */
  readonly x: string;
  readonly y: readonly Series[];
  /** `log` leaves out what is not above 0; default `linear`. */
  readonly scale?: "linear" | "log";
  /** How numbers place: `log` where all are above 0, near ones apart; default `linear`. */
  readonly along?: "linear" | "log";
}

export interface Series {
  readonly column: string;
  /** Columns of both ends of its interval. */
  readonly low?: string;
  readonly high?: string;
}

/** A cell for each pair of names, coloured by its number. */
export interface GridView extends ViewBase {
  readonly mark: "grid";
  readonly x: string;
  readonly y: string;
  readonly value: string;
  /** A column of words that stand in the cells, in place of their numbers. */
  readonly text?: string;
  /** A column that makes several grids, one for each of its cells. */
  readonly facet?: string;
  /** The size of a number that has the strongest colour, as 1 of a score: small ones stay faint; default the largest. */
  readonly full?: number;
  /** What stands along the axes, and in which order; default the cells in theirs. */
  readonly axes?: { readonly x?: readonly Place[]; readonly y?: readonly Place[] };
}

/** A place along an axis. */
export interface Place {
  /** What the rows have for it. */
  readonly key: string;
  /** The token that stands there, shown instead. */
  readonly token?: string;
}

/** Paths through positions and nodes. */
export interface RoutesView extends ViewBase {
  readonly mark: "routes";
  /** The column of what a path starts from: `embed`, or, at its block, `bias:L0.mlp`; default all from `embed`. */
  readonly source?: string;
  /** The column of nodes passed, words apart by spaces, in order. */
  readonly nodes: string;
  /** The column of the positions: of the source, then after each node, words apart by spaces. */
  readonly at: string;
  /** The column of numbers that a path is as wide as the root of. */
  readonly width: string;
  /** What stands above the blocks, where paths end; default `logits`. */
  readonly end?: string;
  readonly axes: {
    /** Positions. */
    readonly x: readonly Place[];
    /** Blocks, the first at the bottom, above the embedding. */
    readonly y: readonly Place[];
  };
}

/** Curves over a row of tokens. */
export interface ArcsView extends ViewBase {
  readonly mark: "arcs";
  readonly from: string;
  readonly to: string;
  readonly value: string;
  readonly axes: { readonly x: readonly Place[] };
}

/** A point for each row. */
export interface ScatterView extends ViewBase {
  readonly mark: "scatter";
  readonly x: string;
  readonly y: string;
  /** Numbers that the axes reach at least, as 1 for a score; default the largest ones. */
  readonly reach?: { readonly x?: number; readonly y?: number };
  /** The column that names the points. */
  readonly label?: string;
}

/** A line for each row from one number to another. */
export interface SlopeView extends ViewBase {
  readonly mark: "slope";
  readonly label: string;
  readonly from: string;
  readonly to: string;
}

/** Edges between nodes that stand in layers. */
export interface GraphView extends ViewBase {
  readonly mark: "graph";
  readonly from: string;
  readonly to: string;
  readonly value: string;
  /** The nodes of each layer, from below to above; edges to or from others are not drawn. */
  readonly layers: readonly (readonly string[])[];
  /** The nodes of each column, from left to right: where there is room, nodes stand in them; default anywhere in their layer. */
  readonly columns?: readonly (readonly string[])[];
}

/** Tokens as running texts, each shaded by its number. */
export interface PassagesView extends ViewBase {
  readonly mark: "passages";
  /** The column that names the texts: rows that follow each other with the same cell are one. */
  readonly passage: string;
  readonly token: string;
  readonly value: string;
  /** The column whose cells have a scale of shades each; default one scale for all. */
  readonly within?: string;
}

/** Some columns as a table. */
export interface ListView extends ViewBase {
  readonly mark: "list";
  readonly columns: readonly string[];
  /** Whether the table's rest is a last row. */
  readonly rest?: boolean;
}

/** The positions of a prompt as places, each called by its index. */
export function tokenPlaces(tokens: readonly TokenFacts[]): Place[] {
  return tokens.map(({ text }, pos) => ({ key: String(pos), token: text }));
}

/** Each table as a list: what an analysis without views of its own has. */
export function listViews(tables: readonly Table[]): ListView[] {
  return tables
    .filter(({ data }) => data !== true)
    .map(({ kind, columns, rest }) => ({
      mark: "list",
      table: kind,
      columns: columns.filter(({ detail }) => detail !== true).map(({ name }) => name),
      rest: rest !== undefined,
    }));
}
