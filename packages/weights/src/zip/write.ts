import { InputError } from "@resolvent/tensor";
import { crc32 } from "./crc32.ts";

/** A file of an archive that is written: its bytes, or what gives them when it is their turn. */
export interface ZipFile {
  readonly name: string;
  readonly bytes: Uint8Array | (() => Uint8Array | Promise<Uint8Array>);
}

/** What sizes and places of an archive without zip64 have room for, and how many files. */
const MOST = 2 ** 32 - 2;
const MOST_FILES = 2 ** 16 - 2;

/** The start of each file's data is a multiple of this, as torch pads it, so that it can be mapped. */
const ALIGNMENT = 64;

/** The extra field that torch pads headers with. */
const PADDING_FIELD = 0x4246;

/** Little-endian whole numbers, one after the other; those in `wide` places have 4 bytes, all others 2. */
function words(values: readonly number[], wide: readonly number[]): Uint8Array {
  const out = new Uint8Array(2 * (values.length + wide.length));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [place, value] of values.entries()) {
    if (wide.includes(place)) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    at += wide.includes(place) ? 4 : 2;
  }
  return out;
}

/**
 * A zip archive piece by piece (PKWARE's APPNOTE 6.3): its files as they are, not packed, their data aligned. One file is
 * held at a time where `bytes` are functions. The same files give the same bytes.
 *
 * @throws InputError `weights/file-too-large` from 4 GiB on, `weights/too-many-tensors` for more than 65,534 files
 */
export async function* zipChunks(files: readonly ZipFile[]): AsyncGenerator<Uint8Array> {
  if (files.length > MOST_FILES) {
    throw new InputError({
      code: "weights/too-many-tensors",
      message: `The archive would have ${files.length} files; the limit is ${MOST_FILES}.`,
      remedy: "Write several archives.",
      details: { count: files.length, limit: MOST_FILES },
    });
  }
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, bytes: given } of files) {
    const bytes = typeof given === "function" ? await given() : given;
    const title = new TextEncoder().encode(name);
    const unpadded = at + 30 + title.length + 4;
    const padding = (ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT;
    checkSize(unpadded + padding + bytes.length);
    // Version, flags, method, time and date (the first that there is), checksum, both sizes.
    const facts = [20, 0, 0, 0, 0x21, crc32(bytes), bytes.length, bytes.length];
    yield words([0x04034b50, ...facts, title.length, 4 + padding], [0, 6, 7, 8]);
    yield title;
    yield words([PADDING_FIELD, padding], []);
    yield new Uint8Array(padding);
    yield bytes;
    directory.push(
      words([0x02014b50, 20, ...facts, title.length, 0, 0, 0, 0, 0, at], [0, 7, 8, 9, 15, 16]),
      title,
    );
    at = unpadded + padding + bytes.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  checkSize(at + length);
  yield* directory;
  yield words([0x06054b50, 0, 0, files.length, files.length, length, at, 0], [0, 5, 6]);
}

function checkSize(size: number): void {
  if (size <= MOST) return;
  throw new InputError({
    code: "weights/file-too-large",
    message: `The archive would have ${size} bytes or more; the limit is ${MOST}.`,
    remedy: "Write fewer tensors, or of a smaller dtype, such as f16.",
    details: { size, limit: MOST },
  });
}
