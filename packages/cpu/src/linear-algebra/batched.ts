import {
  type Axis,
  type LinearAlgebra,
  placesIn,
  type Shape,
  sizeOf,
  type Tensor,
} from "@resolvent/tensor";
import { eigenShape, svdShape, type TriangleShapes, triangleShape } from "@resolvent/tensor/rules";
import type { Source } from "./read.ts";

/** Decompositions of one matrix, into parts of the results; matrices are written row by row. None has size 0. */
export interface OneMatrix {
  /** `left[row, i]`, `values[i]` descending, `right[column, i]`. */
  svd(
    source: Source,
    rows: number,
    columns: number,
    to: Readonly<Record<"left" | "values" | "right", Float64Array>>,
  ): void;
  /** Descending. */
  singularValues(source: Source, rows: number, columns: number, to: Float64Array): void;
  /** `values[i]` ascending, `vectors[row, i]`. */
  symmetric(
    source: Source,
    size: number,
    to: Readonly<Record<"values" | "vectors", Float64Array>>,
  ): void;
  /** In the order of `LinearAlgebra.eigenvalues`. */
  general(source: Source, size: number, to: Readonly<Record<"re" | "im", Float64Array>>): void;
  triangle(source: Source, shapes: TriangleShapes, to: Float64Array): void;
  /** After each batch, also where it has thrown. */
  settle?(): void;
}

/** A result, and its part for each matrix of the batch. */
interface Room {
  readonly tensor: Tensor;
  part(index: number): Float64Array;
}

/** The interface over tensors, matrix by matrix: shapes, batches and their order in memory. */
export function batched(one: OneMatrix): LinearAlgebra {
  const each = (
    a: Tensor,
    batch: Shape,
    [where, rows, columns]: readonly [string, Axis, Axis],
    work: (source: Source, index: number) => void,
  ): void => {
    try {
      for (const [index, start] of placesIn(a.shape, batch).entries()) {
        work({ a, where, start, rows, columns }, index);
      }
    } finally {
      one.settle?.();
    }
  };
  return {
    svd(a, rows, columns, rank) {
      const { batch, U, S, V } = svdShape(a.shape, rows, columns, rank, "svd");
      const [left, values, right] = [room(U, batch), room(S, batch), room(V, batch)];
      const [m, n] = [U[rows] as number, V[columns] as number]; // svdShape's
      if (m > 0 && n > 0) {
        each(a, batch, ["svd", rows, columns], (source, index) =>
          one.svd(source, m, n, {
            left: left.part(index),
            values: values.part(index),
            right: right.part(index),
          }),
        );
      }
      return { U: left.tensor, S: values.tensor, V: right.tensor };
    },

    singularValues(a, rows, columns, rank) {
      const where = "singularValues";
      const { batch, U, S, V } = svdShape(a.shape, rows, columns, rank, where);
      const values = room(S, batch);
      const [m, n] = [U[rows] as number, V[columns] as number]; // svdShape's
      if (m > 0 && n > 0) {
        each(a, batch, [where, rows, columns], (source, index) =>
          one.singularValues(source, m, n, values.part(index)),
        );
      }
      return values.tensor;
    },

    symmetricEigen(a, row, column, rank) {
      const where = "symmetricEigen";
      const shapes = eigenShape(a.shape, row, column, rank, where);
      const [values, vectors] = [
        room(shapes.values, shapes.batch),
        room(shapes.vectors, shapes.batch),
      ];
      const n = shapes.values[rank] as number; // eigenShape's
      if (n > 0) {
        each(a, shapes.batch, [where, row, column], (source, index) =>
          one.symmetric(source, n, { values: values.part(index), vectors: vectors.part(index) }),
        );
      }
      return { values: values.tensor, vectors: vectors.tensor };
    },

    eigenvalues(a, row, column, rank) {
      const where = "eigenvalues";
      const shapes = eigenShape(a.shape, row, column, rank, where);
      const [re, im] = [room(shapes.values, shapes.batch), room(shapes.values, shapes.batch)];
      const n = shapes.values[rank] as number; // eigenShape's
      if (n > 0) {
        each(a, shapes.batch, [where, row, column], (source, index) =>
          one.general(source, n, { re: re.part(index), im: im.part(index) }),
        );
      }
      return { re: re.tensor, im: im.tensor };
    },

    triangle(a, rows, columns, beside) {
      const shapes = triangleShape(a.shape, rows, columns, beside, "triangle");
      const R = room(shapes.R, shapes.batch);
      if (R.tensor.data.length > 0) {
        each(a, shapes.batch, ["triangle", rows, columns], (source, index) =>
          one.triangle(source, shapes, R.part(index)),
        );
      }
      return R.tensor;
    },
  };
}

function room(shape: Shape, batch: Shape): Room {
  const data = new Float64Array(sizeOf(shape));
  const size = data.length / sizeOf(batch); // an empty batch asks for no part
  return {
    tensor: { shape, data },
    part: (index) => data.subarray(index * size, (index + 1) * size),
  };
}
