import { type HeadPlace, headName } from "@resolvent/transformer";

/** An attention head as results carry it. */
export interface HeadFacts extends HeadPlace {
  /** `L1.H5` */
  readonly name: string;
}

/** A head as results carry it. */
export function headFacts({ layer, head }: HeadPlace): HeadFacts {
  return { name: headName({ layer, head }), layer, head };
}
