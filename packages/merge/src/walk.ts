import { InternalError } from "@resolvent/tensor";
import {
  bytesPerEntry,
  type Dtype,
  decodeNumbers,
  encodeNumbers,
  type ReadOptions,
} from "@resolvent/weights";
import type { Odd, Outcome } from "../worker/run.js";
import type { Arithmetic } from "./arithmetic.ts";
import { checkFinite } from "./finite.ts";
import type { Input } from "./inputs.ts";
import type { Program } from "./program.ts";

/**
 * Bytes of all inputs and the result that are read, computed and written at a time. Few: memory that was never touched is
 * given page by page, which can take as long as all else (docs/decisions/044).
 */
const BLOCK_BYTES = 4 * 2 ** 20;

/** What each array in a block starts at a multiple of. */
const ALIGNED = 64;

/** How dtypes are numbered in assembly/stored.ts. */
const NUMBERS: Readonly<Partial<Record<Dtype, number>>> = { F64: 0, F32: 1, F16: 2, BF16: 3 };

/** A tensor that is walked through. */
export interface Walk {
  /** The name of the result. */
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly entries: number;
}

/** A block of a tensor that has been computed. */
export interface Block extends Outcome {
  readonly first: number;
  readonly entries: number;
  /** The result as it is stored; until the next block is asked for. Empty where there is none. */
  readonly bytes: Uint8Array;
}

/** Memory that blocks use one after the other, by addresses. */
export interface Slots {
  take(bytes: number): number;
  give(address: number): void;
}

/** Keeps what was given back, for the next who asks for as much or less. */
export function slotsOf({ room }: Arithmetic): Slots {
  const free: { readonly address: number; readonly size: number }[] = [];
  const sizes = new Map<number, number>();
  return {
    take: (bytes) => {
      const at = free.findIndex(({ size }) => size >= bytes);
      const [known] = at < 0 ? [] : free.splice(at, 1);
      if (known !== undefined) return known.address;
      const size = Math.max(bytes, BLOCK_BYTES + 16 * ALIGNED);
      const address = room.take(size);
      sizes.set(address, size);
      return address;
    },
    give: (address) => {
      free.push({ address, size: sizes.get(address) ?? 0 });
    },
  };
}

export interface WalkOptions extends ReadOptions {
  readonly arithmetic: Arithmetic;
  readonly slots: Slots;
}

/**
 * Goes through a tensor once: blocks are read, computed by a program, and come in order; while one is used, the next are
 * being read and computed. It begins at once, not when the first block is asked for.
 */
export function walk(
  { name, inputs, entries }: Walk,
  program: Program,
  dtype: Dtype | undefined,
  { arithmetic, slots, ...options }: WalkOptions,
): AsyncGenerator<Block> {
  const wide = dtype !== undefined && NUMBERS[dtype] === undefined ? "F64" : dtype; // others are made from float64
  const stored = wide === undefined ? undefined : { dtype: wide, width: bytesPerEntry(wide) };
  const width = inputs.reduce((sum, input) => sum + bytesPerEntry(input.dtype), stored?.width ?? 0);
  const most = Math.max(1, Math.floor(BLOCK_BYTES / width / program.piece)) * program.piece;
  const size = Math.min(most, Math.ceil(entries / program.piece) * program.piece);
  let room = 0;
  const places = [...inputs.map((input) => bytesPerEntry(input.dtype)), stored?.width ?? 0].map(
    (each) => {
      const at = room;
      room += Math.ceil((size * each) / ALIGNED) * ALIGNED;
      return at;
    },
  );

  const compute = async (first: number, address: number): Promise<Block> => {
    const count = Math.min(size, entries - first);
    const { buffer } = arithmetic.room.memory;
    const stretches = inputs.map((input, i) => ({
      address: address + (places[i] as number), // one for each
      dtype: NUMBERS[input.dtype] as number, // inputs have no other
      width: bytesPerEntry(input.dtype),
    }));
    const into = stretches.map((own) => new Uint8Array(buffer, own.address, count * own.width));
    await Promise.all(inputs.map((input, i) => input.read(first, into[i] as Uint8Array, options)));
    options.signal?.throwIfAborted();
    const output = stored && {
      address: address + (places.at(-1) as number), // there is one
      dtype: NUMBERS[stored.dtype] as number, // as above
      width: stored.width,
    };
    const job = { program, entries: count, first, inputs: stretches, output };
    const outcome = await arithmetic.run(job);
    if (outcome.odd !== undefined) complain(outcome.odd, first, into);
    const bytes = new Uint8Array(buffer, output?.address ?? address, count * (output?.width ?? 0));
    return { ...outcome, first, entries: count, bytes: finished(bytes) };
  };
  const finished = (bytes: Uint8Array): Uint8Array => {
    if (dtype === undefined || dtype === wide) return bytes;
    const numbers = decodeNumbers(
      { dtype: "F64", shape: [bytes.length / 8], bytes: bytes.slice() },
      "f64",
    );
    return encodeNumbers(numbers, dtype, name);
  };
  const complain = (
    { input, from, n, numbers }: Odd,
    first: number,
    read: readonly Uint8Array[],
  ): never => {
    // Kernels that look at their result only do not say which input it was.
    for (const [i, own] of inputs.entries()) {
      if (input !== undefined && input !== i) continue;
      const each = bytesPerEntry(own.dtype);
      const bytes = (read[i] as Uint8Array).slice(from * each, (from + n) * each);
      checkFinite(
        decodeNumbers({ dtype: own.dtype, shape: [n], bytes }, "f64"),
        own.name,
        first + from,
      );
    }
    if (numbers !== undefined && stored !== undefined) {
      checkFinite(numbers, `${name} of the result`, first + from);
      encodeNumbers(numbers, stored.dtype, name);
    }
    throw new InternalError({
      code: "merge/odd",
      message: `${name}: kernels found what is not finite from entry ${first + from} on, and nothing else did.`,
      details: { name, from: first + from, n },
    });
  };

  const queue: { readonly address: number; readonly block: Promise<Block> }[] = [];
  let next = 0;
  const begin = (address: number): void => {
    const block = compute(next, address);
    block.catch(() => {}); // it is awaited, unless something else has failed before
    queue.push({ address, block });
    next += size;
  };
  const ahead = arithmetic.threads + 2; // one is read, and one is used
  while (next < entries && queue.length < ahead) begin(slots.take(room));

  return (async function* () {
    try {
      for (let head = queue[0]; head !== undefined; head = queue[0]) {
        yield await head.block;
        queue.shift();
        if (next < entries) begin(head.address);
        else slots.give(head.address);
      }
    } finally {
      await Promise.allSettled(queue.map(({ block }) => block));
      for (const { address } of queue) slots.give(address);
    }
  })();
}
