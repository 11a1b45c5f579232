import { short } from "@resolvent/analysis";
import { tensorBytes } from "@resolvent/weights";
import type { MergeModel } from "../model.ts";
import { outputShape } from "../output.ts";
import type { MergePlan, PlannedParameters, PlannedTensor } from "../plan.ts";
import type { MergeGroup } from "./merge-result.ts";

/** The tensors of a plan, those that are made alike together, in the order of the first of each. */
export function mergeGroups(
  plan: MergePlan,
  models: ReadonlyMap<string, MergeModel>,
): readonly MergeGroup[] {
  const alike = new Map<string, string[]>();
  for (const [name, tensor] of Object.entries(plan.tensors)) {
    const key = JSON.stringify([parametersOf(tensor), inputsOf(tensor)]);
    alike.set(key, [...(alike.get(key) ?? []), name]);
  }
  return [...alike.values()].map((names) => {
    const first = plan.tensors[names[0] ?? ""] as PlannedTensor; // of the plan
    const bytes = names.reduce((sum, name) => {
      const dtype = plan.tensors[name]?.dtype ?? plan.dtype;
      return sum + (tensorBytes(dtype, outputShape(plan, name, models)) ?? 0);
    }, 0);
    return {
      ...{ tensors: commonName(names), count: names.length, bytes },
      ...{ parameters: parametersOf(first), inputs: inputsOf(first) },
    };
  });
}

/** What names have in common, part by part: `model.layers.0–3.mlp.*.weight`; past the first that is not in all, `*`. */
export function commonName(names: readonly string[]): string {
  const parted = names.map((name) => name.split("."));
  const lengths = parted.map(({ length }) => length);
  const shortest = Math.min(...lengths);
  const shared = Array.from({ length: shortest }, (_, i) => {
    return partsTogether([...new Set(parted.map((parts) => parts[i] ?? ""))]);
  });
  if (lengths.every((length) => length === shortest)) return shared.join(".");
  const differs = shared.indexOf("*");
  return [...(differs < 0 ? shared : shared.slice(0, differs)), "*"].join(".");
}

/** Different parts at one place of names: numbers as stretches, words as `*`. */
function partsTogether(parts: readonly string[]): string {
  if (parts.length === 1) return parts.join("");
  if (!parts.every((part) => /^\d+$/.test(part))) return "*";
  const stretches: [number, number][] = [];
  for (const at of parts.map(Number).toSorted((a, b) => a - b)) {
    const last = stretches.at(-1);
    if (last?.[1] === at - 1) last[1] = at;
    else stretches.push([at, at]);
  }
  return stretches.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(",");
}

/** Parameters of the output, in words. */
export function parametersOf({ parameters, aligned }: PlannedTensor): string {
  return [...said(parameters), ...(aligned ? ["one vocabulary"] : [])].join(", ");
}

/** The inputs, in words. */
export function inputsOf({ inputs }: PlannedTensor): string {
  return inputs
    .map(({ model, parameters = {}, base }) => {
      const own = [...(base ? ["base"] : []), ...said(parameters)];
      return own.length === 0 ? model : `${model} (${own.join(", ")})`;
    })
    .join(", ");
}

function said(parameters: PlannedParameters): string[] {
  return Object.entries(parameters).flatMap(([name, value]) =>
    value === null ? [] : [`${name} ${typeof value === "number" ? short(value) : value}`],
  );
}
