import { InputError } from "../errors.ts";
import { type Axis, type Shape, sizeAlong, withoutAxes } from "../shape.ts";
import { checkShape } from "./checks.ts";

/** The shapes of a matrix's parts; `batch` are the axes that belong to no side. */
export interface SvdShapes {
  readonly batch: Shape;
  readonly U: Shape;
  readonly S: Shape;
  readonly V: Shape;
}

/**
 * The shapes that `svd` gives.
 * @throws InputError `tensor/no-axis`; `tensor/repeated-axis` where `rows`, `columns`, `rank` and the batch
 *   axes are not all different; `tensor/bad-axis`
 */
export function svdShape(
  a: Shape,
  rows: Axis,
  columns: Axis,
  rank: Axis,
  where = "svd",
): SvdShapes {
  distinct([rows, columns], where);
  const m = sizeAlong(a, rows, where);
  const n = sizeAlong(a, columns, where);
  const batch = withoutAxes(a, [rows, columns]);
  distinct([rows, columns, ...Object.keys(batch), rank], where);
  const size = checkShape({ [rank]: Math.min(m, n) }, where);
  return {
    batch,
    U: { ...batch, [rows]: m, ...size },
    S: { ...batch, ...size },
    V: { ...batch, [columns]: n, ...size },
  };
}

/**
 * The shapes that `symmetricEigen` gives (`vectors`) and `eigenvalues` too (`values`).
 * @throws InputError as `svdShape`, and `tensor/not-square`
 */
export function eigenShape(
  a: Shape,
  row: Axis,
  column: Axis,
  rank: Axis,
  where: string,
): { readonly batch: Shape; readonly values: Shape; readonly vectors: Shape } {
  const { batch, U, S } = svdShape(a, row, column, rank, where);
  const [rows, columns] = [a[row], a[column]];
  if (rows !== columns) {
    throw new InputError({
      code: "tensor/not-square",
      message: `${where}: expected as many entries along "${row}" as along "${column}", got ${rows} and ${columns}.`,
      remedy: "Only square matrices have eigenvalues; others have singular values.",
      details: { where, row, column, rows, columns },
    });
  }
  return { batch, values: S, vectors: U };
}

/** The shape of a triangle, and the counts behind it. */
export interface TriangleShapes {
  readonly batch: Shape;
  readonly R: Shape;
  readonly rows: number;
  readonly columns: number;
  /** Columns that are made triangular. */
  readonly reflected: number;
}

/**
 * The shape that `triangle` gives.
 * @throws InputError as `svdShape`, and `tensor/bad-beside` where there are not that many columns
 */
export function triangleShape(
  a: Shape,
  rows: Axis,
  columns: Axis,
  beside = 0,
  where = "triangle",
): TriangleShapes {
  distinct([rows, columns], where);
  const m = sizeAlong(a, rows, where);
  const n = sizeAlong(a, columns, where);
  if (!Number.isInteger(beside) || beside < 0 || beside > n) {
    throw new InputError({
      code: "tensor/bad-beside",
      message: `${where}: expected 0 to ${n} columns beside the triangle, got ${beside}.`,
      remedy: "Count the last columns, which are carried along.",
      details: { where, columns: n, got: beside },
    });
  }
  const batch = withoutAxes(a, [rows, columns]);
  const reflected = n - beside;
  return {
    batch,
    R: { ...batch, [rows]: Math.min(m, reflected), [columns]: n },
    rows: m,
    columns: n,
    reflected,
  };
}

function distinct(axes: readonly Axis[], where: string): void {
  const twice = axes.find((axis, i) => axes.indexOf(axis) !== i);
  if (twice === undefined) return;
  throw new InputError({
    code: "tensor/repeated-axis",
    message: `${where}: expected each axis once, got "${twice}" twice.`,
    remedy: "Name different axes, and a rank that the tensor does not have.",
    details: { where, axis: twice },
  });
}
