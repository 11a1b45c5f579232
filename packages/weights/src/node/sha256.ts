import { createHash } from "node:crypto";
import type { Checkpoint } from "../checkpoint.ts";
import { type HashOptions, hashCheckpoint, type Sha256 } from "../sha256.ts";

function native(): Sha256 {
  const hash = createHash("sha256");
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    hex: () => hash.digest("hex"),
  };
}

/** What `checkpointSha256` of `@resolvent/weights/hash` gives, by the SHA-256 that Node has built in. */
export async function checkpointSha256(
  checkpoint: Checkpoint,
  options: HashOptions = {},
): Promise<string> {
  return await hashCheckpoint(checkpoint, { create: native }, options);
}
