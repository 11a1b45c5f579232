import type { MethodName } from "./method.ts";
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

/** Weights that are divided by their sum. What rounding makes of weights that cancel counts as zero. */
export function checkWeights(name: string, weights: readonly number[]): void {
  let [sum, size] = [0, 0];
  for (const weight of weights) {
    sum += weight;
    size += Math.abs(weight);
  }
  if (Math.abs(sum) > weights.length * 2 ** -53 * size) return;
  throw refuse(
    "zero-weight",
    `${name}: the weights ${weights.join(", ")} add up to zero, and are divided by their sum.`,
    "Give weights that do not cancel, or say that they are not normalized.",
    { tensor: name, weights },
  );
}

/** Keep probabilities of DELLA lie between density − epsilon and density + epsilon. */
export function checkEpsilon(where: string, density: number, epsilon: number): void {
  if (
    density - epsilon > 0 &&
    density + epsilon < 1 &&
    density - epsilon < 1 &&
    density + epsilon > 0
  )
    return;
  throw refuse(
    "della-epsilon",
    `${where}: density ± epsilon = ${density} ± ${epsilon} must lie inside (0, 1).`,
    "Give a smaller epsilon, or a density of 1, which keeps everything.",
    { where, density, epsilon },
  );
}
