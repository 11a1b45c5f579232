/** How numbers of a column are shown to people; data formats have them in full. */
export type ColumnKind =
  /** Words, as they are. */
  | "text"
  /** Sizes of axes, `29×16`: shown with room between them. */
  | "shape"
  /** A token's text: shown in quotes. */
  | "token"
  /** A whole number. */
  | "count"
  /** A number in 3 digits. */
  | "number"
  /** A logit: shown with 3 decimals, because differences count. */
  | "logit"
  /** Nats, never below 0 but for rounding. */
  | "divergence"
  /** A part of 1, shown in percent. */
  | "share"
  /** A part of 1, shown in percent and as a bar; bars of a column have one scale, 1 or the largest if above. */
  | "bar"
  /** A number of either sign in 3 digits and as a bar; the longest bar of a column is its largest number in a row. */
  | "effect";

export interface Column {
  /** The name in data formats: `relativeNorm`. */
  readonly name: string;
  /** The head that people read; default the name. */
  readonly head?: string;
  readonly kind: ColumnKind;
  /** What people see in a row for null: `–` where a number is not defined, and a note says why; default nothing. */
  readonly missing?: string;
  /** In data formats only; with `view`, for views alone. */
  readonly detail?: boolean;
  /** Left out before others where there is no room for all. */
  readonly minor?: boolean;
  /** Numbers below this in size are rounding, as in `Table.rounding`: for a column with a scale of its own. */
  readonly rounding?: number;
  /** For people only: data formats have what it says in other columns, an interval as its two ends. */
  readonly view?: boolean;
  /** What its cells are the names of, so that whoever shows them can link them: nodes, or positions, words apart by spaces. */
  readonly refers?: "node" | "pos";
}

/** What a cell holds: null is shown as nothing, words in a column of numbers as they are. */
export type Cell = string | number | null;

/**
 * A table of a result: plain data. People see all tables that say anything, one after the other. NDJSON has the
 * result without the fields of its tables as its first line, then a line for each row of each table. CSV has one
 * table: the first, or the one that is chosen by its kind. Data formats have every row and every digit.
 */
export interface Table {
  /** What a row is: `degree-term`. No two tables of a result have the same. */
  readonly kind: string;
  /** The property of the result whose entries are the rows, one each; NDJSON then has these entries as they are. */
  readonly field?: string;
  /** A property of the result with some of the rows, which NDJSON's first line leaves out as well. */
  readonly replaces?: string;
  /** For people: data formats have its numbers in other tables, and have it only where it is chosen by its kind. */
  readonly view?: boolean;
  /** For data formats: people see it only where it is chosen by its kind. */
  readonly data?: boolean;
  readonly title?: string;
  /** Lines before the table: what was analysed. */
  readonly subtitle?: string;
  readonly columns: readonly Column[];
  /** A cell for each column. */
  readonly rows: readonly (readonly Cell[])[];
  /** How many of the rows people see, the first; default all. Title and footer may speak of these. */
  readonly shown?: number;
  /** What is in no row, as one more: a remainder, paths that were not found. Data formats have it, of the kind `rest`. */
  readonly rest?: readonly Cell[];
  /** Rows at its end that only people see: a sum, those not shown. Those beyond the rows' scale have no bar. */
  readonly footer?: readonly (readonly Cell[])[];
  /** Its first column names the rows, and all others are alike: where they are too many, blocks stand one below the other. */
  readonly matrix?: boolean;
  /** Numbers below this in size are rounding, see `roundingOf`: people see 0, data formats have them as they are. */
  readonly rounding?: number;
  /**
   * How near to the truth its numbers are, relative to the largest of a column: digits that count less are grey, for
   * another engine may have others. Absent where nobody knows.
   */
  readonly accuracy?: number;
  /** Lines after the table: sums, remainders, certificates, warnings. */
  readonly notes?: readonly string[];
}
