import type { OpenMergeModel } from "../model.ts";
import type { MergePlan } from "../plan.ts";
import type { MergeInput } from "./merge-result.ts";

/** The models of a plan, in the order of the configuration: what they are to it, and how they are stored. */
export function mergeInputs(
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
): readonly MergeInput[] {
  const taken = new Map<string, number>();
  const merged = new Set<string>();
  for (const { inputs } of Object.values(plan.tensors)) {
    for (const { model, base } of inputs) {
      taken.set(model, (taken.get(model) ?? 0) + 1);
      if (!base) merged.add(model);
    }
  }
  return [...models].map(([name, { tensors, checkpoint }]) => ({
    name,
    roles: [
      ...(name === plan.base ? (["base"] as const) : []),
      ...(name === plan.donor ? (["donor"] as const) : []),
      ...(merged.has(name) ? (["input"] as const) : []),
    ],
    tensors: taken.get(name) ?? 0,
    dtypes: [...new Set([...tensors.values()].map(({ dtype }) => dtype))],
    bytes: [...checkpoint.files.values()].reduce((sum, { size }) => sum + size, 0),
  }));
}
