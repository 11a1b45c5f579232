/** A tensor with its weight. */
export interface Weighted {
  readonly x: Float64Array;
  readonly weight: number;
}
