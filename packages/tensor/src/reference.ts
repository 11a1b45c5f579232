import { erfc } from "./erf.ts";
import { widenHalf } from "./half.ts";
import type { CausalMask, GateKind, Ids, RotaryTable, SyncEngine, Tensor, Top } from "./ops.ts";
import {
  alongShape,
  binaryShape,
  matmulRoles,
  matmulShape,
  rotaryShape,
  softmaxShape,
  sumShape,
} from "./rules/arithmetic.ts";
import { checkShape } from "./rules/checks.ts";
import { scopeResult, topShape } from "./rules/engine.ts";
import {
  arrangeShape,
  broadcastShape,
  concatShape,
  constantShape,
  joinShape,
  neighbours,
  putShape,
  renameShape,
  sliceShape,
  splitShape,
  takeShape,
} from "./rules/layout.ts";
import { type Axis, type Shape, sameShape, sizeOf, stridesOf, withoutAxes } from "./shape.ts";
import { placesBy, placesIn } from "./tensor.ts";

// Typed-array reads in this file are within bounds by construction: every index comes from `placesIn`
// or from a loop over a size of the same tensor. `at` and `placeAt` say so to the type checker; they are
// two, because a function that reads arrays of one type only is compiled to a single read.
const at = (data: Tensor["data"], i: number): number => data[i] as number;
const placeAt = (places: Int32Array, i: number): number => places[i] as number;

function make(shape: Shape, data: Float64Array): Tensor {
  return { shape, data };
}

function copied(a: Tensor, places: Int32Array, shape: Shape): Tensor {
  const data = new Float64Array(places.length);
  for (let i = 0; i < places.length; i++) data[i] = at(a.data, placeAt(places, i));
  return make(shape, data);
}

function unary(a: Tensor, f: (x: number) => number): Tensor {
  const data = new Float64Array(a.data.length);
  for (let i = 0; i < data.length; i++) data[i] = f(at(a.data, i));
  return make(a.shape, data);
}

function binary(a: Tensor, b: Tensor, where: string, f: (x: number, y: number) => number): Tensor {
  const shape = binaryShape(a.shape, b.shape, where);
  const data = new Float64Array(sizeOf(shape));
  if (sameShape(a.shape, shape) && sameShape(b.shape, shape)) {
    for (let i = 0; i < data.length; i++) data[i] = f(at(a.data, i), at(b.data, i));
    return make(shape, data);
  }
  const left = placesIn(a.shape, shape);
  const right = placesIn(b.shape, shape);
  for (let i = 0; i < data.length; i++)
    data[i] = f(at(a.data, placeAt(left, i)), at(b.data, placeAt(right, i)));
  return make(shape, data);
}

/** The places of each line along `axis`, as the place of its first entry, the step, and the length. */
function lines(shape: Shape, axis: Axis): { starts: Int32Array; step: number; length: number } {
  return {
    starts: placesIn(shape, withoutAxes(shape, [axis])),
    step: stridesOf(shape)[axis] as number, // the rule has checked the axis
    length: shape[axis] as number,
  };
}

/** The largest entry of a line between `from` and `to`, and `Σ exp(a − max)`, which cannot overflow. */
function expSum(
  data: Tensor["data"],
  start: number,
  step: number,
  from: number,
  to: number,
): { max: number; total: number } {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) max = Math.max(max, at(data, start + i * step));
  let total = 0;
  for (let i = from; i < to; i++) total += Math.exp(at(data, start + i * step) - max);
  return { max, total };
}

const gates: Readonly<Record<GateKind, (z: number) => number>> = {
  relu: (z) => (z > 0 ? 1 : 0),
  gelu: (z) => erfc(-z / Math.SQRT2) / 2,
  gelu_tanh: (z) => sigmoid(2 * Math.sqrt(2 / Math.PI) * (z + 0.044715 * z * z * z)), // ½(1 + tanh u) = σ(2u)
  quick_gelu: (z) => sigmoid(1.702 * z),
  silu: sigmoid,
};

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

function matmul(a: Tensor, b: Tensor, over: readonly Axis[], last?: readonly Axis[]): Tensor {
  const shape = matmulShape(a.shape, b.shape, over, last);
  const { batch, left, right } = matmulRoles(a.shape, b.shape, over);
  const part = (axes: readonly Axis[]): Shape =>
    Object.fromEntries(axes.map((axis) => [axis, (a.shape[axis] ?? b.shape[axis]) as number])); // roles name axes of one
  const [batches, rows, columns, terms] = [batch, left, right, over].map(part) as [
    Shape,
    Shape,
    Shape,
    Shape,
  ];
  const [aBatch, bBatch, cBatch] = [a.shape, b.shape, shape].map((s) =>
    placesIn(s, batches),
  ) as Places;
  const [aRow, cRow] = [placesIn(a.shape, rows), placesIn(shape, rows)];
  const [bColumn, cColumn] = [placesIn(b.shape, columns), placesIn(shape, columns)];
  const [aTerm, bTerm] = [placesIn(a.shape, terms), placesIn(b.shape, terms)];
  const data = new Float64Array(sizeOf(shape));
  // What is multiplied lies side by side: a row of `a`, and every column of `b`.
  const count = aTerm.length;
  const row = new Float64Array(count);
  const columnsOfB = new Float64Array(count * bColumn.length);
  for (let g = 0; g < aBatch.length; g++) {
    bColumn.forEach((place, j) => {
      gather(b.data, placeAt(bBatch, g) + place, bTerm, columnsOfB, j * count);
    });
    for (let i = 0; i < aRow.length; i++) {
      gather(a.data, placeAt(aBatch, g) + placeAt(aRow, i), aTerm, row, 0);
      const cStart = placeAt(cBatch, g) + placeAt(cRow, i);
      for (let j = 0; j < bColumn.length; j++) {
        const start = j * count;
        let total = 0;
        for (let k = 0; k < count; k++) total += at(row, k) * at(columnsOfB, start + k);
        data[cStart + placeAt(cColumn, j)] = total;
      }
    }
  }
  return make(shape, data);
}
type Places = [Int32Array, Int32Array, Int32Array];

/** Copies the entries at `places` after `start`, to lie side by side from `first`. */
function gather(
  data: Tensor["data"],
  start: number,
  places: Int32Array,
  into: Float64Array,
  first: number,
): void {
  for (let k = 0; k < places.length; k++) into[first + k] = at(data, start + placeAt(places, k));
}

function softmax(a: Tensor, axis: Axis, mask?: CausalMask): Tensor {
  softmaxShape(a.shape, axis, mask);
  const { starts, step, length } = lines(a.shape, axis);
  const data = new Float64Array(a.data.length);
  const queries =
    mask && placesIn({ [mask.query]: a.shape[mask.query] as number }, withoutAxes(a.shape, [axis]));
  starts.forEach((start, n) => {
    const latest = mask && queries ? placeAt(queries, n) + (mask.offset ?? 0) : length - 1;
    const to = Math.min(length, latest + 1);
    const from = mask?.window === undefined ? 0 : Math.max(0, latest + 1 - mask.window);
    const { max, total } = expSum(a.data, start, step, from, to);
    for (let i = from; i < to; i++)
      data[start + i * step] = Math.exp(at(a.data, start + i * step) - max) / total;
  });
  return make(a.shape, data);
}

function rotary(
  a: Tensor,
  axis: Axis,
  pos: Axis,
  table: RotaryTable,
  { transpose = false, start = 0 }: { transpose?: boolean; start?: number } = {},
): Tensor {
  rotaryShape(a.shape, axis, pos, table, start);
  const data = Float64Array.from(a.data);
  const first = lines(a.shape, axis);
  const positions = placesIn({ [pos]: a.shape[pos] as number }, withoutAxes(a.shape, [axis]));
  first.starts.forEach((line, n) => {
    for (let pair = 0; pair < table.pairs; pair++) {
      const [i, j] =
        table.pairing === "half" ? [pair, pair + table.pairs] : [2 * pair, 2 * pair + 1];
      const row = (start + placeAt(positions, n)) * table.pairs + pair;
      const cos = at(table.cos, row);
      const sin = transpose ? -at(table.sin, row) : at(table.sin, row);
      const [x, y] = [at(a.data, line + i * first.step), at(a.data, line + j * first.step)];
      data[line + i * first.step] = cos * x - sin * y;
      data[line + j * first.step] = sin * x + cos * y;
    }
  });
  return make(a.shape, data);
}

/** Where in `table` each entry of `shape` lies, when ids stand for entries of `axis`. */
function takenPlaces(table: Shape, axis: Axis, ids: Ids, shape: Shape): Int32Array {
  const strides = stridesOf(table);
  const places = placesBy({ ...strides, [axis]: 0 }, shape);
  const rows = placesIn(ids.shape, shape);
  const stride = strides[axis] as number; // the rule has checked the axis
  return places.map((place, i) => place + placeAt(ids.data, placeAt(rows, i)) * stride);
}

/** Orders numbers by falling size; what is not a number comes first. */
function falling(x: number, y: number): number {
  return Number(Number.isNaN(y)) - Number(Number.isNaN(x)) || y - x;
}

async function top(a: Tensor, axis: Axis, k: number): Promise<Top> {
  const shape = topShape(a.shape, axis, k);
  const { starts, step, length } = lines(a.shape, axis);
  const indices = new Int32Array(sizeOf(shape));
  const data = new Float64Array(indices.length);
  starts.forEach((start, row) => {
    const value = (i: number): number => at(a.data, start + i * step);
    // Sorting keeps the order of what is equal.
    const order = Array.from({ length }, (_, i) => i).sort((i, j) => falling(value(i), value(j)));
    order.slice(0, k).forEach((i, place) => {
      indices[row * k + place] = i;
      data[row * k + place] = value(i);
    });
  });
  return { indices: { shape, data: indices }, values: make(shape, data) };
}

/**
 * The float64 reference: every primitive as plain loops over named axes. Slow and obviously right;
 * the other engines and all golden tests are held against it.
 */
export const reference: SyncEngine<Tensor> = {
  name: "reference",
  precision: "f64",
  read: (a) => ({ shape: a.shape, data: Float64Array.from(a.data) }),
  top,
  free: () => {},
  scope: (body) => scopeResult(body()),
  written: (shape, write) => {
    const data = new Float64Array(sizeOf(checkShape(shape, "written")));
    write(data);
    return make(shape, data);
  },
  writtenHalf: (shape, half, write) => {
    const bits = new Uint16Array(sizeOf(checkShape(shape, "writtenHalf")));
    write(bits);
    return make(shape, widenHalf(bits, half, new Float64Array(bits.length)));
  },

  constant: (shape, data) => make(constantShape(shape, data.length), Float64Array.from(data)),
  fill: (shape, value) =>
    make(checkShape(shape, "fill"), new Float64Array(sizeOf(shape)).fill(value)),
  rename: (a, names) => ({ shape: renameShape(a.shape, names), data: a.data }),
  split: (a, axis, into) => ({ shape: splitShape(a.shape, axis, into), data: a.data }),
  join: (a, axes, into) => {
    const shape = joinShape(a.shape, axes, into);
    return copied(a, placesIn(a.shape, neighbours(a.shape, axes)), shape);
  },
  arrange: (a, axes) => {
    const shape = arrangeShape(a.shape, axes);
    return copied(a, placesIn(a.shape, shape), shape);
  },
  slice: (a, axis, start, end) => {
    const shape = sliceShape(a.shape, axis, start, end);
    const skipped = start * (stridesOf(a.shape)[axis] as number); // the rule has checked the axis
    return copied(
      a,
      placesIn(a.shape, shape).map((place) => place + skipped),
      shape,
    );
  },
  concat: (parts, axis) => {
    const shape = concatShape(
      parts.map((part) => part.shape),
      axis,
    );
    const data = new Float64Array(sizeOf(shape));
    const stride = stridesOf(shape)[axis] as number; // the rule has checked the axis
    let offset = 0;
    for (const part of parts) {
      const places = placesIn(shape, part.shape);
      for (let i = 0; i < places.length; i++) data[placeAt(places, i) + offset] = at(part.data, i);
      offset += (part.shape[axis] as number) * stride; // the rule has checked the axis
    }
    return make(shape, data);
  },
  broadcast: (a, axes) => {
    const shape = broadcastShape(a.shape, axes);
    return copied(a, placesIn(a.shape, shape), shape);
  },
  take: (a, axis, ids) => {
    const shape = takeShape(a.shape, axis, ids);
    return copied(a, takenPlaces(a.shape, axis, ids, shape), shape);
  },
  put: (a, ids, axis, size) => {
    const shape = putShape(a.shape, ids, axis, size);
    const data = new Float64Array(sizeOf(shape));
    const places = takenPlaces(shape, axis, ids, a.shape);
    for (let i = 0; i < places.length; i++)
      data[placeAt(places, i)] = at(data, placeAt(places, i)) + at(a.data, i);
    return make(shape, data);
  },

  add: (a, b) => binary(a, b, "add", (x, y) => x + y),
  sub: (a, b) => binary(a, b, "sub", (x, y) => x - y),
  mul: (a, b) => binary(a, b, "mul", (x, y) => x * y),
  div: (a, b) => binary(a, b, "div", (x, y) => x / y),
  scale: (a, factor) => unary(a, (x) => factor * x),
  exp: (a) => unary(a, Math.exp),
  log: (a) => unary(a, Math.log),
  sqrt: (a) => unary(a, Math.sqrt),
  gate: (a, kind) => unary(a, gates[kind]),

  sum: (a, axes) => {
    const shape = sumShape(a.shape, axes);
    const data = new Float64Array(sizeOf(shape));
    const places = placesIn(shape, a.shape);
    for (let i = 0; i < places.length; i++)
      data[placeAt(places, i)] = at(data, placeAt(places, i)) + at(a.data, i);
    return make(shape, data);
  },
  matmul,
  center: (a, axis) => {
    alongShape(a.shape, axis, "center");
    const { starts, step, length } = lines(a.shape, axis);
    const data = Float64Array.from(a.data);
    for (const start of starts) {
      let total = 0;
      for (let i = 0; i < length; i++) total += at(data, start + i * step);
      for (let i = 0; i < length; i++)
        data[start + i * step] = at(data, start + i * step) - total / length;
    }
    return make(a.shape, data);
  },
  rms: (a, axis, eps) => {
    const shape = alongShape(a.shape, axis, "rms");
    const { starts, step, length } = lines(a.shape, axis);
    return make(
      shape,
      Float64Array.from(starts, (start) => {
        let total = 0;
        for (let i = 0; i < length; i++) total += at(a.data, start + i * step) ** 2;
        return Math.sqrt(total / length + eps);
      }),
    );
  },
  softmax,
  logsumexp: (a, axis) => {
    const shape = alongShape(a.shape, axis, "logsumexp");
    const { starts, step, length } = lines(a.shape, axis);
    return make(
      shape,
      Float64Array.from(starts, (start) => {
        const { max, total } = expSum(a.data, start, step, 0, length);
        return Number.isFinite(max) ? max + Math.log(total) : max;
      }),
    );
  },
  rotary,
};
