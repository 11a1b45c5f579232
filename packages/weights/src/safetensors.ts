import { InputError } from "@resolvent/tensor";
import type { RawTensor } from "./decode.ts";
import { type Header, parseHeader, type TensorInfo } from "./header.ts";
import { MAX_HEADER_BYTES } from "./limits.ts";
import { didYouMean, nearestNames } from "./nearest.ts";
import {
  type ByteSource,
  type ReadOptions,
  readExactly,
  readExactlyNow,
  sizeOfSource,
  truncated,
} from "./source.ts";

/** An open safetensors file: its header. Its tensors stay where they are until they are asked for. */
export interface SafetensorsFile extends Header {
  readonly source: ByteSource;
  /** Bytes of the whole file. */
  readonly size: number;
}

/**
 * Reads and checks the header of a safetensors file, and nothing else.
 *
 * Format: 8 bytes length of the header, the header in JSON, the data.
 * Throws `weights/truncated`, `weights/header-too-large`, and what `parseHeader` throws: after that every tensor
 * is known to lie in the file, to have the bytes that its shape needs, and to share none of them.
 */
export async function openSafetensors(
  source: ByteSource,
  options?: ReadOptions,
): Promise<SafetensorsFile> {
  const size = await sizeOfSource(source, options);
  if (size < 8) throw truncated(source.name, 8, size);
  const prefix = await readExactly(source, 0, 8, options);
  const claimed = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (claimed > BigInt(MAX_HEADER_BYTES)) {
    throw new InputError({
      code: "weights/header-too-large",
      message: `${source.name}: the header claims ${claimed} bytes; the format allows ${MAX_HEADER_BYTES}.`,
      remedy: "This is not a safetensors file, or it is damaged.",
      details: { name: source.name, claimed, limit: MAX_HEADER_BYTES },
    });
  }
  const dataStart = 8 + Number(claimed);
  if (dataStart > size) throw truncated(source.name, dataStart, size);
  const text = await readExactly(source, 8, dataStart, options);
  return { source, size, ...parseHeader(text, { name: source.name, dataStart, size }) };
}

/** `weights/no-tensor`, with the names that come nearest. */
export function noTensor(where: string, tensor: string, names: Iterable<string>): InputError {
  const near = nearestNames(tensor, names);
  return new InputError({
    code: "weights/no-tensor",
    message: `${where}: there is no tensor ${JSON.stringify(tensor)}.`,
    remedy: `${didYouMean(near)}List the names to see what there is.`,
    details: { where, tensor, near },
  });
}

/** One tensor as it is stored. Throws `weights/no-tensor`, `weights/truncated` and what the source throws. */
export async function readTensor(
  file: SafetensorsFile,
  name: string,
  options?: ReadOptions,
): Promise<RawTensor> {
  const { dtype, shape, start, end } = infoOf(file, name);
  return { dtype, shape, bytes: await readExactly(file.source, start, end, options) };
}

/** The same at once. Throws `weights/not-at-once` where the source cannot. */
export function readTensorNow(file: SafetensorsFile, name: string): RawTensor {
  const { dtype, shape, start, end } = infoOf(file, name);
  return { dtype, shape, bytes: readExactlyNow(file.source, start, end) };
}

function infoOf(file: SafetensorsFile, name: string): TensorInfo {
  const info = file.tensors.get(name);
  if (info === undefined) throw noTensor(file.source.name, name, file.tensors.keys());
  return info;
}
