import { bytesPerEntry, decodeNumbers, type ReadOptions } from "@resolvent/weights";
import { addMean, rowsInstead, type TokenRows } from "./align-rows.ts";
import { checkFinite } from "./finite.ts";
import { type Input, inputOf } from "./inputs.ts";
import type { OpenMergeModel } from "./model.ts";
import { modelParts } from "./model-parts.ts";
import type { MergePlan, PlannedInput, PlannedTokenizer } from "./plan.ts";
import { rowOf } from "./plan-tokens.ts";
import { modelNamed } from "./result-files.ts";
import { sameTable } from "./same-table.ts";

/** A table of a model, of which rows are read as they are needed. */
interface Table extends TokenRows {
  /** Rows from one to before another, in float64. */
  read(from: number, to: number, options: ReadOptions): Promise<Float64Array>;
}

/** Where a row of the result's vocabulary comes from: the mean of rows; of none, zeros. */
type Sources = readonly { readonly table: Table; readonly row: number }[];

/** Entries that are read at a time where a whole table is gone through. */
const AT_ONCE = 2 ** 18;

/**
 * The inputs of a table of tokens, with the rows of the result's vocabulary: those of `alignRows`, to the bit, but read from the
 * files as they are asked for.
 */
export async function alignedInputs(
  plan: MergePlan & { readonly tokenizer: PlannedTokenizer },
  name: string,
  planned: readonly PlannedInput[],
  models: ReadonlyMap<string, OpenMergeModel>,
  options: ReadOptions,
): Promise<readonly Input[]> {
  const { tokenizer, base } = plan;
  const tables = planned.map(({ model, tensor }) => tableOf(models, model, tensor ?? name));
  const width = widthOf(models, planned, name);
  const others = otherModels(models, planned).map((model) => {
    const tensor = sameTable(modelParts(model, modelNamed(models, model)), name);
    return tableOf(models, model, tensor);
  });
  const shared = new Map<number, Sources>();
  const own = tables.map(() => new Int32Array(tokenizer.rows).fill(-1));
  const real = new Uint8Array(tokenizer.rows);
  for (const [token, id] of Object.entries(tokenizer.vocab)) {
    real[id] = 1;
    const entry = Object.hasOwn(tokenizer.tokens, token) ? tokenizer.tokens[token] : undefined;
    const rows = tables.map((table) => table.row(token));
    for (const [i, row] of rows.entries())
      if (row !== undefined && entry?.force !== true) (own[i] as Int32Array)[id] = row; // one for each
    const source = entry?.source;
    if (source?.kind === "row") {
      const table = [...tables, ...others].find(({ model }) => model === source.model) as Table; // the merge has it
      shared.set(id, [{ table, row: source.row }]);
    } else if (source === undefined) shared.set(id, rowsInstead(token, base, tables, others));
  }
  return await Promise.all(
    tables.map(async (table, i) => {
      const places = own[i] as Int32Array; // one for each
      const rowsOf = async (from: number, to: number, more: ReadOptions): Promise<Float64Array> =>
        await filled(table, places, shared, { from, to, width }, more);
      const padding = real.includes(0) ? await meanOf(rowsOf, real, width, options) : undefined;
      return {
        name: `${name} of ${table.model}`,
        dtype: "F64",
        read: async (start, into, more) => {
          const end = start + into.byteLength / 8;
          const [from, to] = [Math.floor(start / width), Math.ceil(end / width)];
          const rows = await rowsOf(from, to, more);
          for (let id = from; id < to; id++)
            if (real[id] === 0 && padding !== undefined) rows.set(padding, (id - from) * width);
          const part = rows.subarray(start - from * width, end - from * width);
          into.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
        },
      };
    }),
  );
}

/** The models of a merge that are none of a tensor's inputs. */
export function otherModels(
  models: ReadonlyMap<string, OpenMergeModel>,
  planned: readonly PlannedInput[],
): readonly string[] {
  return [...models.keys()].filter((name) => !planned.some(({ model }) => model === name));
}

function widthOf(
  models: ReadonlyMap<string, OpenMergeModel>,
  [first]: readonly PlannedInput[],
  name: string,
): number {
  const info = first && modelNamed(models, first.model).checkpoint.info(first.tensor ?? name);
  return info?.shape.at(-1) ?? 0;
}

function tableOf(
  models: ReadonlyMap<string, OpenMergeModel>,
  model: string,
  tensor: string,
): Table {
  const input = inputOf(models, model, tensor);
  const opened = modelNamed(models, model);
  const width = opened.checkpoint.info(tensor).shape.at(-1) ?? 0;
  const parts = modelParts(model, opened);
  const each = bytesPerEntry(input.dtype);
  return {
    model,
    row: (token) => rowOf(parts, token),
    read: async (from, to, options) => {
      const count = (to - from) * width;
      const bytes = new Uint8Array(count * each);
      await input.read(from * width, bytes, options);
      const x = decodeNumbers({ dtype: input.dtype, shape: [count], bytes }, "f64", input.name);
      checkFinite(x, input.name, from * width);
      return x;
    },
  };
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly width: number;
}

/** Rows of the result's vocabulary; those that pad it are zeros. Own rows that follow each other are read at once. */
async function filled(
  table: Table,
  own: Int32Array,
  shared: ReadonlyMap<number, Sources>,
  { from, to, width }: Range,
  options: ReadOptions,
): Promise<Float64Array> {
  const out = new Float64Array((to - from) * width);
  for (let id = from; id < to; ) {
    const row = own[id] as number; // ids are in range
    let end = id + 1;
    if (row >= 0) {
      while (end < to && own[end] === row + end - id) end++;
      out.set(await table.read(row, row + end - id, options), (id - from) * width);
    } else {
      const rows = await Promise.all(
        (shared.get(id) ?? []).map((one) => one.table.read(one.row, one.row + 1, options)),
      );
      addMean(out.subarray((id - from) * width, (id + 1 - from) * width), rows);
    }
    id = end;
  }
  return out;
}

/** The mean of all rows that tokens have, for those that pad a table. */
async function meanOf(
  rowsOf: (from: number, to: number, options: ReadOptions) => Promise<Float64Array>,
  real: Uint8Array,
  width: number,
  options: ReadOptions,
): Promise<Float64Array> {
  const sum = new Float64Array(width);
  const step = Math.max(1, Math.floor(AT_ONCE / Math.max(1, width)));
  let count = 0;
  for (let from = 0; from < real.length; from += step) {
    options.signal?.throwIfAborted();
    const to = Math.min(from + step, real.length);
    const rows = await rowsOf(from, to, options);
    for (let id = from; id < to; id++) {
      if (real[id] === 0) continue;
      count++;
      for (let i = 0; i < width; i++)
        sum[i] = (sum[i] as number) + (rows[(id - from) * width + i] as number); // in range
    }
  }
  return count === 0 ? sum : sum.map((value) => value / count);
}
