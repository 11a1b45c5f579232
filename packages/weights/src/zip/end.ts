import { type ByteSource, type ReadOptions, readExactly } from "../source.ts";
import { badZip, unsupportedZip } from "./bad-zip.ts";

/** Where the directory of an archive is, and how many entries it says it has. */
export interface DirectoryPlace {
  readonly start: number;
  readonly end: number;
  readonly count: number;
}

const END = 0x06054b50;
const END_BYTES = 22;
const LOCATOR = 0x07064b50;
const LOCATOR_BYTES = 20;
const WIDE_END = 0x06064b50;
const WIDE_END_BYTES = 56;
/** Longest comment after the end record, whose length has 16 bits. */
const MAX_COMMENT = 0xffff;

/** Finds the end record: the last whose comment reaches exactly to the end of the archive. */
export async function findDirectory(
  source: ByteSource,
  size: number,
  options?: ReadOptions,
): Promise<DirectoryPlace> {
  const { name } = source;
  // Most archives have no comment: one small read.
  for (const tail of [END_BYTES + LOCATOR_BYTES, END_BYTES + MAX_COMMENT + LOCATOR_BYTES]) {
    const from = Math.max(0, size - tail);
    const bytes = await readExactly(source, from, size, options);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = view.byteLength - END_BYTES; at >= 0; at--) {
      if (view.getUint32(at, true) !== END) continue;
      if (at + END_BYTES + view.getUint16(at + 20, true) !== view.byteLength) continue;
      if (at < LOCATOR_BYTES && from > 0) break; // what is before it has not been read
      return await placeOf(source, view, at, from, options);
    }
    if (from === 0) break;
  }
  throw badZip(name, `has no end record in its ${size} bytes: it is cut off, or no zip archive.`, {
    size,
  });
}

async function placeOf(
  source: ByteSource,
  view: DataView,
  at: number,
  from: number,
  options?: ReadOptions,
): Promise<DirectoryPlace> {
  const { name } = source;
  const word = (offset: number): number => view.getUint16(at + offset, true);
  const entries = word(10);
  const bytes = view.getUint32(at + 12, true);
  const start = view.getUint32(at + 16, true);
  const locator = at - LOCATOR_BYTES;
  const isWide = locator >= 0 && view.getUint32(locator, true) === LOCATOR;
  if (isWide) {
    const wide = Number(view.getBigUint64(locator + 8, true));
    return await wideEnd(source, wide, from + locator, options);
  }
  if (word(4) !== 0 || word(6) !== 0 || word(8) !== entries) {
    throw unsupportedZip(name, "is in several files.");
  }
  return checked(name, { start, end: start + bytes, count: entries }, from + at);
}

/** The end record of zip64, for archives of 4 GiB and more (APPNOTE 4.3.14). */
async function wideEnd(
  source: ByteSource,
  at: number,
  before: number,
  options?: ReadOptions,
): Promise<DirectoryPlace> {
  const { name } = source;
  if (!Number.isSafeInteger(at) || at + WIDE_END_BYTES > before) {
    throw badZip(
      name,
      `says that its zip64 end record is at byte ${at}; it ends before ${before}.`,
    );
  }
  const bytes = await readExactly(source, at, at + WIDE_END_BYTES, options);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== WIDE_END) {
    throw badZip(name, `has no zip64 end record at byte ${at}, where one should be.`);
  }
  const number = (offset: number): number => Number(view.getBigUint64(offset, true));
  if (view.getUint32(16, true) !== 0 || view.getUint32(20, true) !== 0) {
    throw unsupportedZip(name, "is in several files.");
  }
  const start = number(48);
  return checked(name, { start, end: start + number(40), count: number(32) }, at);
}

function checked(name: string, place: DirectoryPlace, before: number): DirectoryPlace {
  const { start, end } = place;
  if (Number.isSafeInteger(end) && start <= end && end <= before) return place;
  throw badZip(
    name,
    `says that its directory is from byte ${start} to ${end}; it ends before ${before}.`,
    { start, end, before },
  );
}
