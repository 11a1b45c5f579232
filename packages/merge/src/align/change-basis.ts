import type { Engine, Shaped } from "@resolvent/tensor";
import type { Dtype, ReadOptions } from "@resolvent/weights";
import { bytesPerEntry, encodeNumbers } from "@resolvent/weights";
import type { OpenMergeModel } from "../model.ts";
import type { BasisChange } from "./basis-change.ts";
import { changedNumbers, isChanged } from "./changed-numbers.ts";
import { type Changing, changesOf } from "./changing.ts";
import type { Rewritten } from "./memory-model.ts";
import { permutedTensors } from "./permute.ts";
import type { Placed } from "./places.ts";
import { exactProducts } from "./products.ts";
import { stretches } from "./stretch.ts";

export interface ChangeOptions<T extends Shaped = Shaped> extends ReadOptions {
  /** What tensors that change are stored in, rounded once; default each as it is stored. */
  readonly dtype?: "F32" | "F64";
  /**
   * Another model whose scales and biases of norms this one gets, in place of ones and zeros, where the residual stream changes: then
   * the two can be merged as they are, and it gives what a merge of both with folded norms would.
   */
  readonly like?: OpenMergeModel;
  /** Computes the products, where it is of float64; else plain loops do. */
  readonly engine?: Engine<T>;
}

/**
 * A model in other bases: config.json and tensors for a writer of safetensors, one at a time. It computes the same, to the
 * rounding of what is stored.
 *
 * ```ts
 * const { change } = await matchRotations(a, b, { linearAlgebra });
 * const bytes = await writeSafetensors((await changeBasis(b, change, { like: a })).tensors);
 * ```
 *
 * @throws InputError `merge/basis` for what is no change of bases of this model, `merge/basis-scale` where a norm's scale of 0 cannot be
 * folded, `merge/permutation`, `merge/align-shapes`, and what reading throws
 */
export async function changeBasis<T extends Shaped>(
  model: OpenMergeModel,
  change: BasisChange,
  options: ChangeOptions<T> = {},
): Promise<Rewritten> {
  const { dtype, like, signal } = options;
  const changing = await changesOf(model, change, {
    ...(like !== undefined && { like }),
    products: exactProducts(options.engine),
    signal,
  });
  const moved = new Map(
    permutedTensors(model, changing.permutation, { signal }).map((one) => [one.name, one]),
  );
  for (const tensor of changing.tensors) {
    if (!isChanged(changing, tensor)) continue;
    const into = dtype ?? tensor.dtype;
    const name = tensor.holds[0] === "final.W_U" ? (changing.headName ?? tensor.name) : tensor.name;
    const { shape } = tensor;
    moved.set(name, {
      name,
      dtype: into,
      shape,
      bytes: () => written(changing, tensor, into, { signal }),
    });
  }
  return { config: changing.config, tensors: [...moved.values()] };
}

async function written(
  changing: Changing,
  tensor: Placed,
  dtype: Dtype,
  options: ReadOptions,
): Promise<Uint8Array> {
  const width = bytesPerEntry(dtype);
  const out = new Uint8Array(tensor.shape.reduce((n, size) => n * size, width));
  let at = 0;
  for (const stretch of stretches(tensor)) {
    options.signal?.throwIfAborted();
    const bytes = encodeNumbers(
      await changedNumbers(changing, stretch, options),
      dtype,
      tensor.name,
    );
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}
