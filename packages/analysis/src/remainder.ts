/** What the terms of a sum leave of what is taken apart. */
export interface Remainder {
  /** `none`: no term is left out; its own sum of `paths`; or the `difference` between the whole and the terms. */
  readonly from: "none" | "paths" | "difference";
  /** Its size, relative to the whole; 0 where no term is left out, null where the whole is 0. */
  readonly relativeNorm: number | null;
  /** Its share of the vocabulary-centred logits, where terms have one; null where these are next to nothing. */
  readonly logitShare?: number | null;
}

/** Parts of an exact sum that a result does not list. */
export interface NotShown {
  /** How many they are, a decimal number: paths may be more than a number can count. */
  readonly count: string;
  /** What they add up to. */
  readonly sum: number;
}
