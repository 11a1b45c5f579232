import { refuse } from "../refuse.ts";

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
  const [low, high] = [density - Math.abs(epsilon), density + Math.abs(epsilon)];
  if (low > 0 && high < 1) return;
  throw refuse(
    "della-epsilon",
    `${where}: density ± epsilon = ${density} ± ${epsilon} must lie inside (0, 1).`,
    "Give a smaller epsilon, or a density of 1, which keeps everything.",
    { where, density, epsilon },
  );
}
