import type { RawTensor, ReadOptions, TensorToWrite } from "@resolvent/weights";
import type { OpenMergeModel } from "../model.ts";
import { offsets, orderOf, signsOf } from "./order.ts";
import { checkPermutation, type Permutation } from "./permutation.ts";
import { type Kind, type Placed, placed, type Sizes } from "./places.ts";

/**
 * The tensors of a model in another order: for a writer of safetensors, which asks for them one after the other. Entries are
 * moved as they are stored, so nothing is rounded, and the model computes the same function.
 *
 * ```ts
 * const { permutation } = await matchWeights(a, b);
 * const bytes = await writeSafetensors(permutedTensors(b, permutation));
 * ```
 *
 * @throws InputError `merge/permutation` for what is no order of this model, `merge/align-axis`, and what reading throws
 */
export function permutedTensors(
  model: OpenMergeModel,
  permutation: Permutation,
  options: ReadOptions = {},
): TensorToWrite[] {
  const { tensors, sizes, leftOut } = placed(model);
  checkPermutation(permutation, sizes);
  const { checkpoint } = model;
  const moved = tensors.map((tensor) => ({
    name: tensor.name,
    dtype: tensor.dtype,
    shape: tensor.shape,
    bytes: async () =>
      permuteBytes(await checkpoint.read(tensor.name, options), tensor, permutation, sizes),
  }));
  const kept = leftOut.map((name) => {
    const { dtype, shape } = checkpoint.info(name);
    return {
      name,
      dtype,
      shape,
      bytes: async () => (await checkpoint.read(name, options)).bytes,
    };
  });
  return [...moved, ...kept];
}

/** The entries of a tensor, or of a stretch of one, moved as they are stored. */
export function permuteBytes(
  { bytes }: RawTensor,
  tensor: Placed,
  permutation: Permutation,
  sizes: Sizes,
): Uint8Array {
  const { parts } = tensor;
  const order = (part: Placed["parts"][number]): readonly number[] | undefined =>
    orderOf(part, tensor, permutation, sizes);
  // The longest run of parts at the end that stays as it is moves in one piece.
  let tail = parts.length;
  while (tail > 0 && isFixed(parts[tail - 1])) tail--;
  const run = parts.slice(tail).reduce((n, { size }) => n * size, 1);
  const from = offsets(parts.slice(0, Math.max(0, tail - 1)), order);
  const last = offsets(parts.slice(Math.max(0, tail - 1), tail), order);
  const entries = parts.reduce((n, { size }) => n * size, 1);
  const width = (bytes.length / entries) * run; // bytes of a run
  const out = new Uint8Array(bytes.length);
  let to = 0;
  for (const outer of from) {
    for (const inner of last) {
      const start = ((outer + inner) / run) * width;
      // A call to copy a few bytes takes longer than copying them.
      if (width > 32) out.set(bytes.subarray(start, start + width), to);
      else for (let i = 0; i < width; i++) out[to + i] = bytes[start + i] as number;
      to += width;
    }
  }
  const signs = signsOf(parts, permutation);
  const size = bytes.length / entries;
  // The sign of a float is its highest bit, in the last of its bytes.
  signs?.forEach((sign, i) => {
    const last = (i + 1) * size - 1;
    if (sign < 0) out[last] = (out[last] as number) ^ 0x80;
  });
  return out;
}

const MOVED: readonly Kind[] = ["residual", "mlp", "heads", "kv"];

function isFixed(part: Placed["parts"][number] | undefined): boolean {
  return part !== undefined && !MOVED.includes(part.kind);
}
