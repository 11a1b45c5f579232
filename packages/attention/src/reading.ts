import { type Engine, inOrder, type Shaped, type Tensor } from "@resolvent/tensor";

/** Makes a value in a scope, reads it, and frees it. */
export async function readOnce<T extends Shaped>(
  engine: Engine<T>,
  make: () => T,
  order: readonly string[] = [],
): Promise<Tensor> {
  const value = engine.scope(make);
  try {
    return inOrder(await engine.read(value), order);
  } finally {
    engine.free(value);
  }
}

/** A tensor of two axes as rows of numbers. */
export function rowsOf({ shape, data }: Tensor): number[][] {
  const width = Object.values(shape).at(-1) ?? 1;
  return Array.from({ length: data.length / Math.max(width, 1) }, (_, row) =>
    Array.from(data.subarray(row * width, (row + 1) * width)),
  );
}
