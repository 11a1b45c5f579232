import { InputError } from "@resolvent/tensor";
import { decodeInto, decodeNumbers, type NumbersOf, type RawTensor } from "./decode.ts";
import type { Folder } from "./folder.ts";
import type { TensorInfo } from "./header.ts";
import {
  noTensor,
  openSafetensors,
  readTensor,
  readTensorNow,
  type SafetensorsFile,
} from "./safetensors.ts";
import { INDEX_FILE, openShards, type Shards } from "./shards.ts";
import type { ByteSource, ReadOptions } from "./source.ts";

/** The file of a checkpoint that is not sharded, in Hugging Face's naming. */
export const SINGLE_FILE: string = "model.safetensors";

/** A model's tensors by name, in one file or many. Nothing but headers is read before it is asked for. */
export interface Checkpoint {
  /** What error messages call it: the folder or the file. */
  readonly name: string;
  /** The names of its tensors, sorted. */
  readonly names: readonly string[];
  /** Its files by file name, sorted; with their metadata. */
  readonly files: ReadonlyMap<string, SafetensorsFile>;
  has(tensor: string): boolean;
  /** Dtype, shape, place, and the file it is in. Throws `weights/no-tensor`, with the nearest names. */
  info(tensor: string): TensorInfo & { readonly file: string };
  /** The tensor as it is stored. Throws `weights/no-tensor`, `weights/truncated` and what the source throws. */
  read(tensor: string, options?: ReadOptions): Promise<RawTensor>;
  /** The entries as floats, last axis fastest; how they are converted, and what throws: `decodeNumbers`. */
  numbers<P extends keyof NumbersOf>(
    tensor: string,
    precision: P,
    options?: ReadOptions,
  ): Promise<NumbersOf[P]>;
  /** The entries at once, into memory at hand. Throws `weights/not-at-once` where the files cannot be read so. */
  readInto(tensor: string, out: Float32Array | Float64Array): void;
  /** Says which tensors `readInto` will be asked for next, so that files on a thread of their own are read meanwhile. */
  readAhead(tensors: readonly string[]): void;
}

function checkpointOf(name: string, { files, fileOf }: Shards): Checkpoint {
  const names = [...fileOf.keys()].sort();
  const place = (tensor: string): { file: string; opened: SafetensorsFile; info: TensorInfo } => {
    const file = fileOf.get(tensor);
    const opened = file === undefined ? undefined : files.get(file);
    const info = opened?.tensors.get(tensor);
    if (file === undefined || opened === undefined || info === undefined) {
      throw noTensor(name, tensor, names);
    }
    return { file, opened, info };
  };
  const read = async (tensor: string, options?: ReadOptions): Promise<RawTensor> =>
    await readTensor(place(tensor).opened, tensor, options);
  return {
    name,
    names,
    files,
    has: (tensor) => fileOf.has(tensor),
    info: (tensor) => {
      const { file, info } = place(tensor);
      return { ...info, file };
    },
    read,
    numbers: async (tensor, precision, options) =>
      decodeNumbers(await read(tensor, options), precision, `${name}: ${tensor}`),
    readInto: (tensor, out) =>
      decodeInto(readTensorNow(place(tensor).opened, tensor), out, `${name}: ${tensor}`),
    readAhead: (tensors) => {
      const places = tensors.map(place);
      for (const file of files.values()) {
        file.source.ahead?.(places.filter(({ opened }) => opened === file).map(({ info }) => info));
      }
    },
  };
}

async function single(
  name: string,
  fileName: string,
  source: ByteSource,
  options?: ReadOptions,
): Promise<Checkpoint> {
  const file = await openSafetensors(source, options);
  const fileOf = new Map([...file.tensors.keys()].map((tensor) => [tensor, fileName]));
  return checkpointOf(name, { files: new Map([[fileName, file]]), fileOf });
}

/**
 * The checkpoint in a folder (`model.safetensors`, else the shards that `model.safetensors.index.json` lists) or
 * in one safetensors file. Reads and checks the headers.
 *
 * ```ts
 * const checkpoint = await openCheckpoint(folderOf("models/gpt2"));
 * const embedding = await checkpoint.numbers("wte.weight", "f32");
 * ```
 *
 * Throws `weights/no-checkpoint`, and what `openSafetensors` and `openShards` throw.
 */
export async function openCheckpoint(
  from: Folder | ByteSource,
  options?: ReadOptions,
): Promise<Checkpoint> {
  if (!("open" in from)) return await single(from.name, from.name, from, options);
  const file = await from.open(SINGLE_FILE, options);
  if (file !== undefined) return await single(from.name, SINGLE_FILE, file, options);
  const index = await from.open(INDEX_FILE, options);
  if (index !== undefined) return checkpointOf(from.name, await openShards(from, index, options));
  const other = await otherWeights(from, options);
  throw new InputError({
    code: "weights/no-checkpoint",
    message: `${from.name}: there is neither ${SINGLE_FILE} nor ${INDEX_FILE}${other === undefined ? "" : `, only ${other}, which is not read`}.`,
    remedy:
      other === undefined
        ? "Name the folder that holds one of them, or open a file under another name by itself."
        : "Save the model as safetensors, or use a revision that has them.",
    details: { folder: from.name, ...(other !== undefined && { other }) },
  });
}

/** Files of weights that other libraries write, and this one does not read. */
const OTHER_WEIGHTS: readonly string[] = [
  ...["pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth"],
  ...["tf_model.h5", "flax_model.msgpack"],
];

/** The first of them in a folder; what cannot be looked at is not there. */
async function otherWeights(folder: Folder, options?: ReadOptions): Promise<string | undefined> {
  for (const file of OTHER_WEIGHTS) {
    const found = await folder.open(file, options).catch(() => undefined);
    options?.signal?.throwIfAborted();
    if (found !== undefined) return file;
  }
  return undefined;
}
