import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Hasher, HubCache } from "./cache.ts";

/** The hashes of a hub's files, piece by piece, where the runtime has none that are. */
export const hashers: Pick<HubCache, "sha1" | "sha256"> = {
  sha1: () => hasher(sha1.create()),
  sha256: () => hasher(sha256.create()),
};

function hasher(hash: { update(bytes: Uint8Array): unknown; digest(): Uint8Array }): Hasher {
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    hex: () => Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}
