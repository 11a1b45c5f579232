import { InputError } from "@resolvent/tensor";
import type { RawTensor } from "../decode.ts";
import { bytesPerEntry, type Dtype } from "../dtype.ts";
import { noTensor } from "../safetensors.ts";
import { allocate, type ByteSource, type ReadOptions } from "../source.ts";
import { badZip } from "../zip/bad-zip.ts";
import { openZip, type ZipEntry } from "../zip/directory.ts";
import { readEntry } from "../zip/entry.ts";
import { NPY_PREFIX_BYTES, type NpyHeader, npyHeaderPlace, parseNpyHeader } from "./npy.ts";

/** A file that `numpy.savez` has written: its arrays by name, their numbers where they are until they are asked for. */
export interface NpzArchive {
  readonly source: ByteSource;
  readonly tensors: ReadonlyMap<
    string,
    { readonly dtype: Dtype; readonly shape: readonly number[] }
  >;
  /** An array, last axis fastest, whatever its order in the file. Throws `weights/no-tensor`. */
  read(tensor: string, options?: ReadOptions): Promise<RawTensor>;
}

/** Most entries whose headers are read at the same time. */
const AT_ONCE = 8;

/**
 * Opens what `numpy.savez` or `numpy.savez_compressed` has written: the directory and the headers of its arrays.
 * A deflated array is unpacked when it is read, and never to more bytes than the directory and its shape say.
 *
 * ```ts
 * const npz = await openNpz(fileSource("params.npz"));
 * const W_enc = decodeNumbers(await npz.read("W_enc"), "f32");
 * ```
 *
 * Throws `weights/bad-zip`, `weights/unsupported-zip`, `weights/bad-npy`, `weights/unsupported-dtype` (objects,
 * which are pickles, among them), `weights/size-mismatch`, `weights/truncated` and what the source throws.
 */
export async function openNpz(source: ByteSource, options?: ReadOptions): Promise<NpzArchive> {
  const archive = await openZip(source, options);
  const entries = [...archive.entries.values()];
  const opened = new Map<string, { readonly entry: ZipEntry; readonly header: NpyHeader }>();
  const headerOf = async (entry: ZipEntry): Promise<NpyHeader> => {
    const name = `${source.name}/${entry.name}`;
    const first = await readEntry(
      archive,
      entry,
      { end: Math.min(NPY_PREFIX_BYTES, entry.size) },
      options,
    );
    const place = npyHeaderPlace(first, name);
    if (place.end > entry.size) {
      throw new InputError({
        code: "weights/bad-npy",
        message: `${name}: the header ends at byte ${place.end} of a file of ${entry.size}.`,
        remedy: "The file is damaged or cut off: fetch it again.",
        details: { name, end: place.end, size: entry.size },
      });
    }
    const text = new TextDecoder().decode(await readEntry(archive, entry, place, options));
    return parseNpyHeader(text, place.end, { name, size: entry.size });
  };
  for (let i = 0; i < entries.length; i += AT_ONCE) {
    const some = entries.slice(i, i + AT_ONCE);
    const headers = await Promise.all(some.map(headerOf));
    for (const [j, entry] of some.entries()) {
      const name = entry.name.replace(/\.npy$/, "");
      if (opened.has(name)) throw badZip(source.name, `has two arrays ${JSON.stringify(name)}.`);
      opened.set(name, { entry, header: headers[j] as NpyHeader }); // one each
    }
  }
  return {
    source,
    tensors: new Map([...opened].map(([name, { header }]) => [name, header])),
    read: async (tensor, readOptions) => {
      const found = opened.get(tensor);
      if (found === undefined) throw noTensor(source.name, tensor, opened.keys());
      const { entry, header } = found;
      const range = { start: header.dataStart };
      const bytes = await readEntry(archive, entry, range, readOptions);
      const { dtype, shape, fortran } = header;
      const same = !fortran || shape.filter((size) => size !== 1).length < 2;
      return { dtype, shape, bytes: same ? bytes : turned(bytes, header, source.name) };
    },
  };
}

/** Numbers with the first axis fastest in the order with the last axis fastest. */
function turned(bytes: Uint8Array, { dtype, shape }: NpyHeader, name: string): Uint8Array {
  const width = bytesPerEntry(dtype);
  const out = allocate(bytes.length, name);
  const index = shape.map(() => 0);
  const strides: number[] = [];
  let step = width;
  for (const size of shape) {
    strides.push(step);
    step *= size;
  }
  let from = 0;
  for (let at = 0; at < out.length; at += width) {
    for (let i = 0; i < width; i++) out[at + i] = bytes[from + i] as number; // every index once
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const [stride, size] = [strides[axis] as number, shape[axis] as number]; // as many
      from += stride;
      index[axis] = (index[axis] as number) + 1;
      if (index[axis] !== size) break;
      from -= stride * size;
      index[axis] = 0;
    }
  }
  return out;
}
