import { drawing } from "@resolvent/tensor";

/** What numbers are drawn for. Each has a stream of its own, so that a run that resumes draws what it would have drawn. */
const PURPOSES = { weights: 1, texts: 2, buffer: 3, resample: 4 } as const;

/** A source of numbers for the `count`-th use of a purpose. */
export function drawingFor(
  seed: number,
  purpose: keyof typeof PURPOSES,
  count: number,
): () => number {
  const mixed =
    Math.imul(seed, 0x9e3779b1) ^
    Math.imul(PURPOSES[purpose], 0x85ebca6b) ^
    Math.imul(count + 1, 0xc2b2ae35);
  return drawing(mixed);
}

/** The numbers from 0 to below `count`, shuffled (Fisher and Yates). */
export function shuffled(count: number, draw: () => number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    const kept = order[i] as number; // i and j are below count
    order[i] = order[j] as number;
    order[j] = kept;
  }
  return order;
}

/** Numbers of the normal distribution (Box and Muller 1958). */
export function normal(draw: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}
