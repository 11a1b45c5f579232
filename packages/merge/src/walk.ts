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

/** Bytes of all inputs and the result that are read, computed and written at a time. */
const BLOCK_BYTES = 6 * 2 ** 20;

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

/** Memory that blocks use one after the other. */
export interface Slots {
  take(bytes: number): ArrayBufferLike;
  give(memory: ArrayBufferLike): void;
}

/** Keeps what was given back, for the next who asks for as much or less. */
export function slotsOf(arithmetic: Arithmetic): Slots {
  const free: ArrayBufferLike[] = [];
  return {
    take: (bytes) => {
      const at = free.findIndex(({ byteLength }) => byteLength >= bytes);
      return at < 0
        ? arithmetic.memory(Math.max(bytes, BLOCK_BYTES + 16 * ALIGNED))
        : (free.splice(at, 1)[0] as ArrayBufferLike); // it was found there
    },
    give: (memory) => {
      free.push(memory);
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

  const compute = async (first: number, memory: ArrayBufferLike): Promise<Block> => {
    const count = Math.min(size, entries - first);
    const jobInputs = inputs.map((input, i) => ({
      buffer: memory,
      offset: places[i] as number, // one for each
      dtype: NUMBERS[input.dtype] as number, // `inputOf` gives no other
      width: bytesPerEntry(input.dtype),
      register: program.inputs[i] as number,
    }));
    const into = jobInputs.map(
      ({ buffer, offset, width: each }) => new Uint8Array(buffer, offset, count * each),
    );
    await Promise.all(inputs.map((input, i) => input.read(first, into[i] as Uint8Array, options)));
    options.signal?.throwIfAborted();
    const offset = places.at(-1) as number; // there is one
    const outcome = await arithmetic.run({
      ...program,
      ...{ entries: count, first, inputs: jobInputs },
      output: stored && {
        ...{ buffer: memory, offset, width: stored.width },
        ...{ dtype: NUMBERS[stored.dtype] as number, register: program.output as number },
      },
    });
    if (outcome.odd !== undefined) complain(outcome.odd, first, into);
    const bytes = new Uint8Array(memory, offset, count * (stored?.width ?? 0));
    return { ...outcome, first, entries: count, bytes: finished(bytes) };
  };
  const finished = (bytes: Uint8Array): Uint8Array => {
    if (dtype === undefined || dtype === wide) return bytes;
    const numbers = decodeNumbers({ dtype: "F64", shape: [bytes.length / 8], bytes }, "f64");
    return encodeNumbers(numbers, dtype, name);
  };
  const complain = (
    { input, from, n, numbers }: Odd,
    first: number,
    read: readonly Uint8Array[],
  ): void => {
    const own = input === undefined ? undefined : inputs[input];
    if (own !== undefined && input !== undefined) {
      const each = bytesPerEntry(own.dtype);
      const bytes = (read[input] as Uint8Array).slice(from * each, (from + n) * each);
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
  };

  const queue: { readonly memory: ArrayBufferLike; readonly block: Promise<Block> }[] = [];
  let next = 0;
  const begin = (memory: ArrayBufferLike): void => {
    const block = compute(next, memory);
    block.catch(() => {}); // it is awaited, unless something else has failed before
    queue.push({ memory, block });
    next += size;
  };
  const ahead = arithmetic.threads + 2; // one is read, and one is used
  while (next < entries && queue.length < ahead) begin(slots.take(room));

  return (async function* () {
    try {
      for (let head = queue[0]; head !== undefined; head = queue[0]) {
        yield await head.block;
        queue.shift();
        if (next < entries) begin(head.memory);
        else slots.give(head.memory);
      }
    } finally {
      await Promise.allSettled(queue.map(({ block }) => block));
      for (const { memory } of queue) slots.give(memory);
    }
  })();
}
