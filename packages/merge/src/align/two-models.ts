import type { ReadOptions } from "@resolvent/weights";
import type { OpenMergeModel } from "../model.ts";
import { refuse } from "../refuse.ts";
import type { Pair } from "./agreement.ts";
import { type Placed, type PlacedModel, placed, type Sizes } from "./places.ts";
import { numbersOf, stretches } from "./stretch.ts";

/** Two models of one shape. */
export interface Two {
  /** What both have, by B's names, tables in stretches of rows; a copy of a tied embedding is not among them. */
  readonly tensors: readonly Placed[];
  readonly sizes: Sizes;
  /** A tensor of both. */
  read(tensor: Placed, options: ReadOptions): Promise<Pair>;
}

/**
 * Two models, tensor by tensor.
 *
 * @throws InputError `merge/align-shapes`, `merge/align-axis`
 */
export function twoModels(a: OpenMergeModel, b: OpenMergeModel): Two {
  const [inA, inB] = [placed(a), placed(b)];
  const [ofA, ofB] = [computed(inA), computed(inB)];
  const byPlace = new Map(ofA.map((tensor) => [tensor.place, tensor]));
  checkSame(inA.name, ofA, inB.name, ofB);
  return {
    tensors: ofB.flatMap((tensor) => stretches(tensor)),
    sizes: inB.sizes,
    read: async (tensor, options) => {
      const inOther = { ...tensor, ...stored(byPlace.get(tensor.place) ?? tensor) };
      const [x, y] = await Promise.all([
        numbersOf(a, inOther, options),
        numbersOf(b, tensor, options),
      ]);
      return { tensor, a: x, b: y };
    },
  };
}

/** What the other model's file calls a tensor, and how it has it. */
function stored({ name, dtype }: Placed): Pick<Placed, "name" | "dtype"> {
  return { name, dtype };
}

function computed({ tensors }: PlacedModel): Placed[] {
  return tensors.filter(({ copy }) => !copy);
}

function sameShape(one: Placed, other: Placed | undefined): boolean {
  if (other === undefined || one.shape.join() !== other.shape.join()) return false;
  return JSON.stringify(one.parts) === JSON.stringify(other.parts);
}

/**
 * Stops where two models do not have the same tensors.
 *
 * @throws InputError `merge/align-shapes`
 */
export function checkSame(
  a: string,
  inA: readonly Placed[],
  b: string,
  inB: readonly Placed[],
): void {
  const ofA = new Map(inA.map((tensor) => [tensor.place, tensor]));
  const places = new Set(inB.map(({ place }) => place));
  const alone =
    inB.find((tensor) => !sameShape(tensor, ofA.get(tensor.place))) ??
    inA.find(({ place }) => !places.has(place));
  if (alone === undefined) return;
  const { place } = alone;
  const [x, y] = [inA, inB].map((all) => all.find((one) => one.place === place)?.shape);
  const show = (shape: readonly number[] | undefined): string =>
    shape === undefined ? "nothing" : `[${shape.join(", ")}]`;
  throw refuse(
    "align-shapes",
    `${place} is ${show(x)} in ${a} and ${show(y)} in ${b}.`,
    "Align models of one architecture, one size and one vocabulary.",
    { tensor: place, a: x ?? null, b: y ?? null },
  );
}
