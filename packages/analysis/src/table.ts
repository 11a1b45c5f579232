/** How numbers of a column are shown to people; data formats have them in full. */
export type ColumnKind =
  /** Words, as they are. */
  | "text"
  /** A token's text: shown in quotes. */
  | "token"
  /** A whole number. */
  | "count"
  /** A number in 3 digits. */
  | "number"
  /** Nats, never below 0 but for rounding. */
  | "divergence"
  /** A part of 1, shown in percent. */
  | "share"
  /** A part of 1, shown in percent and as a bar; bars of a column have one scale. */
  | "bar";

export interface Column {
  /** The name in data formats: `relativeNorm`. */
  readonly name: string;
  /** The head that people read; default the name. */
  readonly head?: string;
  readonly kind: ColumnKind;
  /** In data formats only. */
  readonly detail?: boolean;
}

export type Cell = string | number | null;

/** A table of a result: plain data. */
export interface Table {
  /** What a row is: `degree-term`. */
  readonly kind: string;
  /** The property of the result whose entries are the rows; NDJSON then has these entries as they are. */
  readonly field?: string;
  readonly title?: string;
  /** Lines before the table: what was analysed. */
  readonly subtitle?: string;
  readonly columns: readonly Column[];
  /** A cell for each column. */
  readonly rows: readonly (readonly Cell[])[];
  /** Lines after the table: sums, remainders, certificates, warnings. */
  readonly notes?: readonly string[];
}
