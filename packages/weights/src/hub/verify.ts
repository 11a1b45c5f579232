import { InputError } from "@resolvent/tensor";
import { HASH_PIECE_BYTES } from "../limits.ts";
import type { HubCache, PartialBlob } from "./cache.ts";
import type { HubBlob } from "./names.ts";

/**
 * The hash that names a file's bytes, computed from what is stored: SHA-256 for large files, and for the others
 * git's, SHA-1 over `blob <size>\0` and the bytes (git, "Git Objects").
 */
export async function blobHash(
  cache: HubCache,
  blob: HubBlob,
  partial: PartialBlob,
  signal?: AbortSignal,
): Promise<string> {
  const hash = blob.etag.length === 64 ? cache.sha256() : cache.sha1();
  if (blob.etag.length === 40) hash.update(new TextEncoder().encode(`blob ${blob.size}\0`));
  for (let start = 0; start < blob.size; start += HASH_PIECE_BYTES) {
    signal?.throwIfAborted();
    hash.update(await partial.read(start, Math.min(start + HASH_PIECE_BYTES, blob.size)));
  }
  return hash.hex();
}

/** `weights/hub-hash`: the bytes are not those that the hub announced. */
export function wrongHash(name: string, expected: string, got: string): InputError {
  const kind = expected.length === 64 ? "SHA-256" : "git SHA-1";
  return new InputError({
    code: "weights/hub-hash",
    message: `${name}: the ${kind} should be ${expected} and is ${got}; the download was deleted.`,
    remedy: "Fetch it again. If that does not help, the server or a proxy before it alters files.",
    details: { name, expected, got },
  });
}
