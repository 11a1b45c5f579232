import type { LinearAlgebra } from "@resolvent/tensor";
import { random, randomSymmetric } from "./matrices.ts";

/** A digest (FNV-1a, 32 bits) of every bit of several decompositions. */
export function digest(linear: LinearAlgebra): string {
  const a = random(70, 40, 91);
  const parts = {
    ...linear.svd(a, "row", "column", "rank"),
    ...linear.symmetricEigen(randomSymmetric(50, 92), "row", "column", "rank"),
    ...linear.eigenvalues(random(50, 50, 93), "row", "column", "rank"),
  };
  let hash = 0x811c9dc5;
  for (const { data } of Object.values(parts)) {
    for (const byte of new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) {
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    }
  }
  return hash.toString(16);
}

/** The digest in every runtime. */
export const BITS = "d85d9800";
