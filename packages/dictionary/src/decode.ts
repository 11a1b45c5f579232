import {
  axesOf,
  type Engine,
  type Ops,
  type Shaped,
  STACK_MEMORY,
  sizeAlong,
} from "@resolvent/tensor";
import type { CrossLayerTranscoder, Dictionary } from "./dictionary.ts";
import { type Normalised, normalise } from "./encode.ts";
import { type EncodeOptions, encode, type SparseActivations } from "./sparse.ts";

/** What decodes: directions of features, by what their activations are multiplied and divided. */
type Decoder<T extends Shaped> = Pick<Dictionary<T>, "W_dec" | "norms" | "scale">;

/** `a·scale/norms @ W_dec` of some rows of sparse activations, without biases: `row, …` with `W_dec`'s other axes. */
function decodeRows<T extends Shaped>(
  ops: Ops<T>,
  { W_dec, norms, scale }: Decoder<T>,
  { starts, indices, values }: SparseActivations,
  from: number,
  to: number,
): T {
  const [first, last] = [starts[from] as number, starts[to] as number]; // one more start than rows
  const count = last - first;
  const rowOf = new Int32Array(count);
  for (let row = from; row < to; row++) {
    rowOf.fill(row - from, (starts[row] as number) - first, (starts[row + 1] as number) - first);
  }
  return ops.scope(() => {
    const ids = { shape: { entry: count }, data: indices.subarray(first, last) };
    const given = ops.constant({ entry: count }, values.subarray(first, last));
    const scaled = scale === undefined ? given : ops.mul(given, ops.take(scale, "feature", ids));
    const own = norms === undefined ? scaled : ops.div(scaled, ops.take(norms, "feature", ids));
    const directions = ops.mul(ops.take(W_dec, "feature", ids), own);
    const summed = ops.put(directions, { shape: { entry: count }, data: rowOf }, "row", to - from);
    const rest = axesOf(summed.shape).filter((axis) => axis !== "row" && axis !== "d_out");
    return ops.arrange(summed, ["row", ...rest, "d_out"]);
  });
}

/** The same of all rows, some at a time. */
function decodeAll<T extends Shaped>(
  ops: Ops<T>,
  decoder: Decoder<T>,
  sparse: SparseActivations,
  width: number,
  memory: number,
): T {
  const { rows, starts } = sparse;
  const most = Math.max(1, Math.floor(memory / (3 * 8 * width))); // entries
  return ops.scope(() => {
    const parts: T[] = [];
    for (let from = 0; from < rows; ) {
      let to = from + 1;
      while (to < rows && (starts[to + 1] as number) - (starts[from] as number) <= most) to++;
      parts.push(decodeRows(ops, decoder, sparse, from, to));
      from = to;
    }
    return parts.length === 1 ? (parts[0] as T) : ops.concat(parts, "row");
  });
}

/**
 * What sparse activations are decoded to, before it is un-normalised and without a skip: `row, d_out`.
 *
 * @param options `memory`: bytes that the directions of entries may take at a time; default 512 MiB
 */
export function decode<T extends Shaped>(
  ops: Ops<T>,
  dictionary: Pick<Dictionary<T>, "W_dec" | "b_dec" | "norms" | "scale" | "d_out">,
  sparse: SparseActivations,
  { memory = STACK_MEMORY }: Pick<EncodeOptions, "memory"> = {},
): T {
  return ops.scope(() =>
    ops.add(decodeAll(ops, dictionary, sparse, dictionary.d_out, memory), dictionary.b_dec),
  );
}

/** Input, activations and output of a dictionary, rows as they came. */
export interface Reconstruction<T> {
  readonly activations: SparseActivations;
  /** `row, d_out` */
  readonly output: T;
}

/**
 * `x^` of input vectors `row, d_in`: encoded, decoded, un-normalised, a skip added.
 *
 * The caller frees `output`.
 */
export async function reconstruct<T extends Shaped>(
  engine: Engine<T>,
  dictionary: Dictionary<T>,
  x: T,
  options: EncodeOptions = {},
): Promise<Reconstruction<T>> {
  const sparse = await encode(engine, dictionary, x, options);
  const output = engine.scope(() =>
    restored(engine, dictionary, x, decode(engine, dictionary, sparse, options)),
  );
  return { activations: sparse, output };
}

/** A decoder's output as what it stands for: un-normalised, with the skip. */
function restored<T extends Shaped>(ops: Ops<T>, dictionary: Dictionary<T>, x: T, decoded: T): T {
  const { transcoder, W_skip } = dictionary;
  const back = (): Normalised<T>["restore"] => normalise(ops, dictionary, x).restore;
  const y = transcoder ? decoded : back()(decoded);
  return W_skip === undefined ? y : ops.add(y, ops.matmul(x, W_skip, ["d_in"], ["d_out"]));
}

/**
 * What a cross-layer transcoder makes of each layer's activations: an output `row, d_out` for each layer.
 *
 * @param layers the activations of every layer, on the same rows
 */
export function decodeCrossLayer<T extends Shaped>(
  ops: Ops<T>,
  transcoder: CrossLayerTranscoder<T>,
  layers: readonly SparseActivations[],
  { memory = STACK_MEMORY }: Pick<EncodeOptions, "memory"> = {},
): T[] {
  return ops.scope(() => {
    const outputs: (T | undefined)[] = transcoder.layers.map(() => undefined);
    for (const [from, { W_dec }] of transcoder.layers.entries()) {
      const sparse = layers[from] as SparseActivations; // one for each layer
      const targets = sizeAlong(W_dec.shape, "target", "decodeCrossLayer");
      const written = decodeAll(ops, { W_dec }, sparse, targets * transcoder.d_out, memory);
      for (let target = 0; target < targets; target++) {
        const own = ops.sum(ops.slice(written, "target", target, target + 1), ["target"]);
        const before = outputs[from + target];
        outputs[from + target] = before === undefined ? own : ops.add(before, own);
      }
    }
    return transcoder.layers.map(({ b_dec }, i) => ops.add(outputs[i] as T, b_dec)); // its own wrote to each
  });
}
