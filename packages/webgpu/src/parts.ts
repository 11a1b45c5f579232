import { InputError } from "@resolvent/tensor";
import type { Node } from "./node.ts";
import type { Form } from "./tensor.ts";

/** How tensors lie in buffers, and how many of these a kernel sees. */
export interface Buffers {
  /** Words of each buffer of a tensor but the last. */
  readonly words: number;
  /** The most buffers that one kernel reads and writes. */
  readonly most: number;
}

/** Entries or places from the first to before the last. */
export type Span = readonly [from: number, to: number];

/** Words of so many numbers. */
export function wordsOf(size: number, form: Form): number {
  return form === "f32" || form === "u32" ? size : Math.ceil(size / 2);
}

/** The number of buffers in which a node's numbers lie. */
export function partsOf({ size, form }: Node, { words }: Buffers): number {
  return Math.max(1, Math.ceil(wordsOf(size, form) / words));
}

/** The numbers of the buffers in which a span of words lies. */
export function partsIn([from, to]: Span, { words }: Buffers): Span {
  const first = Math.floor(from / words);
  return [first, Math.max(first + 1, Math.ceil(to / words))];
}

export function tooLarge(bindings: number, { words, most }: Buffers): InputError {
  return new InputError({
    code: "webgpu/too-large",
    message: `One operation would need ${bindings} buffers of ${4 * words} bytes, and a kernel of this device sees at most ${most}.`,
    remedy: "Use fewer prompts or positions at a time, weights in 16 bits, or the cpu engine.",
    details: { needed: bindings, bytes: 4 * words, limit: most },
  });
}
