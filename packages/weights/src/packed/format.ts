import { InputError } from "@resolvent/tensor";

/** The file of a packed model, in place of its model.safetensors. */
export const PACKED_FILE: string = "packed.safetensors";

/** What its metadata call the format. */
export const PACKED_FORMAT: string = "resolvent-packed-1";

/** The tensor of the scales of another one's rows. */
export function scaleName(tensor: string): string {
  return `${tensor}:scale`;
}

/** Rows of a tensor: its first axis; a vector is one row. */
export function rowsOf(shape: readonly number[]): number {
  return shape.length > 1 ? (shape[0] ?? 0) : 1;
}

/** `weights/bad-packed`: a packed file that does not say a model's numbers. */
export function badPacked(name: string, says: string, details: object = {}): InputError {
  return new InputError({
    code: "weights/bad-packed",
    message: `${name} ${says}`,
    remedy: "The file is damaged or of another version: fetch it again, or pack the model again.",
    details: { name, ...details },
  });
}
