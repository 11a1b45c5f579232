import type { PlannedTokenizer } from "./plan.ts";

/** A table of a model, one row a token, and which row is whose. */
export interface TokenTable {
  readonly model: string;
  readonly x: Float64Array;
  /** The row of a token; undefined where the model has none. */
  row(token: string): number | undefined;
}

export interface AlignOptions {
  readonly tokenizer: PlannedTokenizer;
  readonly width: number;
  /** The model whose row is taken before others', where it has one. */
  readonly base: string | null;
  /** A table of a model that is none of those that are merged: for rows that the configuration takes from it. */
  other(model: string): Float64Array;
}

/**
 * A model's embedding or unembedding with the rows of the result's vocabulary: a token's own row; where the model has
 * none, or the token is forced, the row that the configuration names; else that of the only model that has one; else the
 * base's; else the mean of those that have one; else zeros. Rows that pad the table are the mean of all others.
 */
export function alignRows(
  own: TokenTable,
  tables: readonly TokenTable[],
  { tokenizer, width, base, other }: AlignOptions,
): Float64Array<ArrayBuffer> {
  const { vocab, rows, tokens } = tokenizer;
  const out = new Float64Array(rows * width);
  const real = new Set<number>();
  for (const [token, id] of Object.entries(vocab)) {
    real.add(id);
    const into = out.subarray(id * width, (id + 1) * width);
    const at = (table: TokenTable): Float64Array | undefined => {
      const row = table.row(token);
      return row === undefined ? undefined : rowOf(table.x, row, width);
    };
    const planned = Object.hasOwn(tokens, token) ? tokens[token] : undefined;
    const mine = planned?.force ? undefined : at(own);
    const source = planned?.source;
    if (mine !== undefined) into.set(mine);
    else if (source?.kind === "row")
      into.set(rowOf(tableOf(tables, source.model, other), source.row, width));
    else if (source === undefined) {
      const having = tables.flatMap((table) => (table.row(token) === undefined ? [] : [table]));
      const first = having.length === 1 ? having[0] : having.find(({ model }) => model === base);
      const found = first && at(first);
      if (found !== undefined) into.set(found);
      else
        addMean(
          into,
          having.map((table) => at(table) ?? new Float64Array(width)),
        );
    }
  }
  const all = [...real].sort((a, b) => a - b).map((id) => rowOf(out, id, width));
  for (let id = 0; id < rows; id++) {
    if (!real.has(id)) addMean(out.subarray(id * width, (id + 1) * width), all);
  }
  return out;
}

function tableOf(
  tables: readonly TokenTable[],
  model: string,
  other: AlignOptions["other"],
): Float64Array {
  return tables.find((table) => table.model === model)?.x ?? other(model);
}

function rowOf(table: Float64Array, row: number, width: number): Float64Array {
  return table.subarray(row * width, (row + 1) * width);
}

/** The mean of rows, into a row of zeros, which stays where there are none. */
function addMean(into: Float64Array, rows: readonly Float64Array[]): void {
  for (const row of rows)
    for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) + (row[i] as number); // as long
  if (rows.length > 0)
    for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) / rows.length;
}
