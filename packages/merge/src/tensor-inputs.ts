import type { ReadOptions } from "@resolvent/weights";
import { alignedInputs } from "./aligned-inputs.ts";
import { type Input, inputOf } from "./inputs.ts";
import type { OpenMergeModel } from "./model.ts";
import { outputShape } from "./output.ts";
import type { MergePlan } from "./plan.ts";

/** The inputs of a tensor of a plan, brought to the result's vocabulary where it is a table of tokens. */
export async function inputsFor(
  plan: MergePlan,
  name: string,
  models: ReadonlyMap<string, OpenMergeModel>,
  options: ReadOptions,
): Promise<readonly Input[]> {
  const { tokenizer } = plan;
  const planned = Object.hasOwn(plan.tensors, name) ? plan.tensors[name] : undefined;
  const inputs = planned?.inputs ?? [];
  return planned?.aligned && tokenizer !== null
    ? await alignedInputs({ ...plan, tokenizer }, name, inputs, models, options)
    : inputs.map(({ model, tensor }): Input => inputOf(models, model, tensor ?? name));
}

/** Entries of a tensor of the result. */
export function entriesOf(
  plan: MergePlan,
  name: string,
  models: ReadonlyMap<string, OpenMergeModel>,
): number {
  return outputShape(plan, name, models).reduce((a, b) => a * b, 1);
}
