import { InputError } from "@resolvent/tensor";
import type { Architecture } from "./model.ts";

/** An attention head by its place. */
export interface HeadPlace {
  readonly layer: number;
  /** Counted over all heads of the layer, `kv_head · groups + group`. */
  readonly head: number;
}

/** `L1.H5` */
export function headName({ layer, head }: HeadPlace): string {
  return `L${layer}.H${head}`;
}

/** Digits of a layer or head at most: far beyond any model, and exact as a number. */
const NAMED = /^(?:head\s+)?(?:L(\d{1,6})\.?H|(\d{1,6})\.)(\d{1,6})$/i;

/**
 * The head that a name means: `L1.H5`, as every output has it, or `L1H5`, `1.5` and `head 1.5`, as papers do;
 * undefined for what is no name of a head. Whether a model has it is another question.
 */
export function headNamed(name: string): HeadPlace | undefined {
  const [found, named, written, head] = NAMED.exec(name.trim()) ?? [];
  return found === undefined ? undefined : { layer: Number(named ?? written), head: Number(head) };
}

/**
 * The same, for what has to be a head.
 * @throws InputError `transformer/bad-head`
 */
export function parseHead(name: string): HeadPlace {
  const head = headNamed(name);
  if (head !== undefined) return head;
  throw new InputError({
    code: "transformer/bad-head",
    message: `"${name}" is no name of a head.`,
    remedy: "Heads are named by layer and head, both counted from 0: L1.H5, L1H5, 1.5 or head 1.5.",
    details: { got: name },
  });
}

/** @throws InputError `transformer/no-head` where the model has no such head, or no such layer */
export function checkHead({ layers, heads }: Architecture, place: Partial<HeadPlace>): void {
  const { layer = 0, head = 0 } = place;
  const inside = (n: number, count: number): boolean => Number.isInteger(n) && n >= 0 && n < count;
  if (inside(layer, layers) && inside(head, heads)) return;
  throw new InputError({
    code: "transformer/no-head",
    message: `There is no head ${headName({ layer, head })}: the model has ${layers} layers of ${heads} heads.`,
    remedy: `Heads are L0.H0 to ${headName({ layer: layers - 1, head: heads - 1 })}.`,
    details: { layer, head, layers, heads },
  });
}
