import { BLOCK_BYTES } from "../limits.ts";
import { allocate, type ByteSource, type ReadOptions, readExactly } from "../source.ts";
import { badZip } from "./bad-zip.ts";
import { crc32 } from "./crc32.ts";
import { LOCAL_BYTES, type ZipArchive, type ZipEntry } from "./directory.ts";

const LOCAL = 0x04034b50;

/** Where the data of an entry start: behind its local header, which the directory does not measure. */
async function dataStart(
  { source }: ZipArchive,
  entry: ZipEntry,
  options?: ReadOptions,
): Promise<number> {
  const { header, packed, before } = entry;
  const bytes = await readExactly(source, header, header + LOCAL_BYTES, options);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shown = JSON.stringify(entry.name);
  if (view.getUint32(0, true) !== LOCAL) {
    throw badZip(source.name, `has no entry ${shown} at byte ${header}, where it should be.`);
  }
  const start = header + LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + packed <= before) return start;
  throw badZip(
    source.name,
    `has the entry ${shown} from byte ${start} to ${start + packed}; the next part starts at ${before}.`,
    { entry: entry.name, start, packed, before },
  );
}

/**
 * Bytes `start ≤ i < end` of an entry, all in one array. Of a stored entry only these are read; a deflated one is
 * unpacked from its beginning, and no further than to `end`.
 *
 * Throws `weights/bad-zip`, also for data that do not unpack to what the directory says, `weights/truncated`.
 */
export async function readEntry(
  archive: ZipArchive,
  entry: ZipEntry,
  range: { readonly start?: number; readonly end?: number } = {},
  options?: ReadOptions,
): Promise<Uint8Array> {
  const { start = 0, end = entry.size } = range;
  const from = await dataStart(archive, entry, options);
  if (entry.method === "stored") {
    return await readExactly(archive.source, from + start, from + end, options);
  }
  const out = allocate(end - start, archive.source.name);
  const whole = end === entry.size;
  let at = 0;
  let crc = 0;
  for await (const piece of inflated(archive.source, from, entry, options)) {
    if (at + piece.length > entry.size) throw other(archive, entry, at + piece.length);
    if (whole) crc = crc32(piece, crc);
    // The part of the piece that lies in the range.
    const some = piece.subarray(Math.max(0, start - at), Math.max(0, end - at));
    out.set(some, Math.max(0, at - start));
    at += piece.length;
    if (!whole && at >= end) return out;
  }
  if (at !== entry.size) throw other(archive, entry, at);
  if (crc === entry.crc32) return out;
  throw badZip(
    archive.source.name,
    `has the entry ${JSON.stringify(entry.name)} with the checksum ${crc}, and says ${entry.crc32}.`,
    { entry: entry.name, expected: entry.crc32, got: crc },
  );
}

function other({ source }: ZipArchive, entry: ZipEntry, got: number): Error {
  return badZip(
    source.name,
    `says that its entry ${JSON.stringify(entry.name)} has ${entry.size} bytes; it unpacks to ${got > entry.size ? "more" : got}.`,
    { entry: entry.name, expected: entry.size, got },
  );
}

/** Packed bytes as the platform unpacks them, piece by piece: what is not asked for is not made. */
async function* inflated(
  source: ByteSource,
  from: number,
  { name, packed }: ZipEntry,
  options?: ReadOptions,
): AsyncGenerator<Uint8Array> {
  let at = from;
  let failure: unknown;
  const bytes = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const to = Math.min(from + packed, at + BLOCK_BYTES);
        if (at === to) return controller.close();
        try {
          controller.enqueue(new Uint8Array(await readExactly(source, at, to, options)));
          at = to;
        } catch (error) {
          failure = error; // the stream would hand on another
          controller.error(error);
        }
      },
    },
    { highWaterMark: 0 },
  );
  const reader = bytes.pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    throw (
      failure ??
      badZip(
        source.name,
        `has the entry ${JSON.stringify(name)} whose deflated data are damaged.`,
        { cause: String(cause) },
      )
    );
  } finally {
    await reader.cancel().catch(() => {}); // of a stream that has failed it fails again
  }
}
