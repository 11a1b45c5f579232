import type { TriangleShapes } from "@resolvent/tensor/rules";
import type { Rows } from "./decompositions.ts";

/** Writes the triangle of one matrix: zeros below the diagonal, none of it negative. */
export function putTriangle(
  { numbers, step }: Rows,
  { rows, columns, reflected }: TriangleShapes,
  factor: number,
  R: Float64Array,
): void {
  const height = Math.min(rows, reflected);
  for (let i = 0; i < height; i++) {
    const sign = (numbers[i * step + i] as number) < 0 ? -factor : factor; // as many rows as that
    const to = i * columns;
    for (let j = i; j < columns; j++) R[to + j] = sign * (numbers[i * step + j] as number); // within the row
  }
}
