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
  const alone =
    ofB.find((tensor) => !sameShape(tensor, byPlace.get(tensor.place))) ??
    ofA.find(({ place }) => !ofB.some((one) => one.place === place));
  if (alone !== undefined) throw differs(inA, inB, alone.place);
  return {
    tensors: ofB.flatMap(stretches),
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

function differs(a: PlacedModel, b: PlacedModel, place: string): Error {
  const [inA, inB] = [a, b].map(({ tensors }) => tensors.find((one) => one.place === place)?.shape);
  const show = (shape: readonly number[] | undefined): string =>
    shape === undefined ? "nothing" : `[${shape.join(", ")}]`;
  return refuse(
    "align-shapes",
    `${place} is ${show(inA)} in ${a.name} and ${show(inB)} in ${b.name}.`,
    "Align models of one architecture, one size and one vocabulary.",
    { tensor: place, a: inA ?? null, b: inB ?? null },
  );
}
