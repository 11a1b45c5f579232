import type { PlannedTokenizer } from "./plan.ts";

/** Which row of a model's table is whose. */
export interface TokenRows {
  readonly model: string;
  /** The row of a token; undefined where the model has none. */
  row(token: string): number | undefined;
}

/** A table of a model, one row a token. */
export interface TokenTable extends TokenRows {
  readonly x: Float64Array;
}

/**
 * What a token's row is the mean of where a table has none: the row of the only one that has it; else the base's; else those of
 * all that have it. Tables that are merged come first: the merge's other models are asked for tokens that none of these has.
 */
export function rowsInstead<T extends TokenRows>(
  token: string,
  base: string | null,
  ...[tables, others]: readonly [merged: readonly T[], others: readonly T[]]
): readonly { readonly table: T; readonly row: number }[] {
  const having = tables.flatMap((table) => {
    const row = table.row(token);
    return row === undefined ? [] : [{ table, row }];
  });
  if (having.length === 0 && others.length > 0) return rowsInstead(token, base, others, []);
  const first = having.length === 1 ? having[0] : having.find(({ table }) => table.model === base);
  return first === undefined ? having : [first];
}

export interface AlignOptions {
  readonly tokenizer: PlannedTokenizer;
  readonly width: number;
  /** The model whose row is taken before others', where it has one. */
  readonly base: string | null;
  /** Tables of the merge's other models: for rows that the configuration takes from them, and for tokens that only they have. */
  readonly others: readonly TokenTable[];
}

/**
 * A model's embedding or unembedding with the rows of the result's vocabulary: a token's own row; where the model has
 * none, or the token is forced, the row that the configuration names; else what `rowsInstead` says; else zeros. Rows that pad
 * the table are the mean of all others.
 */
export function alignRows(
  own: TokenTable,
  tables: readonly TokenTable[],
  { tokenizer, width, base, others }: AlignOptions,
): Float64Array<ArrayBuffer> {
  const { vocab, rows, tokens } = tokenizer;
  const out = new Float64Array(rows * width);
  const real = new Set<number>();
  for (const [token, id] of Object.entries(vocab)) {
    real.add(id);
    const into = out.subarray(id * width, (id + 1) * width);
    const planned = Object.hasOwn(tokens, token) ? tokens[token] : undefined;
    const mine = planned?.force ? undefined : own.row(token);
    const source = planned?.source;
    if (mine !== undefined) into.set(rowOf(own.x, mine, width));
    else if (source?.kind === "row") {
      const table = [...tables, ...others].find(
        ({ model }) => model === source.model,
      ) as TokenTable; // the merge has it
      into.set(rowOf(table.x, source.row, width));
    } else if (source === undefined) {
      const instead = rowsInstead(token, base, tables, others);
      addMean(
        into,
        instead.map(({ table, row }) => rowOf(table.x, row, width)),
      );
    }
  }
  const all = [...real].sort((a, b) => a - b).map((id) => rowOf(out, id, width));
  for (let id = 0; id < rows; id++) {
    if (!real.has(id)) addMean(out.subarray(id * width, (id + 1) * width), all);
  }
  return out;
}

function rowOf(table: Float64Array, row: number, width: number): Float64Array {
  return table.subarray(row * width, (row + 1) * width);
}

/** The mean of rows, into a row of zeros, which stays where there are none; one row as it is. */
export function addMean(into: Float64Array, rows: readonly Float64Array[]): void {
  if (rows.length === 1 && rows[0] !== undefined) into.set(rows[0]);
  else if (rows.length > 1) {
    for (const row of rows)
      for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) + (row[i] as number); // as long
    for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) / rows.length;
  }
}
