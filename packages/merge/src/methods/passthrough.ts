/** A tensor as it is, or multiplied by a scale: layers stacked as they are (mergekit's passthrough). */
export function passthrough(
  x: Float64Array,
  scale: number | null = null,
): Float64Array<ArrayBuffer> {
  return scale === null ? new Float64Array(x) : new Float64Array(x.map((value) => scale * value));
}
