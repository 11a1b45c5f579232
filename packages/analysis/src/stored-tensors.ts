import type { Checkpoint } from "@resolvent/weights";
import type { ModelFiles } from "./subject.ts";

/** The tensors of a checkpoint as they are stored, by name. */
export function storedTensors(checkpoint: Checkpoint): ModelFiles["tensors"] {
  return checkpoint.names.map((name) => {
    const { dtype, shape } = checkpoint.info(name);
    return { name, dtype, shape };
  });
}
