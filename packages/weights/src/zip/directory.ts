import { MAX_DEFLATE_RATIO, MAX_ZIP_DIRECTORY_BYTES, MAX_ZIP_ENTRIES } from "../limits.ts";
import { type ByteSource, type ReadOptions, readExactly, sizeOfSource } from "../source.ts";
import { badZip, unsupportedZip } from "./bad-zip.ts";
import { type DirectoryPlace, findDirectory } from "./end.ts";

/** What a zip archive's directory says of one of its files. */
export interface ZipEntry {
  readonly name: string;
  readonly method: "stored" | "deflated";
  /** Bytes of its data in the archive, and of the file that they stand for. */
  readonly packed: number;
  readonly size: number;
  readonly crc32: number;
  /** Where its local header starts, and before which byte its data end at the latest. */
  readonly header: number;
  readonly before: number;
}

/** A zip archive: its directory. Its files stay where they are until they are asked for. */
export interface ZipArchive {
  readonly source: ByteSource;
  /** By name, in the order of their bytes in the archive. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
}

const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
/** Bytes of a local header without the name. */
export const LOCAL_BYTES: number = 30;
const FULL32 = 0xffffffff;

/** The sizes and the offset that a directory's entry has no room for (APPNOTE 4.5.3). */
function wide(
  source: string,
  extra: DataView,
  wanted: readonly (readonly [field: "size" | "packed" | "header", value: number])[],
): Record<"size" | "packed" | "header", number> {
  const found = { size: 0, packed: 0, header: 0, ...Object.fromEntries(wanted) };
  const missing = wanted.filter(([, value]) => value === FULL32).map(([field]) => field);
  if (missing.length === 0) return found;
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const length = extra.getUint16(at + 2, true);
    if (at + 4 + length > extra.byteLength) break;
    if (extra.getUint16(at, true) === 1 && length >= 8 * missing.length) {
      for (const [i, field] of missing.entries()) {
        found[field] = Number(extra.getBigUint64(at + 4 + 8 * i, true));
      }
      return found;
    }
    at += 4 + length;
  }
  throw badZip(source, "has an entry of 64-bit size that does not say its size.");
}

function readEntry(
  source: string,
  view: DataView,
  at: number,
): { readonly entry: Omit<ZipEntry, "before">; readonly next: number } {
  const short = at + ENTRY_BYTES > view.byteLength;
  if (short || view.getUint32(at, true) !== ENTRY) {
    throw badZip(source, `has no entry at byte ${at} of its directory, where one should be.`, {
      at,
    });
  }
  const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) =>
    view.getUint16(at + field, true),
  ) as [number, number, number]; // one each
  const nameAt = at + ENTRY_BYTES;
  const next = nameAt + nameBytes + extraBytes + commentBytes;
  if (next > view.byteLength) {
    throw badZip(
      source,
      `has an entry that ends at byte ${next} of a directory of ${view.byteLength}.`,
    );
  }
  let name: string;
  try {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + nameAt, nameBytes);
    name = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw badZip(source, "has an entry whose name is not UTF-8.");
  }
  const shown = JSON.stringify(name);
  if ((flags & 1) !== 0) throw unsupportedZip(source, `has an encrypted entry, ${shown}.`);
  if (method !== 0 && method !== 8) {
    throw unsupportedZip(
      source,
      `has the entry ${shown} packed by method ${method}; 0 (stored) and 8 (deflated) are read.`,
      { method },
    );
  }
  if (view.getUint16(at + 34, true) !== 0) throw unsupportedZip(source, "is in several files.");
  const extra = new DataView(view.buffer, view.byteOffset + nameAt + nameBytes, extraBytes);
  const { size, packed, header } = wide(source, extra, [
    ["size", view.getUint32(at + 24, true)],
    ["packed", view.getUint32(at + 20, true)],
    ["header", view.getUint32(at + 42, true)],
  ]);
  const crc32 = view.getUint32(at + 16, true);
  const entry = { name, method: method === 0 ? "stored" : "deflated", size, packed, header, crc32 };
  return { entry: entry as Omit<ZipEntry, "before">, next }; // the method is one of two
}

/** Sizes that the data cannot have are refused before anything is made for them. */
function checkSizes(
  source: string,
  { name, method, size, packed }: Omit<ZipEntry, "before">,
): void {
  const shown = JSON.stringify(name);
  const whole = Number.isSafeInteger(size) && Number.isSafeInteger(packed);
  const most = method === "stored" ? packed : packed * MAX_DEFLATE_RATIO;
  if (whole && size <= most && (method === "deflated" || size === packed)) return;
  throw badZip(
    source,
    `says that its entry ${shown}, ${method}, has ${size} bytes, in ${packed} bytes of the archive.`,
    { entry: name, size, packed },
  );
}

async function readDirectory(
  source: ByteSource,
  { start, end, count }: DirectoryPlace,
  options?: ReadOptions,
): Promise<ZipEntry[]> {
  const { name } = source;
  if (count > MAX_ZIP_ENTRIES || end - start > MAX_ZIP_DIRECTORY_BYTES) {
    throw badZip(
      name,
      `has ${count} entries in a directory of ${end - start} bytes; the limits are ${MAX_ZIP_ENTRIES} and ${MAX_ZIP_DIRECTORY_BYTES}.`,
      { count, bytes: end - start },
    );
  }
  const bytes = await readExactly(source, start, end, options);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Omit<ZipEntry, "before">[] = [];
  let at = 0;
  while (found.length < count) {
    const { entry, next } = readEntry(name, view, at);
    checkSizes(name, entry);
    found.push(entry);
    at = next;
  }
  if (at !== view.byteLength) {
    throw badZip(
      name,
      `has ${view.byteLength - at} bytes in its directory that belong to no entry.`,
    );
  }
  found.sort((a, b) => a.header - b.header);
  return found.map((entry, i) => ({ ...entry, before: found[i + 1]?.header ?? start }));
}

/**
 * Reads and checks the directory of a zip archive, zip64 included, and nothing else: PKWARE's APPNOTE 6.3.
 *
 * After that every entry is known to lie in the archive, to share none of its bytes, and to have no more bytes than
 * its data can become. Throws `weights/bad-zip`, `weights/unsupported-zip`.
 */
export async function openZip(source: ByteSource, options?: ReadOptions): Promise<ZipArchive> {
  const size = await sizeOfSource(source, options);
  const place = await findDirectory(source, size, options);
  const entries = new Map<string, ZipEntry>();
  for (const entry of await readDirectory(source, place, options)) {
    const { name, header, before, packed } = entry;
    const least = LOCAL_BYTES + packed; // and the name, whose bytes the local header counts
    if (header + least > before) {
      throw badZip(
        source.name,
        `has the entry ${JSON.stringify(name)} of ${packed} bytes between the bytes ${header} and ${before}.`,
        { entry: name, packed, header, before },
      );
    }
    if (entries.has(name)) throw badZip(source.name, `has two entries ${JSON.stringify(name)}.`);
    entries.set(name, entry);
  }
  return { source, entries };
}
