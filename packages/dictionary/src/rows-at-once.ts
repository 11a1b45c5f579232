import type { Engine, Shaped } from "@resolvent/tensor";

/** Bytes of pre-activations, and rows, that are enough: with more, a product takes no less and memory more. */
const ENOUGH_BYTES = 64 * 2 ** 20;
const ENOUGH_ROWS = 512;

/** How many rows are encoded at a time, where all of their pre-activations are needed only for a moment. */
export function rowsAtOnce<T extends Shaped>(
  { precision }: Pick<Engine<T>, "precision">,
  { rows, features }: { readonly rows: number; readonly features: number },
  memory: number = Number.POSITIVE_INFINITY,
): number {
  const bytes = features * (precision === "f32" ? 4 : 8);
  const enough = Math.max(ENOUGH_ROWS, Math.floor(ENOUGH_BYTES / bytes));
  // About four dense values are there at a time: a product, with its bias, the gate, what comes out.
  return Math.max(1, Math.min(rows, enough, Math.floor(memory / (4 * bytes))));
}
