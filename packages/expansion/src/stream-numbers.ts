import { type Engine, inOrder, type Shaped } from "@resolvent/tensor";

/** The numbers of a residual stream in float64, `pos` before `d_model`. */
export async function readStream<T extends Shaped>(
  engine: Engine<T>,
  stream: T,
): Promise<Float64Array> {
  const { data } = inOrder(await engine.read(stream), ["pos", "d_model"]);
  return data instanceof Float64Array ? data : Float64Array.from(data);
}

/** `a + factor · b`, of two of one length. */
export function plus(a: Float64Array, b: Float64Array, factor = 1): Float64Array {
  return a.map((x, i) => x + factor * (b[i] as number)); // one length
}
