import { SPARSIFIERS } from "../methods/task-methods.ts";
import type { MergeModel } from "../model.ts";
import { mergeBytes, outputShape } from "../output.ts";
import type { MergePlan, PlannedTensor } from "../plan.ts";
import type { MergeCost } from "./merge-result.ts";

/** Held of each model and of the result while they are merged piece by piece: pieces read ahead, and pieces to be written. */
const IN_PIECES = 32 * 2 ** 20;

/** Arrays in float64 of a tensor's size that methods hold beside its inputs, where they hold it whole. */
const BESIDE = 3;

/** What a plan reads, writes and holds, from headers alone. */
export function mergeCost(plan: MergePlan, models: ReadonlyMap<string, MergeModel>): MergeCost {
  const inputs = Math.max(0, ...Object.values(plan.tensors).map((tensor) => tensor.inputs.length));
  const held = Object.entries(plan.tensors).map(([name, tensor]) => {
    if (!heldWhole(plan, tensor)) return 0;
    const entries = outputShape(plan, name, models).reduce((a, b) => a * b, 1);
    return 8 * entries * (tensor.inputs.length + BESIDE);
  });
  return {
    ...mergeBytes(plan, models),
    memory: (inputs + 1) * IN_PIECES + Math.max(0, ...held),
  };
}

/** Methods without sparsifiers that take a tensor piece by piece. */
const PIECE_BY_PIECE: ReadonlySet<string> = new Set(["linear", "slerp", "nearswap", "passthrough"]);

/** Whether all of a tensor's inputs are in memory at once. */
function heldWhole({ method }: MergePlan, { aligned, parameters }: PlannedTensor): boolean {
  if (aligned) return true;
  if (PIECE_BY_PIECE.has(method)) return false;
  const task = SPARSIFIERS[method];
  if (task === undefined) return true;
  return (
    task.sparsifier === "rank" || (task.sparsifier !== undefined && parameters.rescale === true)
  );
}
