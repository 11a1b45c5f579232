import type { Half, Shape, Shaped } from "@resolvent/tensor";

/** How numbers are kept: 16-bit ones two in a word; whole ones are lists of rows. */
export type Form = "f32" | "u32" | Half;

/** What makes a tensor's numbers, of which only its engine knows more. */
export interface Making {
  readonly form: Form;
  /** Tensors that show the numbers, and reads that wait for them. */
  handles: number;
}

/** Numbers on a device, contiguous in the order of the shape's axes: there already, or when they are needed. */
export class WebgpuTensor implements Shaped {
  readonly shape: Shape;
  /** @internal What makes the numbers; undefined once freed. */
  node: Making | undefined;
  /** @internal Place of the first number among the node's. */
  readonly start: number;

  /** @internal */
  constructor(shape: Shape, node: Making, start: number) {
    this.shape = shape;
    this.node = node;
    this.start = start;
    node.handles++;
  }

  /** How it is kept in 16 bits; undefined where it is kept in f32. */
  get half(): Half | undefined {
    const form = this.node?.form;
    return form === "bf16" || form === "f16" ? form : undefined;
  }
}

export function isTensor(value: object): value is WebgpuTensor {
  return value instanceof WebgpuTensor;
}
