/** A vector that is added to the value at a site of a run, some times. */
export interface SiteVector {
  /** `L1.mlp.after` */
  readonly site: string;
  /** As many numbers as the site has at a position. */
  readonly vector: readonly number[];
  /** How many times; default 1. */
  readonly scale?: number | undefined;
}
