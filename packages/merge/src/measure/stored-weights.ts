import type { Ops, Shaped } from "@resolvent/tensor";
import { assembleModel, type Block, type RotarySpec } from "@resolvent/transformer";
import { decodeNumbers, type ReadOptions } from "@resolvent/weights";
import { checkFinite } from "../finite.ts";
import type { OpenMergeModel } from "../model.ts";
import { type ModelParts, missing, modelParts } from "../model-parts.ts";
import { refuse } from "../refuse.ts";
import type { ModelPath } from "./barrier.ts";

/** A checkpoint's tensors in float64, by their names without prefix. */
export interface StoredWeights {
  /** Its config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, Float64Array<ArrayBuffer>>;
}

/** All tensors of a model of which each has a place. @throws InputError what reading them throws */
export async function readWeights(
  model: OpenMergeModel,
  options: ReadOptions = {},
): Promise<StoredWeights> {
  const parts = modelParts(model.folder.name, model);
  const tensors = new Map<string, Float64Array<ArrayBuffer>>();
  for (const { name } of placesOf(parts)) {
    tensors.set(name, await readPlace(parts, model, name, options));
  }
  return { config: model.config, tensors };
}

/** Names and shapes of a model's tensors, without prefix: embeddings, layers, final norm and unembedding. */
export function placesOf({ layout, layers }: ModelParts): {
  readonly name: string;
  readonly shape: readonly number[];
}[] {
  const inLayers = Array.from({ length: layers }, (_, layer) => layout.layer(layer).tensors);
  return [...layout.embed, ...inLayers.flat(), ...layout.final];
}

/** A tensor by its name without prefix, in float64. */
export async function readPlace(
  parts: ModelParts,
  { checkpoint }: OpenMergeModel,
  place: string,
  options: ReadOptions = {},
): Promise<Float64Array<ArrayBuffer>> {
  const found = parts.stored(place);
  if (found === undefined) throw missing(parts.name, place);
  const raw = await checkpoint.read(found.name, options);
  const numbers = decodeNumbers(raw, "f64", `${parts.name}: ${found.name}`);
  checkFinite(numbers, `${found.name} of ${parts.name}`);
  return numbers;
}

/**
 * A path between two checkpoints by any method, whose tensors are merged one by one as they are stored, unrounded.
 *
 * ```ts
 * const { barrier } = await lossBarrier(cpu, storedPath(cpu, a, b, slerp), rows);
 * ```
 *
 * @throws InputError from the path: `merge/tensor-missing`, `merge/shape`
 */
export function storedPath<T extends Shaped>(
  ops: Ops<T>,
  first: StoredWeights,
  second: StoredWeights,
  merge: (first: Float64Array, second: Float64Array, alpha: number, name: string) => Float64Array,
): ModelPath<T> {
  const has = (name: string): boolean => first.tensors.has(name);
  const rotations = new Map<string, RotarySpec>();
  return (alpha) =>
    ops.scope(() => {
      const model = assembleModel(
        ops,
        first.config,
        (name, shape) => {
          const [x, y] = [first.tensors.get(name), second.tensors.get(name)];
          if (x === undefined) throw missing("the first model", name, "the second");
          if (y === undefined) throw missing("the second model", name, "the first");
          checkLengths(name, x, y);
          return ops.constant(shape, merge(x, y, alpha, name));
        },
        { name: "merge", has },
      );
      const stages = [...model.stages].map((stage) =>
        stage.map((block) => sharedRotation(block, rotations)),
      );
      return { ...model, stages };
    });
}

/** The block with one rotation for all models of a path: engines keep the table of each for as long as they live. */
function sharedRotation<T>(block: Block<T>, known: Map<string, RotarySpec>): Block<T> {
  if (block.kind !== "attn" || block.rotary === undefined) return block;
  const rotary = known.get(block.name) ?? block.rotary;
  known.set(block.name, rotary);
  return { ...block, rotary };
}

function checkLengths(name: string, first: Float64Array, second: Float64Array): void {
  if (first.length === second.length) return;
  throw refuse(
    "shape",
    `${name} has ${first.length} entries in the first model and ${second.length} in the second.`,
    "Merge models of one shape.",
    { tensor: name, expected: first.length, got: second.length },
  );
}
