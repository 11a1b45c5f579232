import type { MethodName } from "./method.ts";
import { checkEpsilon, checkWeights } from "./methods/checks.ts";
import { SPARSIFIERS } from "./methods/task-methods.ts";
import type { PlannedTensor, Trimming } from "./plan.ts";
import { refuse } from "./refuse.ts";

/** What is the matter with a planned tensor of a number of entries can be told by its parameters. */
export function checkParameters(
  method: MethodName,
  name: string,
  { parameters, inputs }: PlannedTensor,
  { entries, trimming }: { readonly entries: number; readonly trimming: Trimming },
): void {
  const { normalize, normalize_weights } = parameters;
  const averages =
    (method === "linear" && normalize) || (method === "multislerp" && normalize_weights);
  if (averages)
    checkWeights(
      name,
      inputs.map((input) => Number(input.parameters?.weight ?? 0)),
    );
  const sparsifier = SPARSIFIERS[method]?.sparsifier;
  if (sparsifier === undefined) return;
  for (const { model, parameters: own } of inputs) {
    if (own === undefined) continue;
    const { density = 1, epsilon = 0 } = own as Readonly<Record<string, number>>; // of task methods all are numbers
    if (density >= 1 || (sparsifier === "magnitude" && trimming === "model")) continue;
    const where = `${name} of ${model}`;
    if (sparsifier === "rank") checkEpsilon(where, density, epsilon);
    const keeps =
      sparsifier === "random" || sparsifier === "rank"
        ? density > 0
        : Math.floor(density * entries) > 0;
    if (keeps) continue;
    throw refuse(
      "trim-empty",
      `density ${density} keeps none of the ${entries} entries of ${where}.`,
      "Give a higher density, by a filter for small tensors such as norms.",
      { tensor: name, model, density, entries },
    );
  }
}

/** Where the largest entries are taken over a whole model, all its tensors have one density, and the same models. */
export function checkWholeTrims(
  method: MethodName,
  tensors: readonly {
    readonly name: string;
    readonly tensor: PlannedTensor;
    readonly entries: number;
  }[],
): void {
  if (SPARSIFIERS[method]?.sparsifier !== "magnitude") {
    throw refuse(
      "trimming",
      `${method} does not take the largest entries, of a tensor or of a model.`,
      "ties does; leave trimming out.",
      { method },
    );
  }
  const [first] = tensors;
  const total = tensors.reduce((sum, { entries }) => sum + entries, 0);
  for (const { name, tensor } of tensors) {
    for (const [i, { model, parameters }] of tensor.inputs.entries()) {
      const own = first?.tensor.inputs[i];
      const [here, there] = [parameters?.density ?? 1, own?.parameters?.density ?? 1];
      if (own?.model !== model || tensor.inputs.length !== first?.tensor.inputs.length) {
        throw refuse(
          "trimming",
          `${name} is made of other models than ${first?.name}; a model is trimmed as a whole where all its tensors are merged.`,
          "List whole models, or trim tensor by tensor.",
          { tensor: name },
        );
      }
      if (here !== there) {
        throw refuse(
          "trimming",
          `The density of ${model} is ${there} for ${first?.name} and ${here} for ${name}; a model is trimmed as a whole to one.`,
          "Give one number for each model, or trim tensor by tensor.",
          { model, tensor: name, expected: there, got: here },
        );
      }
      if (Number(here) < 1 && Math.floor(Number(here) * total) <= 0) {
        throw refuse(
          "trim-empty",
          `density ${here} keeps none of the ${total} entries of ${model}.`,
          "Give a higher density.",
          { model, density: here, entries: total },
        );
      }
    }
  }
}
