import { InputError, type Ops, type Shaped } from "@resolvent/tensor";
import { type Block, type Model, mapBlock } from "@resolvent/transformer";
import { lastPosition } from "./patch-run.ts";
import type { PatchReference } from "./setting.ts";

/**
 * Models of several prompts, alike but for constants at their positions: what dictionaries leave over of a prompt. As a
 * model it is that of one of them.
 */
export interface PromptModels<T extends Shaped> extends Model<T> {
  /** The model of a prompt. */
  of(prompt: readonly number[]): Model<T>;
}

/** The model of a prompt. */
export function modelOf<T extends Shaped>(
  model: Model<T> | PromptModels<T>,
  prompt: readonly number[],
): Model<T> {
  return "of" in model ? model.of(prompt) : model;
}

/**
 * Refuses models that belong to another prompt than those that are patched.
 *
 * @throws InputError `patching/one-prompt`, `patching/no-mean`
 */
export function checkPromptModels<T extends Shaped>(
  model: Model<T> | PromptModels<T>,
  { kind }: PatchReference,
): void {
  if ("of" in model) {
    if (kind !== "mean") return;
    throw new InputError({
      code: "patching/no-mean",
      message: `${model.name} has nodes at single positions, such as errors of dictionaries, which have no mean over positions.`,
      remedy: "Take the reference run, or zero.",
      details: { reference: kind },
    });
  }
  if (!Array.isArray(model.stages)) return; // what is read layer by layer is as its file has it
  const found = [...model.stages].flat().find(hasPositions);
  if (found === undefined) return;
  throw new InputError({
    code: "patching/one-prompt",
    message: `${model.name} is the model of one prompt: ${found.name} has constants at its positions, such as errors of a dictionary.`,
    remedy:
      "Patch models of every prompt: withPromptModels of @resolvent/dictionary makes them of transcoders.",
    details: { block: found.name },
  });
}

function hasPositions<T extends Shaped>(block: Block<T>): boolean {
  let found = false;
  mapBlock(block, (value) => {
    found ||= "pos" in value.shape;
    return value;
  });
  return found;
}

/** A block at the last position alone, where it has constants of each. */
export function blockAtLast<T extends Shaped>(ops: Ops<T>, block: Block<T>): Block<T> {
  return mapBlock(block, (value) => ("pos" in value.shape ? lastPosition(ops, value) : value));
}
