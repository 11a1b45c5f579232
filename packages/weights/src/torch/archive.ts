import { InputError } from "@resolvent/tensor";
import { checkHost, type RawTensor } from "../decode.ts";
import { bytesPerEntry } from "../dtype.ts";
import { MAX_PICKLE_BYTES } from "../limits.ts";
import { allocate, type ByteSource, type ReadOptions } from "../source.ts";
import { badZip } from "../zip/bad-zip.ts";
import { openZip, type ZipArchive, type ZipEntry } from "../zip/directory.ts";
import { readEntry } from "../zip/entry.ts";
import { badPickle } from "./bad-pickle.ts";
import { readPickle } from "./pickle.ts";
import type { TorchTensor, TorchValue } from "./value.ts";

/** A file that `torch.save` has written: what is in it, its numbers where they are until they are asked for. */
export interface TorchArchive {
  readonly source: ByteSource;
  readonly value: TorchValue;
  /** The entries of a tensor, last axis fastest, however its strides are; of the file only what it spans is read. */
  read(tensor: TorchTensor, options?: ReadOptions): Promise<RawTensor>;
}

export interface TorchOptions extends ReadOptions {
  /** Classes, as `module.Class`, whose objects are taken as data: `TorchRecord`. Default none. */
  readonly records?: readonly string[];
}

/**
 * Opens what `torch.save` has written since PyTorch 1.6: a zip archive with a pickle and a file for each storage.
 *
 * The pickle is read as data. Nothing in it is run, and no name is looked up but those of tensors, storages and
 * `OrderedDict`, and of `records`; a state dict is a `Map` of names and tensors.
 *
 * ```ts
 * const { value, read } = await openTorch(fileSource("ae.pt"));
 * if (value instanceof Map) for (const [name, tensor] of value) if (isTorchTensor(tensor)) await read(tensor);
 * ```
 *
 * Throws `weights/bad-zip`, `weights/unsupported-zip`, `weights/bad-pickle`, `weights/pickle-global`,
 * `weights/big-endian-file`, `weights/truncated` and what the source throws.
 */
export async function openTorch(
  source: ByteSource,
  options: TorchOptions = {},
): Promise<TorchArchive> {
  const archive = await openZip(source, options);
  const { name } = source;
  const pickles = [...archive.entries.keys()].filter((entry) => /^[^/]+\/data\.pkl$/.test(entry));
  const [pickle, ...more] = pickles;
  if (pickle === undefined || more.length > 0) {
    throw badZip(
      name,
      `has ${pickles.length} files data.pkl; one in one folder is what torch.save writes.`,
    );
  }
  const root = pickle.slice(0, -"data.pkl".length);
  await checkByteOrder(archive, root, options);
  const entry = archive.entries.get(pickle) as ZipEntry; // found there
  if (entry.size > MAX_PICKLE_BYTES) {
    throw badPickle(name, `has ${entry.size} bytes; the limit is ${MAX_PICKLE_BYTES}.`, {
      size: entry.size,
      limit: MAX_PICKLE_BYTES,
    });
  }
  const bytes = await readEntry(archive, entry, {}, options);
  const records = new Set(options.records);
  const value = readPickle(bytes, { name, records });
  return {
    source,
    value,
    read: async (tensor, readOptions) => await readTensor(archive, root, tensor, readOptions),
  };
}

async function checkByteOrder(
  archive: ZipArchive,
  root: string,
  options: ReadOptions,
): Promise<void> {
  const entry = archive.entries.get(`${root}byteorder`);
  if (entry === undefined) return; // before PyTorch 2.1: little-endian
  const end = Math.min(entry.size, 16);
  const word = new TextDecoder().decode(await readEntry(archive, entry, { end }, options));
  if (word.trim() === "little") return;
  throw new InputError({
    code: "weights/big-endian-file",
    message: `${archive.source.name}: its byte order is ${JSON.stringify(word)}; "little" is read.`,
    remedy: "Load it with PyTorch and save it on a little-endian machine.",
    details: { name: archive.source.name, byteorder: word },
  });
}

async function readTensor(
  archive: ZipArchive,
  root: string,
  tensor: TorchTensor,
  options?: ReadOptions,
): Promise<RawTensor> {
  checkHost();
  const { name } = archive.source;
  const { dtype, shape, strides, offset, storage } = tensor;
  const entry = archive.entries.get(`${root}data/${storage.key}`);
  if (entry === undefined) throw badZip(name, `has no storage ${JSON.stringify(storage.key)}.`);
  const width = bytesPerEntry(dtype);
  if (entry.size !== storage.count * width) {
    throw badZip(
      name,
      `has the storage ${JSON.stringify(storage.key)} of ${entry.size} bytes; ${storage.count} entries of ${dtype} take ${storage.count * width}.`,
      { key: storage.key, expected: storage.count * width, got: entry.size },
    );
  }
  const size = shape.reduce((product, length) => product * length, 1);
  if (size === 0) return { dtype, shape, bytes: new Uint8Array(0) };
  const span = shape.reduce((at, length, axis) => at + (length - 1) * (strides[axis] ?? 0), 1);
  const range = { start: offset * width, end: (offset + span) * width };
  const bytes = await readEntry(archive, entry, range, options);
  return {
    dtype,
    shape,
    bytes: span === size && isRowMajor(tensor) ? bytes : gathered(bytes, tensor, name),
  };
}

function isRowMajor({ shape, strides }: TorchTensor): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return false;
    step *= shape[axis] as number; // as many
  }
  return true;
}

/** The entries of a view in the order of its axes, as bytes. */
function gathered(
  bytes: Uint8Array,
  { dtype, shape, strides }: TorchTensor,
  name: string,
): Uint8Array {
  const width = bytesPerEntry(dtype);
  const size = shape.reduce((product, length) => product * length, 1);
  const out = allocate(size * width, name);
  const index = shape.map(() => 0);
  let place = 0; // the view lies within its storage: see `tensorOf`
  for (let at = 0; at < size; at++) {
    for (let i = 0; i < width; i++) out[at * width + i] = bytes[place * width + i] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += strides[axis] as number; // as many
      index[axis] = (index[axis] as number) + 1;
      if (index[axis] !== shape[axis]) break;
      place -= (shape[axis] as number) * (strides[axis] as number);
      index[axis] = 0;
    }
  }
  return out;
}
