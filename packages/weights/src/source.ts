import { InputError } from "@resolvent/tensor";

/** What long work tells while it runs, in bytes. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

export interface ReadOptions {
  /** Stops the work; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Bytes `start ≤ i < end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A range of what any thread can open: an address, a Blob, a file in a folder of the browser's storage. */
export type Part = ByteRange &
  (
    | { readonly url: string; readonly headers: Readonly<Record<string, string>> }
    | { readonly blob: Blob }
    | { readonly folder: FileSystemDirectoryHandle; readonly file: string }
  );

/** What the thread that has read a part tells about it. */
export interface Answer {
  /** Bytes that have arrived. */
  readonly got: number;
  /** Whether there were more than were asked for. */
  readonly more?: boolean;
  /** What went wrong. */
  readonly failure?: string;
  /** Of a server's answer. */
  readonly status?: number;
  /** Its `content-range` and `etag`. */
  readonly headers?: [string, string][];
}

/** How another thread can read a source. */
export interface Elsewhere {
  /** What makes up a range, one after the other; as data that can be posted. */
  parts(start: number, end: number): readonly Part[];
  /** Throws where the answer is not that of this source; that all bytes have arrived is checked by others. */
  check(part: Part, answer: Answer): void;
}

/**
 * Where bytes come from: two methods, and a name for error messages. Write your own for any other place.
 * Nothing is read before it is asked for, and never more than is asked for.
 */
export interface ByteSource {
  /** What error messages call it: a path, a URL without its query. */
  readonly name: string;
  /** Number of bytes. */
  size(options?: ReadOptions): Promise<number>;
  /** Bytes `start ≤ i < end`, all of them, in memory that the caller may keep and change. */
  read(start: number, end: number, options?: ReadOptions): Promise<Uint8Array>;
  /**
   * The same at once, in memory that may be a `SharedArrayBuffer`, where the place can: memory, local files, and what
   * `readOnThread` reads. Models that stream their weights need it.
   */
  readNow?(start: number, end: number): Uint8Array;
  /** Fills memory at hand, which may be a `SharedArrayBuffer`, with the bytes from `start` on, where the place can. */
  readInto?(start: number, into: Uint8Array, options?: ReadOptions): Promise<void>;
  /** Says that these ranges will be read at once next, and those of the last call no more. */
  ahead?(ranges: readonly ByteRange[]): void;
  /** What `readOnThread` needs. */
  readonly elsewhere?: Elsewhere;
  /**
   * What is another word as soon as the bytes may be others: device, number, size and times of a file. Undefined
   * where nothing tells, or where the bytes are so new that a further change might not show.
   */
  identity?(): Promise<string | undefined>;
}

/** Memory for `length` bytes; throws `weights/too-large-for-memory` where the machine has not that much. */
export function allocate(length: number, name: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw tooLarge(name, length, cause);
  }
}

/** `weights/too-large-for-memory`: the machine has not that much in one piece. */
export function tooLarge(name: string, length: number, cause: unknown): InputError {
  return new InputError({
    code: "weights/too-large-for-memory",
    message: `${name}: ${length} bytes do not fit into one array on this machine.`,
    remedy: "Use a machine with more memory, or read the source in parts.",
    details: { name, length },
    cause,
  });
}

/** The size of a source, checked to be one. */
export async function sizeOfSource(source: ByteSource, options?: ReadOptions): Promise<number> {
  options?.signal?.throwIfAborted();
  const size = await source.size(options);
  if (Number.isSafeInteger(size) && size >= 0) return size;
  throw new InputError({
    code: "weights/bad-size",
    message: `${source.name}: the source says that it has ${size} bytes.`,
    remedy: "A size is a whole number from 0 to 2^53 − 1.",
    details: { name: source.name, size },
  });
}

/** `source.read`, checked to have given what was asked; throws `weights/truncated` where it has not. */
export async function readExactly(
  source: ByteSource,
  start: number,
  end: number,
  options?: ReadOptions,
): Promise<Uint8Array> {
  options?.signal?.throwIfAborted();
  const bytes = await source.read(start, end, options);
  if (bytes.byteLength !== end - start) throw truncated(source.name, end - start, bytes.byteLength);
  return bytes;
}

/** `readExactly` at once; throws `weights/not-at-once` where the source cannot. */
export function readExactlyNow(source: ByteSource, start: number, end: number): Uint8Array {
  if (source.readNow === undefined) {
    throw new InputError({
      code: "weights/not-at-once",
      message: `${source.name}: this source cannot be read while a computation waits.`,
      remedy:
        "Open its folder with `readOnThread` (an address with `headers`, not with a `fetch` of its own), or load the model as a whole.",
      details: { name: source.name },
    });
  }
  const bytes = source.readNow(start, end);
  if (bytes.byteLength !== end - start) throw truncated(source.name, end - start, bytes.byteLength);
  return bytes;
}

/** `weights/truncated`: fewer bytes than there should be. */
export function truncated(name: string, expected: number, got: number): InputError {
  return new InputError({
    code: "weights/truncated",
    message: `${name}: expected ${expected} bytes, got ${got}.`,
    remedy: "The file is incomplete: fetch it again.",
    details: { name, expected, got },
  });
}

/** Throws `weights/bad-range` unless `0 ≤ start ≤ end ≤ size`. */
export function checkRange(name: string, start: number, end: number, size: number): void {
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (whole && 0 <= start && start <= end && end <= size) return;
  throw new InputError({
    code: "weights/bad-range",
    message: `${name}: bytes ${start} to ${end} were asked of a source of ${size} bytes.`,
    remedy: "Ask for a range inside the source.",
    details: { name, start, end, size },
  });
}

/** Bytes in memory. Reads are copies. */
export function memorySource(bytes: Uint8Array, name = "memory"): ByteSource {
  const readNow = (start: number, end: number): Uint8Array => {
    checkRange(name, start, end, bytes.byteLength);
    const out = allocate(end - start, name);
    out.set(bytes.subarray(start, end));
    return out;
  };
  return {
    name,
    size: async () => bytes.byteLength,
    read: async (start, end, options) => {
      options?.signal?.throwIfAborted();
      return readNow(start, end);
    },
    readNow,
  };
}

/** A Blob, or a File that the user has picked in a browser. */
export function blobSource(blob: Blob, name = "blob"): ByteSource {
  const unreadable = (start: number, end: number, cause: unknown): InputError =>
    new InputError({
      code: "weights/unreadable",
      message: `${name}: bytes ${start} to ${end} could not be read.`,
      remedy: "The file may have changed or gone since it was picked: pick it again.",
      details: { name, start, end },
      cause,
    });
  return {
    name,
    size: async () => blob.size,
    read: async (start, end, options) => {
      options?.signal?.throwIfAborted();
      checkRange(name, start, end, blob.size);
      let buffer: ArrayBuffer;
      try {
        buffer = await blob.slice(start, end).arrayBuffer();
      } catch (cause) {
        throw unreadable(start, end, cause);
      }
      options?.signal?.throwIfAborted();
      return new Uint8Array(buffer);
    },
    elsewhere: {
      parts: (start, end) => {
        checkRange(name, start, end, blob.size);
        return [{ blob, start, end }];
      },
      check: ({ start, end }, { failure }) => {
        if (failure !== undefined) throw unreadable(start, end, failure);
      },
    },
  };
}
