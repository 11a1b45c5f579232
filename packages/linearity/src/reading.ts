import { axesOf, type Engine, inOrder, type Shaped, sizeOf, withoutAxes } from "@resolvent/tensor";

/** The numbers of a tensor by rows: one for each entry of the named axes, in their order. */
export async function numbersOf<T extends Shaped>(
  engine: Engine<T>,
  a: T,
  rows: readonly string[],
): Promise<Float64Array[]> {
  const host = await engine.read(a);
  const rest = withoutAxes(host.shape, rows);
  const { data } = inOrder(host, [...rows, ...axesOf(rest)]);
  const width = sizeOf(rest);
  // Not Float64Array.from, which goes entry by entry through an iterator.
  return Array.from(
    { length: data.length / width },
    (_, row) => new Float64Array(data.subarray(row * width, (row + 1) * width)),
  );
}
