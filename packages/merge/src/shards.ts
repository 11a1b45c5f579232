import { type Dtype, tensorBytes } from "@resolvent/weights";
import type { MergeModel } from "./model.ts";
import { outputShape } from "./output.ts";
import type { MergePlan } from "./plan.ts";

/** A tensor of the result, as it is stored. */
interface StoredOutput {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/** A file of the result's weights. */
export interface Shard {
  readonly file: string;
  readonly tensors: readonly StoredOutput[];
}

/**
 * The tensors of a plan in files of at most `limit` bytes of data each, in the plan's order; one that is larger has a file
 * of its own. The names are those of Hugging Face.
 */
export function shardsOf(
  plan: MergePlan,
  models: ReadonlyMap<string, MergeModel>,
  limit: number,
): readonly Shard[] {
  const groups: StoredOutput[][] = [];
  let filled = Number.POSITIVE_INFINITY;
  for (const [name, { dtype = plan.dtype }] of Object.entries(plan.tensors)) {
    const shape = outputShape(plan, name, models);
    const bytes = tensorBytes(dtype, shape) ?? Number.POSITIVE_INFINITY;
    if (filled + bytes > limit) {
      groups.push([]);
      filled = 0;
    }
    groups.at(-1)?.push({ name, dtype, shape, bytes });
    filled += bytes;
  }
  const digits = (n: number): string => String(n).padStart(5, "0");
  const name = (i: number): string =>
    `model-${digits(i + 1)}-of-${digits(groups.length)}.safetensors`;
  return groups.map((tensors, i) => ({
    file: groups.length === 1 ? "model.safetensors" : name(i),
    tensors,
  }));
}

/** The index of shards: which file holds which tensor. */
export function indexOf(shards: readonly Shard[]): object {
  const all = shards.flatMap(({ file, tensors }) => tensors.map((tensor) => ({ file, ...tensor })));
  return {
    metadata: { total_size: all.reduce((sum, { bytes }) => sum + bytes, 0) },
    weight_map: Object.fromEntries(all.map(({ name, file }) => [name, file])),
  };
}
