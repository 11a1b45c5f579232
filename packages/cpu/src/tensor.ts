import type { Half, Shape, Shaped } from "@resolvent/tensor";

/** A part of the engine's memory that one or several tensors show. */
export interface Block {
  /** The machine that allocated it, known by identity. */
  readonly owner: object;
  readonly start: number;
  readonly size: number;
  holders: number;
}

/** Numbers in the memory of a cpu engine, contiguous in the order of the shape's axes. */
export class CpuTensor implements Shaped {
  readonly shape: Shape;
  /** How it is kept in 16 bits; undefined where it is kept in the engine's precision. */
  readonly half: Half | undefined;
  /** @internal Undefined once freed. */
  block: Block | undefined;
  /** @internal Address of the first number. */
  readonly start: number;

  /** @internal */
  constructor(shape: Shape, block: Block, start: number, half?: Half) {
    this.shape = shape;
    this.half = half;
    this.block = block;
    this.start = start;
    block.holders++;
  }
}
