import type { MethodName } from "./method.ts";
import { checkEpsilon, checkWeights } from "./methods/checks.ts";
import { SPARSIFIERS } from "./methods/task-methods.ts";
import type { PlannedTensor } from "./plan.ts";
import { refuse } from "./refuse.ts";

/** What is the matter with a planned tensor of a number of entries can be told by its parameters. */
export function checkParameters(
  method: MethodName,
  name: string,
  { parameters, inputs }: PlannedTensor,
  entries: number,
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
    if (density >= 1) continue;
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
