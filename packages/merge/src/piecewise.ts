import { InternalError } from "@resolvent/tensor";
import type { Dtype } from "@resolvent/weights";
import { bytesPerEntry, decodeNumbers, encodeNumbers, type ReadOptions } from "@resolvent/weights";
import { checkFinite } from "./finite.ts";
import { mergePlanned } from "./merge-planned.ts";
import { type MergeOptions, mergeTensor } from "./merge-tensor.ts";
import type { MethodName } from "./method.ts";
import { SPARSIFIERS } from "./methods/task-methods.ts";
import type { OpenMergeModel } from "./model.ts";
import { outputShape } from "./output.ts";
import type { MergePlan, PlannedParameters, PlannedTensor } from "./plan.ts";
import { modelNamed } from "./result-files.ts";

/** Entries that are read at a time: files are opened for each read. */
const BLOCK = 2 ** 21;

/** Entries that are merged at a time: their float64s stay in a processor's cache. */
const PIECE = 2 ** 14;

/**
 * A tensor of the result as it is stored: merged in float64 and rounded once. Where each entry depends on no other, the
 * inputs are read and merged piece by piece, so that little more than the result is in memory; else whole.
 *
 * @throws InputError what `mergePlanned` throws, and `weights/overflow`
 */
export async function mergedBytes(
  plan: MergePlan,
  name: string,
  models: ReadonlyMap<string, OpenMergeModel>,
  options: MergeOptions & ReadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const planned = plan.tensors[name];
  const dtype = planned?.dtype ?? plan.dtype;
  if (planned === undefined || planned.aligned || !byEntry(plan.method, planned)) {
    const { numbers } = await mergePlanned(plan, name, models, options);
    return encodeNumbers(numbers, dtype, name);
  }
  const entries = outputShape(plan, name, models).reduce((a, b) => a * b, 1);
  const width = bytesPerEntry(dtype);
  const out = new Uint8Array(entries * width);
  const readers = planned.inputs.map(({ model, tensor }) => reader(models, model, tensor ?? name));
  const block = (start: number): Promise<readonly Block[]> =>
    Promise.all(readers.map((read) => read(start, Math.min(start + BLOCK, entries), options)));
  let next = block(0);
  for (let start = 0; start < entries; start += BLOCK) {
    options.signal?.throwIfAborted();
    const blocks = await next;
    const after = start + BLOCK;
    if (after < entries) {
      next = block(after); // is read while this one is merged
      next.catch(() => {}); // it is awaited, unless something else has failed before
    }
    const length = Math.min(BLOCK, entries - start);
    for (let from = 0; from < length; from += PIECE) {
      const to = Math.min(from + PIECE, length);
      const xs = blocks.map((one) => decoded(one, from, to, start));
      const numbers = mergePiece(plan.method, name, planned, xs, start + from, options);
      out.set(encodeNumbers(numbers, dtype, name), (start + from) * width);
    }
  }
  return out;
}

/** Whether an entry of the result depends on that entry of the inputs alone. */
function byEntry(method: MethodName, { parameters, inputs }: PlannedTensor): boolean {
  if (["linear", "nearswap", "passthrough"].includes(method)) return true;
  const task = SPARSIFIERS[method];
  if (task === undefined) return false;
  const all = inputs.every(({ parameters: own }) => densityOf(own) >= 1);
  if (task.sparsifier === undefined || all) return true;
  return task.sparsifier === "random" && parameters.rescale !== true;
}

function densityOf(parameters: PlannedParameters | undefined): number {
  return typeof parameters?.density === "number" ? parameters.density : 1;
}

function mergePiece(
  method: MethodName,
  name: string,
  { inputs, parameters }: PlannedTensor,
  xs: readonly Float64Array[],
  start: number,
  options: MergeOptions,
): Float64Array {
  const base = inputs.findIndex((input) => input.base);
  const others = inputs.flatMap((input, i) => {
    const x = xs[i];
    return input.base || x === undefined ? [] : [{ x, parameters: input.parameters }];
  });
  const shape = [xs[0]?.length ?? 0];
  const merge = { name, shape, parameters, inputs: others, base: xs[base], start };
  const numbers = mergeTensor(method, merge, options);
  checkFinite(numbers, `${name} of the result`, start);
  return numbers;
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
