/** A place in the memory of a job: bytes from where its own begins. */
export interface Address {
  readonly at: number;
}

/** A place, or where an input begins as it is stored. */
export type Place = Address | { readonly stored: number };

/** What an operation takes: a number, a place, the address of an input as it is stored, or how that is numbered. */
export type Argument = number | Place | { readonly dtype: number };

/** The name of a function of `assembly/`, and what it takes besides the number of entries and the index of the first. */
export type Operation = readonly [name: string, ...args: Argument[]];

/** What is done with each piece of a tensor, as data: operations on registers of float64s, in order. */
export interface Program {
  readonly bytes: number;
  /** Entries of a piece. */
  readonly piece: number;
  readonly ops: readonly Operation[];
  /** The register of the result, where there is one. */
  readonly output?: Address;
  /** What stands in memory before: numbers, and addresses, which are whole numbers of 32 bits. */
  readonly constants: readonly (readonly [Address, Place | number])[];
  readonly numbers: readonly Address[];
  readonly counts: readonly Address[];
  /** So many numbers that all pieces of a job add to. */
  readonly sums: readonly { readonly at: Address; readonly length: number }[];
  readonly lists: readonly { readonly at: Address; readonly length: Address }[];
}

/** Where entries stand in memory as they are stored. */
export interface Stored {
  readonly address: number;
  /** As assembly/stored.ts numbers them. */
  readonly dtype: number;
  readonly width: number;
}

/** A stretch of a tensor, and what is done with it. */
export interface Job {
  readonly program: Program;
  readonly entries: number;
  /** Index of the first entry in its tensor. */
  readonly first: number;
  readonly inputs: readonly Stored[];
  readonly output?: Stored | undefined;
}

/** An entry that is not finite, or becomes infinite when it is stored, is within `n` from `from` on. */
export interface Odd {
  /** Absent: it is in any of them, or in the result, whose numbers are given then. */
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
  readonly sums: readonly Float64Array[];
  /** Pairs, of each piece that has some. */
  readonly lists: readonly (readonly Float64Array[])[];
}

/** Runs jobs on a memory, with what they need for themselves from the address `base` on. */
export function runnerOf(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): (job: Job, base: number) => Outcome;
