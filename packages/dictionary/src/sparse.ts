import { type Engine, type Shaped, STACK_MEMORY, sizeAlong } from "@resolvent/tensor";
import type { Encoder } from "./dictionary.ts";
import { activations, type Chosen, chosen, normalise, preActivations } from "./encode.ts";
import { rowsAtOnce } from "./rows-at-once.ts";

/** Activations that are not zero, row by row. */
export interface SparseActivations {
  readonly rows: number;
  /** Features of the dictionary. */
  readonly features: number;
  /** Where each row starts among the entries, and where the last ends: one more than there are rows. */
  readonly starts: Int32Array;
  /** The features of the entries, rising within a row. */
  readonly indices: Int32Array;
  readonly values: Float64Array;
}

export interface EncodeOptions {
  /** Bytes that dense values may take at a time, at most; default 512 MiB. */
  readonly memory?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Activations of input vectors, `row, d_in`. Dense values are made for some rows at a time; of topk
 * and groupmax they stay in the engine, and only what is chosen is read.
 *
 * ```ts
 * const { starts, indices, values } = await encode(engine, dictionary, x);
 * ```
 *
 * @throws InputError `tensor/wrong-size` where the vectors have another width
 */
export async function encode<T extends Shaped>(
  engine: Engine<T>,
  encoder: Encoder<T>,
  x: T,
  { memory = STACK_MEMORY, signal }: EncodeOptions = {},
): Promise<SparseActivations> {
  const { features } = encoder;
  const rows = sizeAlong(x.shape, "row", "encode");
  const entries: Entries = { starts: [0], indices: [], values: [] };
  const step = rowsAtOnce(engine, { rows, features }, memory);
  for (let from = 0; from < rows; from += step) {
    signal?.throwIfAborted();
    const some = Math.min(rows, from + step) - from;
    const pre = engine.scope(() => {
      const part = some === rows ? x : engine.slice(x, "row", from, from + some);
      return preActivations(engine, encoder, normalise(engine, encoder, part).input);
    });
    try {
      const picked = await chosen(engine, encoder, pre);
      if (picked !== undefined) addChosen(entries, picked, some);
      else {
        const dense = engine.scope(() =>
          engine.arrange(activations(engine, encoder, pre), ["row", "feature"]),
        );
        try {
          addDense(entries, (await engine.read(dense)).data, features);
        } finally {
          engine.free(dense);
        }
      }
    } finally {
      engine.free(pre);
    }
  }
  return {
    rows,
    features,
    starts: Int32Array.from(entries.starts),
    indices: joined(entries.indices, (length) => new Int32Array(length)),
    values: joined(entries.values, (length) => new Float64Array(length)),
  };
}

interface Entries {
  readonly starts: number[];
  readonly indices: Int32Array[];
  readonly values: Float64Array[];
}

function joined<A extends Int32Array | Float64Array>(
  parts: readonly A[],
  make: (length: number) => A,
): A {
  const out = make(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** All indices below are within: there are as many values as rows × features, or rows × choices. */
function addDense(
  { starts, indices, values }: Entries,
  data: ArrayLike<number>,
  features: number,
): void {
  let count = 0;
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) count++;
  const [where, what] = [new Int32Array(count), new Float64Array(count)];
  const before = starts.at(-1) as number;
  let at = 0;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (value !== 0) {
      where[at] = i % features;
      what[at++] = value;
    }
    if ((i + 1) % features === 0) starts.push(before + at);
  }
  indices.push(where);
  values.push(what);
}

function addChosen(
  { starts, indices, values }: Entries,
  { indices: where, values: what, each, rectified }: Chosen,
  rows: number,
): void {
  const [own, kept] = [new Int32Array(rows * each), new Float64Array(rows * each)];
  const order = new Float64Array(each); // feature · each + place: exact, and sorted without a function
  const before = starts.at(-1) as number;
  let at = 0;
  for (let row = 0; row < rows; row++) {
    let count = 0;
    for (let i = 0; i < each; i++) {
      const value = what[row * each + i] as number;
      if (rectified ? !(value <= 0) : value !== 0)
        order[count++] = (where[row * each + i] as number) * each + i;
    }
    for (const key of order.subarray(0, count).sort()) {
      const i = row * each + (key % each);
      own[at] = where[i] as number;
      kept[at++] = what[i] as number;
    }
    starts.push(before + at);
  }
  indices.push(own.subarray(0, at));
  values.push(kept.subarray(0, at));
}
