import { InputError } from "@resolvent/tensor";
import { DTYPES, type Dtype, isCount, isDtype, tensorBytes } from "./dtype.ts";
import { METADATA_KEY } from "./header.ts";
import { MAX_HEADER_BYTES, MAX_RANK, MAX_TENSORS } from "./limits.ts";
import { allocate, type Progress, type ReadOptions } from "./source.ts";

/** A tensor on its way into a file. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /**
   * Its bytes, or a function that gives them when it is their turn, so that one tensor is held at a time; or piece by piece,
   * each of which may be used again when the next is asked for.
   */
  readonly bytes: Uint8Array | (() => Uint8Array | Promise<Uint8Array> | AsyncIterable<Uint8Array>);
}

export interface WriteOptions extends ReadOptions {
  /** What goes under `__metadata__`; nothing by default. Hugging Face's loaders expect `{format: "pt"}`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Called after each tensor with the bytes of the file. */
  readonly onProgress?: (progress: Progress) => void;
}

interface Layout {
  /** Length, header and padding. */
  readonly head: Uint8Array;
  readonly tensors: readonly TensorToWrite[];
  readonly size: number;
}

function refuse(code: string, message: string, remedy: string, details: object): InputError {
  return new InputError({ code, message, remedy, details: { ...details } });
}

function checkName(name: string, seen: Set<string>): void {
  const shown = JSON.stringify(name);
  if (seen.has(name)) {
    throw refuse(
      "weights/duplicate-name",
      `Two tensors are called ${shown}.`,
      "Give each its own name.",
      { name },
    );
  }
  if (name === METADATA_KEY || /\p{Surrogate}/u.test(name)) {
    throw refuse(
      "weights/bad-name",
      `A tensor cannot be called ${shown}.`,
      `Names are well-formed text other than ${METADATA_KEY}.`,
      { name },
    );
  }
  seen.add(name);
}

function checkShape({ name, dtype, shape }: TensorToWrite): number {
  if (!isDtype(dtype)) {
    throw refuse(
      "weights/unsupported-dtype",
      `${name}: cannot write the dtype ${String(dtype)}; supported are ${DTYPES.join(", ")}.`,
      "Use one of these.",
      { name, dtype },
    );
  }
  if (shape.length > MAX_RANK || !shape.every(isCount)) {
    throw refuse(
      "weights/bad-shape",
      `${name}: [${shape.join(", ")}] is not a shape.`,
      `Give up to ${MAX_RANK} whole numbers from 0.`,
      { name, shape },
    );
  }
  return tensorBytes(dtype, shape) ?? Number.POSITIVE_INFINITY;
}

/** Tensors in the order in which a file has them: by dtype, then by name. */
export function inFileOrder<T extends Pick<TensorToWrite, "name" | "dtype">>(
  tensors: readonly T[],
): readonly T[] {
  const rank = new Map(DTYPES.map((dtype, i) => [dtype, i]));
  const order = (tensor: T): number => rank.get(tensor.dtype) ?? 0;
  return tensors.toSorted(
    (a, b) => order(a) - order(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

/** The header, and the tensors in the order in which the format's own writer lays them out. */
function layOut(tensors: readonly TensorToWrite[], metadata?: WriteOptions["metadata"]): Layout {
  if (tensors.length > MAX_TENSORS) {
    throw refuse(
      "weights/too-many-tensors",
      `Asked to write ${tensors.length} tensors; the limit is ${MAX_TENSORS}.`,
      "Write several files.",
      { count: tensors.length, limit: MAX_TENSORS },
    );
  }
  const sorted = inFileOrder(tensors);
  // Put together by hand: an object would move names like "0" to the front and lose "__proto__".
  const entries: string[] = [];
  if (metadata !== undefined) {
    const sortedKeys = Object.keys(metadata).sort();
    const pairs = sortedKeys.map(
      (key) => `${JSON.stringify(key)}:${JSON.stringify(String(metadata[key]))}`,
    );
    entries.push(`"${METADATA_KEY}":{${pairs.join(",")}}`);
  }
  const seen = new Set<string>();
  let at = 0;
  for (const tensor of sorted) {
    checkName(tensor.name, seen);
    const { dtype, shape } = tensor;
    const start = at;
    at += checkShape(tensor);
    const data_offsets = [start, at];
    entries.push(
      `${JSON.stringify(tensor.name)}:${JSON.stringify({ dtype, shape, data_offsets })}`,
    );
  }
  const text = new TextEncoder().encode(`{${entries.join(",")}}`);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > MAX_HEADER_BYTES || !isCount(8 + length + at)) {
    throw refuse(
      "weights/file-too-large",
      `The file would have a header of ${length} bytes and ${at} bytes of data; the limits are ${MAX_HEADER_BYTES} and 2^53 − 1.`,
      "Write several files.",
      { header: length, data: at },
    );
  }
  const head = new Uint8Array(8 + length).fill(0x20); // the header is padded with spaces
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(text, 8);
  return { head, tensors: sorted, size: 8 + length + at };
}

/** Refuses bytes that are not as many as a tensor takes. */
export function checkSize(
  { name, dtype, shape }: Pick<TensorToWrite, "name" | "dtype" | "shape">,
  got: number,
): void {
  const expected = tensorBytes(dtype, shape);
  if (got === expected) return;
  throw refuse(
    "weights/size-mismatch",
    `${name}: ${dtype} [${shape.join(", ")}] takes ${expected} bytes, got ${got}.`,
    "Give the bytes of the dtype: `encodeNumbers` makes them.",
    { name, expected, got },
  );
}

async function* chunksOf(layout: Layout, options: WriteOptions): AsyncGenerator<Uint8Array> {
  options.signal?.throwIfAborted();
  yield layout.head;
  let done = layout.head.byteLength;
  for (const tensor of layout.tensors) {
    options.signal?.throwIfAborted();
    const bytes = typeof tensor.bytes === "function" ? await tensor.bytes() : tensor.bytes;
    if (bytes instanceof Uint8Array) {
      checkSize(tensor, bytes.byteLength);
      yield bytes;
      done += bytes.byteLength;
    } else {
      let got = 0;
      for await (const piece of bytes) {
        got += piece.byteLength;
        if (got > (tensorBytes(tensor.dtype, tensor.shape) ?? 0)) checkSize(tensor, got);
        options.signal?.throwIfAborted();
        yield piece;
      }
      checkSize(tensor, got);
      done += got;
    }
    options.onProgress?.({ done, total: layout.size });
  }
}

/**
 * A safetensors file, piece by piece: the header, then one piece a tensor, or its own. Holds one tensor at a time where
 * `bytes` are functions. Everything that can be known of the tensors is checked before the first piece.
 *
 * The same tensors give the same bytes, in any order: tensors are sorted by dtype and name, metadata by key,
 * and the header is padded so that the data start at a multiple of 8.
 * Throws `weights/duplicate-name`, `weights/bad-name`, `weights/bad-shape`, `weights/unsupported-dtype`,
 * `weights/size-mismatch`, `weights/too-many-tensors`, `weights/file-too-large`.
 */
export function safetensorsChunks(
  tensors: readonly TensorToWrite[],
  options: WriteOptions = {},
): AsyncGenerator<Uint8Array> {
  return chunksOf(layOut(tensors, options.metadata), options);
}

/** A safetensors file in memory; see `safetensorsChunks`. */
export async function writeSafetensors(
  tensors: readonly TensorToWrite[],
  options: WriteOptions = {},
): Promise<Uint8Array> {
  const layout = layOut(tensors, options.metadata);
  const file = allocate(layout.size, "the new file");
  let at = 0;
  for await (const chunk of chunksOf(layout, options)) {
    file.set(chunk, at);
    at += chunk.byteLength;
  }
  return file;
}
