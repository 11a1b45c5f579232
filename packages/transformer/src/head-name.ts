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
const NAMED = /^(?:L(\d{1,6})\.H|head\s+(\d{1,6})\.)(\d{1,6})$/i;

/**
 * The head that a name means: `L1.H5`, or `head 1.5`, as papers and the texts of paths write it; undefined for
 * what is no name of a head. Whether a model has it is another question.
 */
export function headNamed(name: string): HeadPlace | undefined {
  const [found, named, written, head] = NAMED.exec(name.trim()) ?? [];
  return found === undefined ? undefined : { layer: Number(named ?? written), head: Number(head) };
}
