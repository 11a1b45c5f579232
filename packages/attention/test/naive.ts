import { inOrder, type Tensor } from "@resolvent/tensor";
import type { AttentionBlock, NormWeights } from "@resolvent/transformer";

/** Matrices as rows of numbers, and what the definitions say, in plain loops. */
export type Matrix = number[][];

export const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => (b[0] ?? []).map((_, j) => row.reduce((sum, x, k) => sum + x * at(b, k, j), 0)));

export const transpose = (a: Matrix): Matrix =>
  (a[0] ?? []).map((_, j) => a.map((row) => row[j] ?? 0));

export const frobenius = (a: Matrix): number => Math.hypot(...a.flat());

export const trace = (a: Matrix): number => a.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);

const at = (a: Matrix, i: number, j: number): number => a[i]?.[j] ?? Number.NaN;

/** A tensor of two axes, `rows` first. */
export function matrixOf(a: Tensor, rows: string, columns: string): Matrix {
  const { shape, data } = inOrder(a, [rows, columns]);
  const width = shape[columns] ?? 0;
  return Array.from({ length: shape[rows] ?? 0 }, (_, i) =>
    Array.from(data.subarray(i * width, (i + 1) * width)),
  );
}

/** `W[d_model][d_head]` of one head of a weight, found entry by entry. */
function headMatrix(W: Tensor, head: number, groups: number): Matrix {
  const ordered = inOrder(W, [
    "kv_head",
    ...("group" in W.shape ? ["group"] : []),
    "d_model",
    "d_head",
  ]);
  const { d_model = 0, d_head = 0 } = W.shape;
  const place = "group" in W.shape ? head : Math.floor(head / groups);
  return Array.from({ length: d_model }, (_, i) =>
    Array.from({ length: d_head }, (_, j) => ordered.data[(place * d_model + i) * d_head + j] ?? 0),
  );
}

/** `P diag(γ) W`, columns centred where the norm is LayerNorm. */
function folded(W: Matrix, norm: NormWeights<Tensor> | undefined): Matrix {
  if (norm === undefined) return W;
  const scaled = W.map((row, i) => row.map((x) => x * (norm.scale?.data[i] ?? 1)));
  return norm.kind === "layer" ? centredColumns(scaled) : scaled;
}

function centredColumns(W: Matrix): Matrix {
  return transpose(
    transpose(W).map((column) => {
      const mean = column.reduce((sum, x) => sum + x, 0) / column.length;
      return column.map((x) => x - mean);
    }),
  );
}

/** The folded, centred `d_model × d_model` matrices of one head, formed in full. */
export function fullCircuits(
  block: AttentionBlock<Tensor>,
  head: number,
): { OV: Matrix; QK: Matrix } {
  const groups = block.W_Q.shape.group ?? 1;
  const read = (W: Tensor): Matrix => folded(headMatrix(W, head, groups), block.norm);
  const stored = headMatrix(block.W_O, head, groups);
  const { scale } = block.writeNorm ?? {};
  const output = stored.map((row, i) => row.map((x) => x * (scale?.data[i] ?? 1)));
  const written = block.norm?.kind === "layer" ? centredColumns(output) : output;
  return {
    OV: product(read(block.W_V), transpose(written)),
    QK: product(
      scaled(read(block.W_Q), block.queryNorm),
      transpose(scaled(read(block.W_K), block.keyNorm)),
    ),
  };
}

/** Columns times the scale of a norm over queries or keys; those of all known models are RMSNorm. */
const scaled = (W: Matrix, norm: NormWeights<Tensor> | undefined): Matrix =>
  W.map((row) => row.map((x, j) => x * (norm?.scale?.data[j] ?? 1)));
