import { type Engine, inOrder, type Shaped, type Tensor, using } from "@resolvent/tensor";

/** Makes a value in a scope, reads it, and frees it. */
export async function readOnce<T extends Shaped>(
  engine: Engine<T>,
  make: () => T,
  order: readonly string[] = [],
): Promise<Tensor> {
  return using(engine, make, async (value) => inOrder(await engine.read(value), order));
}

/** A tensor of two axes as rows of numbers. */
export function rowsOf({ shape, data }: Tensor): number[][] {
  const width = Object.values(shape).at(-1) ?? 1;
  return Array.from({ length: data.length / Math.max(width, 1) }, (_, row) =>
    Array.from(data.subarray(row * width, (row + 1) * width)),
  );
}
