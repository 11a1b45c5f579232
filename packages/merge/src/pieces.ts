import { InternalError } from "@resolvent/tensor";
import { bytesPerEntry, type Dtype, decodeNumbers, type ReadOptions } from "@resolvent/weights";
import { checkFinite } from "./finite.ts";
import type { OpenMergeModel } from "./model.ts";
import type { PlannedInput } from "./plan.ts";
import { modelNamed } from "./result-files.ts";

/** Entries that are read at a time: files are opened for each read. */
const BLOCK = 2 ** 21;

/** Entries that are visited at a time: their float64s stay in a processor's cache. A multiple of what is summed at once. */
const PIECE = 2 ** 14;

/** Gets the same entries of all inputs in float64, from the entry `start` on; pieces come in order. */
export type Visit = (xs: readonly Float64Array[], start: number) => void;

/** Which tensors are read. */
export interface Walk {
  /** The name of the result. */
  readonly name: string;
  readonly inputs: readonly PlannedInput[];
  /** Of each of them. */
  readonly entries: number;
}

/** Reads the inputs of a tensor once, piece by piece; the next pieces are read while one is visited. */
export async function walkPieces(
  { name, inputs, entries }: Walk,
  models: ReadonlyMap<string, OpenMergeModel>,
  visit: Visit,
  options: ReadOptions = {},
): Promise<void> {
  const readers = inputs.map(({ model, tensor }) => reader(models, model, tensor ?? name));
  const block = (start: number): Promise<readonly Block[]> =>
    Promise.all(readers.map((read) => read(start, Math.min(start + BLOCK, entries), options)));
  let next = block(0);
  for (let start = 0; start < entries; start += BLOCK) {
    options.signal?.throwIfAborted();
    const blocks = await next;
    const after = start + BLOCK;
    if (after < entries) {
      next = block(after);
      next.catch(() => {}); // it is awaited, unless something else has failed before
    }
    const length = Math.min(BLOCK, entries - start);
    for (let from = 0; from < length; from += PIECE) {
      const to = Math.min(from + PIECE, length);
      visit(
        blocks.map((one) => decoded(one, from, to, start)),
        start + from,
      );
    }
  }
}

/** A stretch of a tensor as it is stored. */
interface Block {
  readonly dtype: Dtype;
  readonly bytes: Uint8Array;
  /** What errors call the tensor. */
  readonly name: string;
}

function decoded(
  { dtype, bytes, name }: Block,
  from: number,
  to: number,
  start: number,
): Float64Array {
  const width = bytesPerEntry(dtype);
  const part = bytes.subarray(from * width, to * width);
  const x = decodeNumbers({ dtype, shape: [to - from], bytes: part }, "f64", name);
  checkFinite(x, name, start + from);
  return x;
}

type Reader = (start: number, end: number, options: ReadOptions) => Promise<Block>;

function reader(
  models: ReadonlyMap<string, OpenMergeModel>,
  model: string,
  tensor: string,
): Reader {
  const { checkpoint } = modelNamed(models, model);
  const info = checkpoint.info(tensor);
  const source = checkpoint.files.get(info.file)?.source;
  const width = bytesPerEntry(info.dtype);
  const name = `${tensor} of ${model}`;
  return async (start, end, options) => {
    if (source === undefined) throw noFile(checkpoint.name, info.file);
    const bytes = await source.read(info.start + start * width, info.start + end * width, options);
    return { dtype: info.dtype, bytes, name };
  };
}

function noFile(folder: string, file: string): InternalError {
  return new InternalError({
    code: "merge/no-file",
    message: `${folder}: ${file} is none of its files.`,
    details: { folder, file },
  });
}
