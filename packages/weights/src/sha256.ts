import { sha256 } from "@noble/hashes/sha2.js";
import type { Checkpoint } from "./checkpoint.ts";
import { HASH_PIECE_BYTES } from "./limits.ts";
import type { SafetensorsFile } from "./safetensors.ts";
import { type Progress, type ReadOptions, readExactly } from "./source.ts";

export interface HashOptions extends ReadOptions {
  /** Called after each piece with the bytes of all files. */
  readonly onProgress?: (progress: Progress) => void;
  /** Digests of files by what identifies them: what is found here is not read again. */
  readonly known?: DigestStore | undefined;
}

/** Where digests are kept from one call to the next. */
export interface DigestStore {
  get(identity: string): Promise<string | undefined>;
  set(identity: string, digest: string): Promise<void>;
}

/** A SHA-256 in the making. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** The digest, in lower-case hexadecimal. */
  hex(): string;
}

/** What computes SHA-256. */
export interface Hashing {
  create(): Sha256;
  /** The digest of all bytes at once, where that takes less. */
  whole?(bytes: Uint8Array): Promise<string>;
}

/** The SHA-256 of a checkpoint's bytes, computed with the given implementation; see `checkpointSha256`. */
export async function hashCheckpoint(
  checkpoint: Checkpoint,
  hashing: Hashing,
  options: HashOptions = {},
): Promise<string> {
  const files = [...checkpoint.files.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  const total = files.reduce((sum, [, file]) => sum + file.size, 0);
  let done = 0;
  const digests: string[] = [];
  for (const [, file] of files) {
    const onBytes = (bytes: number): void => {
      done += bytes;
      options.onProgress?.({ done, total });
    };
    digests.push(await digestOf(file, hashing, options, onBytes));
  }
  if (digests.length === 1) return digests.join("");
  const joined = hashing.create();
  joined.update(new TextEncoder().encode(digests.join("\n")));
  return joined.hex();
}

async function digestOf(
  file: SafetensorsFile,
  hashing: Hashing,
  options: HashOptions,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const { known } = options;
  const identity = known && (await file.source.identity?.());
  const kept = identity && (await known?.get(identity));
  if (kept) {
    onBytes(file.size);
    return kept;
  }
  const digest = await hashFile(file, hashing, options, onBytes);
  // A file that has changed meanwhile has another identity by now.
  if (identity && (await file.source.identity?.()) === identity) await known?.set(identity, digest);
  return digest;
}

async function hashFile(
  { source, size }: SafetensorsFile,
  { create, whole }: Hashing,
  options: ReadOptions,
  onBytes: (bytes: number) => void,
): Promise<string> {
  if (size <= HASH_PIECE_BYTES && whole !== undefined) {
    const digest = await whole(await readExactly(source, 0, size, options));
    onBytes(size);
    return digest;
  }
  const hash = create();
  for (let start = 0; start < size; start += HASH_PIECE_BYTES) {
    const piece = await readExactly(
      source,
      start,
      Math.min(start + HASH_PIECE_BYTES, size),
      options,
    );
    hash.update(piece);
    onBytes(piece.byteLength);
  }
  return hash.hex();
}

/** A SHA-256 that takes bytes as they come, the same in Node and browsers. */
export function newSha256(): Sha256 {
  const hash = sha256.create();
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    hex: () => hexOf(hash.digest()),
  };
}

/**
 * The SHA-256 that names a checkpoint, in hexadecimal: of one file, that of its bytes, as `sha256sum` gives it;
 * of shards, that of their digests (hexadecimal, joined by newlines, in the order of their file names). Reads
 * everything, a few MB at a time. The same in Node and browsers; `@resolvent/weights/node` has it faster.
 */
export async function checkpointSha256(
  checkpoint: Checkpoint,
  options: HashOptions = {},
): Promise<string> {
  return await hashCheckpoint(checkpoint, everywhere(), options);
}

/** The platform's own takes all bytes at once, and pages have it where nobody can listen in between. */
function everywhere(): Hashing {
  const { subtle } = globalThis.crypto ?? {};
  return {
    create: newSha256,
    ...(subtle !== undefined && {
      whole: async (bytes: Uint8Array<ArrayBuffer>) =>
        hexOf(new Uint8Array(await subtle.digest("SHA-256", bytes))),
    }),
  };
}

function hexOf(digest: Uint8Array): string {
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
