import { type Dtype, tensorBytes } from "@resolvent/weights";
import type { MergeModel } from "./model.ts";
import type { MergePlan } from "./plan.ts";
import { refuse } from "./refuse.ts";

/** The bytes of a merge. */
export interface MergeBytes {
  /** Of all inputs; of a tensor that is taken several times, several times. */
  readonly read: number;
  readonly written: number;
}

interface StoredShape {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** Sizes of a tensor of the result. Throws `merge/model-missing`, `merge/no-tensor`. */
export function outputShape(
  plan: MergePlan,
  name: string,
  models: ReadonlyMap<string, MergeModel>,
): readonly number[] {
  const shapes = inputsOf(plan, name, models).map(({ shape }) => shape);
  const shape = shapes[0] ?? [];
  const aligned = plan.tensors[name]?.aligned && plan.tokenizer !== null;
  return aligned ? [plan.tokenizer?.rows ?? 0, ...shape.slice(1)] : shape;
}

/** How much a plan reads and writes, known from headers. Throws what `outputShape` throws. */
export function mergeBytes(plan: MergePlan, models: ReadonlyMap<string, MergeModel>): MergeBytes {
  let [read, written] = [0, 0];
  for (const [name, { dtype = plan.dtype }] of Object.entries(plan.tensors)) {
    for (const input of inputsOf(plan, name, models))
      read += tensorBytes(input.dtype, input.shape) ?? 0;
    written += tensorBytes(dtype, outputShape(plan, name, models)) ?? 0;
  }
  return { read, written };
}

function inputsOf(
  plan: MergePlan,
  name: string,
  models: ReadonlyMap<string, MergeModel>,
): readonly StoredShape[] {
  const planned = Object.hasOwn(plan.tensors, name) ? plan.tensors[name] : undefined;
  const inputs = planned?.inputs ?? [];
  const found = inputs.flatMap(
    ({ model, tensor = name }) => models.get(model)?.tensors.get(tensor) ?? [],
  );
  if (inputs.length > 0 && found.length === inputs.length) return found;
  throw refuse(
    planned === undefined ? "no-tensor" : "model-missing",
    planned === undefined ? `The plan has no tensor ${name}.` : `A model of ${name} is not given.`,
    "Give the models that the plan was made for.",
    { tensor: name },
  );
}
