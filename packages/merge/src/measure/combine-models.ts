import { type Ops, type Shaped, sumOf } from "@resolvent/tensor";
import { type Model, mapWeights } from "@resolvent/transformer";
import { refuse } from "../refuse.ts";
import { checkSameShape } from "./same-shape.ts";

/** How far the factors of an affine combination may add up to something else than 1. */
const ROUNDING = 1e-9;

/** A model of a combination, and what its weights are multiplied with. */
export interface ModelPart<T extends Shaped> {
  readonly model: Model<T>;
  readonly factor: number;
}

/**
 * The model whose weights are `Σ fᵢ θᵢ`, with `Σ fᵢ = 1`: `linear` with two parts, and with the base among them task
 * arithmetic, `θ + u(a − θ) + v(b − θ) = (1 − u − v)θ + ua + vb`. Its weights are new tensors of the engine.
 *
 * @throws InputError `merge/factors`, and what `checkSameShape` throws
 */
export function combineModels<T extends Shaped>(
  ops: Ops<T>,
  parts: readonly ModelPart<T>[],
  { name = "merge" }: { readonly name?: string } = {},
): Model<T> {
  const total = parts.reduce((sum, { factor }) => sum + factor, 0);
  const [first] = parts;
  // Loaded weights may hold a constant (norm scales stored less 1), which only such a combination leaves as it is.
  if (first === undefined || !(Math.abs(total - 1) <= ROUNDING)) {
    throw refuse(
      "factors",
      `The factors of a combination should add up to 1, got ${total}.`,
      "Give the base what is left: 1 less the other factors.",
      { factors: parts.map(({ factor }) => factor) },
    );
  }
  checkSameShape(...parts.map(({ model }) => model));
  const tables = parts.map(({ model, factor }) => {
    // What is tied is met once, and asked for under both names where another model's is not.
    const weights = new Map<string, T>([["final.W_U", model.final.W_U]]);
    mapWeights(model, (weight, path) => {
      weights.set(path, weight);
      return weight;
    });
    return { weights, factor };
  });
  const untied = parts.find(({ model }) => !model.architecture.tied) ?? first;
  return ops.scope(() => {
    const { sha256, warnings, ...model } = mapWeights(untied.model, (_, path) => {
      const each = tables.map(
        ({ weights, factor }) => ops.scale(weights.get(path) as T, factor), // of one shape: all have it
      );
      return sumOf(ops, each);
    });
    return { ...model, name };
  });
}
