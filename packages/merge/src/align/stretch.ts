import { bytesPerEntry, decodeNumbers, type RawTensor, type ReadOptions } from "@resolvent/weights";
import { checkFinite } from "../finite.ts";
import type { OpenMergeModel } from "../model.ts";
import type { Placed } from "./places.ts";

/** Most entries of a stretch: its float64s take 32 MB. */
const MOST = 2 ** 22;

/**
 * A tensor in stretches of rows that are read one after the other, where the order of its rows is never changed: a table by
 * token or position, which may be as large as all else. Others are whole.
 */
export function stretches(tensor: Placed, largest: number = MOST): Placed[] {
  const [slowest, ...parts] = tensor.parts;
  const [rows = 1, ...sizes] = tensor.shape;
  const width = sizes.reduce((n, size) => n * size, 1);
  if (slowest?.kind !== "fixed" || slowest.size !== rows || rows * width <= largest)
    return [tensor];
  const most = Math.max(1, Math.floor(largest / width));
  return Array.from({ length: Math.ceil(rows / most) }, (_, i): Placed => {
    const from = i * most;
    const size = Math.min(most, rows - from);
    return { ...tensor, from, shape: [size, ...sizes], parts: [{ ...slowest, size }, ...parts] };
  });
}

/** A tensor, or a stretch of one, as it is stored. */
export async function bytesOf(
  { checkpoint }: OpenMergeModel,
  { name, dtype, shape, from }: Placed,
  options: ReadOptions,
): Promise<RawTensor> {
  if (from === undefined) return await checkpoint.read(name, options);
  const [rows = 1, ...sizes] = shape;
  const width = sizes.reduce((n, size) => n * size, bytesPerEntry(dtype));
  const { file, start } = checkpoint.info(name);
  const at = start + from * width;
  const bytes = await checkpoint.files.get(file)?.source.read(at, at + rows * width, options);
  if (bytes?.length === rows * width) return { dtype, shape, bytes };
  // A file that has become shorter says so when the tensor is read whole.
  const whole = await checkpoint.read(name, options);
  return { dtype, shape, bytes: whole.bytes.subarray(from * width, (from + rows) * width) };
}

/** The same in float64. @throws InputError `merge/not-finite`, and what reading throws */
export async function numbersOf(
  model: OpenMergeModel,
  tensor: Placed,
  options: ReadOptions,
): Promise<Float64Array<ArrayBuffer>> {
  const where = `${tensor.name} of ${model.folder.name}`;
  const numbers = decodeNumbers(await bytesOf(model, tensor, options), "f64", where);
  const [, ...sizes] = tensor.shape;
  checkFinite(numbers, where, (tensor.from ?? 0) * sizes.reduce((n, size) => n * size, 1));
  return numbers;
}
