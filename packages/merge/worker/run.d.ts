/** Where entries stand as they are stored, and the register of their float64s. */
export interface Stored {
  readonly buffer: ArrayBufferLike;
  readonly offset: number;
  /** As assembly/stored.ts numbers them. */
  readonly dtype: number;
  readonly width: number;
  readonly register: number;
}

/** A stretch of a tensor, and what is done with it. */
export interface Job {
  readonly bytes: number;
  readonly piece: number;
  readonly entries: number;
  /** Index of the first entry in its tensor. */
  readonly first: number;
  readonly inputs: readonly Stored[];
  readonly output?: Stored | undefined;
  readonly stage: number;
  readonly ops: readonly (readonly [string, ...number[]])[];
  readonly constants: readonly (readonly [number, number])[];
  readonly numbers: readonly number[];
  readonly counts: readonly number[];
  readonly lists: readonly { readonly at: number; readonly length: number }[];
}

/** An entry that is not finite, or becomes infinite when it is stored, is within `n` from `from` on. */
export interface Odd {
  /** Absent: it is in the result, whose numbers are given. */
  readonly input?: number;
  readonly from: number;
  readonly n: number;
  readonly numbers?: Float64Array<ArrayBuffer>;
}

export interface Outcome {
  readonly odd?: Odd;
  /** Those that the program asks for, of each piece in turn. */
  readonly numbers: Float64Array;
  readonly counts: readonly Uint32Array[];
  /** Pairs, of each piece that has some. */
  readonly lists: readonly (readonly Float64Array[])[];
}

export function runnerOf(module: WebAssembly.Module): (job: Job) => Outcome;
