import type { ReadOptions } from "@resolvent/weights";
import { dot, minus, sum } from "../methods/numbers.ts";
import { isStraight } from "../methods/slerp.ts";
import type { OpenMergeModel } from "../model.ts";
import { missing, modelParts } from "../model-parts.ts";
import { refuse } from "../refuse.ts";
import type { MeasureOptions } from "./barrier.ts";
import { placesOf, readPlace } from "./stored-weights.ts";

/** Two tensors of one name, as vectors. */
export interface TensorComparison {
  readonly entries: number;
  /** Of the weights; null where one is zero. */
  readonly cosine: number | null;
  /** Of the weights, in radians; null likewise. */
  readonly angle: number | null;
  /** `‖first‖ / ‖second‖` of the weights; null where the second is zero. */
  readonly normRatio: number | null;
  readonly normFirst: number;
  readonly normSecond: number;
  /** Entries that are zero in neither. */
  readonly bothThere: number;
  /** The share of them that have opposite signs; null where there are none. */
  readonly signConflict: number | null;
  /** The same share weighted by `min(|first|, |second|)`. */
  readonly signConflictWeighted: number | null;
  /** Whether `slerp` between them is linear: their cosine is above 0.9995 or below −0.9995. */
  readonly slerpIsLinear: boolean;
  /** The same of what training changed, `δ = θ − base`; null without a base. */
  readonly deltas: DeltaComparison | null;
}

/** Two task vectors' parts in one tensor. */
export interface DeltaComparison {
  readonly cosine: number | null;
  /** In radians. */
  readonly angle: number | null;
  /** `‖δ_first‖ / ‖δ_second‖`; null where the second is zero. */
  readonly normRatio: number | null;
  readonly normFirst: number;
  readonly normSecond: number;
  /** Entries that both changed. */
  readonly bothChanged: number;
  /** The share of them that changed in opposite directions; null where there are none. */
  readonly signConflict: number | null;
  /** The same share weighted by `min(|δ_first|, |δ_second|)`. */
  readonly signConflictWeighted: number | null;
}

export interface NamedTensorComparison extends TensorComparison {
  /** As the first model's files have it. */
  readonly name: string;
}

/** Compares two tensors, and with a base what was changed in them. All have as many entries. */
export function compareTensor(
  first: Float64Array,
  second: Float64Array,
  base?: Float64Array,
): TensorComparison {
  const { products, ...weights } = directions(first, second);
  return {
    entries: first.length,
    ...weights,
    ...signsOf(first, second),
    slerpIsLinear: isStraight(products),
    deltas: base === undefined ? null : compareDeltas(minus(first, base), minus(second, base)),
  };
}

function compareDeltas(a: Float64Array, b: Float64Array): DeltaComparison {
  const { products, ...found } = directions(a, b);
  const { bothThere: bothChanged, ...conflict } = signsOf(a, b);
  return { ...found, bothChanged, ...conflict };
}

function signsOf(a: Float64Array, b: Float64Array) {
  let [bothThere, opposite] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const signs = Math.sign(a[i] as number) * Math.sign(b[i] as number); // both are as long
    if (signs !== 0) bothThere++;
    if (signs < 0) opposite++;
  }
  const size = (i: number): number => Math.min(Math.abs(a[i] as number), Math.abs(b[i] as number));
  // Of signs: a product of small entries may be 0.
  const against = (i: number): boolean => Math.sign(a[i] as number) * Math.sign(b[i] as number) < 0;
  const all = sum(0, a.length, size);
  const conflict = sum(0, a.length, (i) => (against(i) ? size(i) : 0));
  return {
    bothThere,
    signConflict: bothThere === 0 ? null : opposite / bothThere,
    signConflictWeighted: all === 0 ? null : conflict / all,
  };
}

function directions(a: Float64Array, b: Float64Array) {
  const products = { aa: dot(a, a), ab: dot(a, b), bb: dot(b, b) };
  const [normA, normB] = [Math.sqrt(products.aa), Math.sqrt(products.bb)];
  const norms = {
    normRatio: normB === 0 ? null : normA / normB,
    ...{ normFirst: normA, normSecond: normB },
  };
  if (normA === 0 || normB === 0) return { products, cosine: null, angle: null, ...norms };
  const unit = (sign: number) => (i: number) =>
    ((a[i] as number) / normA + (sign * (b[i] as number)) / normB) ** 2;
  const apart = Math.sqrt(sum(0, a.length, unit(-1)));
  const together = Math.sqrt(sum(0, a.length, unit(1)));
  // Kahan's form: the arc cosine has half the digits of small angles only.
  const angle = 2 * Math.atan2(apart, together);
  return { products, cosine: products.ab / (normA * normB), angle, ...norms };
}

/**
 * Compares two models tensor by tensor, and with a `base` their task vectors: sign conflict, angles, ratios of norms. A
 * tensor of each model is in memory at once.
 *
 * @throws InputError `merge/shape`, `merge/tensor-missing`, `merge/not-finite`, what reading throws; the signal's reason
 */
export async function compareTensors(
  first: OpenMergeModel,
  second: OpenMergeModel,
  options: MeasureOptions & ReadOptions & { readonly base?: OpenMergeModel } = {},
): Promise<NamedTensorComparison[]> {
  const { base, signal, onProgress } = options;
  const models = [first, second, ...(base === undefined ? [] : [base])].map((model) => {
    const parts = modelParts(model.folder.name, model);
    return { model, parts, shapes: new Map(placesOf(parts).map((one) => [one.name, one.shape])) };
  });
  const names = new Set(models.flatMap(({ shapes }) => [...shapes.keys()]));
  // All of it is checked before a number is read.
  for (const name of names) {
    const shapes = models.map(({ parts, shapes }) => {
      const shape = shapes.get(name);
      if (shape === undefined) throw missing(parts.name, name);
      return shape.join(", ");
    });
    const other = shapes.findIndex((shape) => shape !== shapes[0]);
    if (other > 0) {
      throw refuse(
        "shape",
        `${name} is [${shapes[0]}] in ${models[0]?.parts.name} and [${shapes[other]}] in ${models[other]?.parts.name}.`,
        "Compare models of one shape.",
        { tensor: name, expected: shapes[0], got: shapes[other] },
      );
    }
  }
  const found: NamedTensorComparison[] = [];
  for (const name of names) {
    signal?.throwIfAborted();
    const [a, b, from] = await Promise.all(
      models.map(({ model, parts }) => readPlace(parts, model, name, options)),
    );
    const own = models[0]?.parts.stored(name)?.name ?? name;
    found.push({ name: own, ...compareTensor(a as Float64Array, b as Float64Array, from) }); // two models at least
    onProgress?.({ done: found.length, total: names.size });
  }
  return found;
}
