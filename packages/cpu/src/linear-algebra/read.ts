import {
  type Axis,
  axesOf,
  InputError,
  type Shape,
  stridesOf,
  type Tensor,
} from "@resolvent/tensor";
import type { Place } from "./decompositions.ts";

/**
 * Matrices whose largest entry is outside this range are scaled by a power of 2, which rounds nothing: squares
 * must neither overflow nor vanish.
 */
const LEAST = 1e-100;
const MOST = 1e100;

/** Where the numbers of one matrix lie. */
export interface Source {
  readonly a: Tensor;
  readonly where: string;
  readonly start: number;
  readonly rows: Axis;
  readonly columns: Axis;
}

/**
 * Copies a matrix into its place.
 * @returns the power of 2 that it was multiplied by
 * @throws InputError `cpu/not-finite`
 */
export function readMatrix(source: Source, place: Place): number {
  const { data } = source.a;
  const { numbers, step } = place;
  const { down, right } = stepsOf(source);
  let largest = 0;
  for (let i = 0; i < place.rows; i++) {
    let from = source.start + i * down;
    let to = i * step;
    for (let j = 0; j < place.columns; j++) {
      const x = data[from] as number; // the steps are those of the tensor's shape
      const size = Math.abs(x);
      if (!(size < Number.POSITIVE_INFINITY)) throw notFinite(source, from, x);
      if (size > largest) largest = size;
      numbers[to++] = x;
      from += right;
    }
  }
  if (largest === 0 || (largest >= LEAST && largest <= MOST)) return 1;
  // Not beyond ±1000, so that the factor and its inverse are numbers.
  const factor = 2 ** Math.max(-1000, Math.min(1000, -Math.ceil(Math.log2(largest))));
  for (let i = 0; i < numbers.length; i++) numbers[i] = (numbers[i] as number) * factor;
  return factor;
}

/** Entries of a matrix that should be symmetric may differ by this much of its largest: rounding in float32. */
const ASYMMETRY = 1e-5;

/**
 * Replaces a matrix by its mean with its transpose.
 * @throws InputError `cpu/not-symmetric`
 */
export function symmetrize(source: Source, { numbers, step, rows }: Place): void {
  let largest = 0;
  let worst = 0;
  let [row, column] = [0, 0];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      const x = numbers[i * step + j] as number; // i, j < rows
      const y = numbers[j * step + i] as number;
      largest = Math.max(largest, Math.abs(x), Math.abs(y));
      if (Math.abs(x - y) > worst) {
        worst = Math.abs(x - y);
        [row, column] = [i, j];
      }
      const mean = x === y ? x : x / 2 + y / 2;
      numbers[i * step + j] = mean;
      numbers[j * step + i] = mean;
    }
  }
  if (worst <= ASYMMETRY * largest) return;
  const { down, right } = stepsOf(source);
  const { data } = source.a;
  const x = data[source.start + row * down + column * right];
  const y = data[source.start + column * down + row * right];
  throw new InputError({
    code: "cpu/not-symmetric",
    message: `${source.where}: expected a symmetric matrix, got ${x} at ${source.rows} ${row}, ${source.columns} ${column} and ${y} at ${source.rows} ${column}, ${source.columns} ${row}.`,
    remedy: "Use eigenvalues() for other matrices, or decompose the mean with the transpose.",
    details: { where: source.where, row, column, values: [x, y] },
  });
}

function stepsOf({ a, rows, columns }: Source): { down: number; right: number } {
  const strides = stridesOf(a.shape);
  return { down: strides[rows] as number, right: strides[columns] as number }; // checked by the shape rules
}

function notFinite({ a, where }: Source, index: number, got: number): InputError {
  const place = placeOf(a.shape, index);
  const words = Object.entries(place).map(([axis, i]) => `${axis} ${i}`);
  return new InputError({
    code: "cpu/not-finite",
    message: `${where}: expected finite numbers, got ${got} at ${words.join(", ")}.`,
    remedy: "Find where it came from: a decomposition of it means nothing.",
    details: { where, got, place },
  });
}

function placeOf(shape: Shape, index: number): Readonly<Record<Axis, number>> {
  const strides = stridesOf(shape);
  return Object.fromEntries(
    axesOf(shape).map((axis) => [
      axis,
      Math.floor(index / (strides[axis] as number)) % (shape[axis] as number), // the shape's own axes
    ]),
  );
}
