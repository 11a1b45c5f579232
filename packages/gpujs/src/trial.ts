import {
  drawing,
  type Ops,
  reference,
  type Shape,
  type SyncEngine,
  sizeOf,
  type Tensor,
} from "@resolvent/tensor";

/** What errors may be, relative to the largest number of a result: an f32 that rounds is a hundred times better. */
const ENOUGH = 1e-4;

/** More entries than small arrays of gpu.js have: where it takes others for them, it gives the wrong number of them. */
const MANY = 40_000;

/** More terms than the loops of gpu.js take where they are not told so. */
const LONG = 1500;

type Inputs = Readonly<Record<"rows" | "columns" | "row" | "long" | "many", Tensor>>;

/** Every kernel, in the smallest calls that show whether it is right. */
const calls: Readonly<Record<string, (ops: Ops<Tensor>, on: Inputs) => Tensor>> = {
  add: (ops, { rows, row }) => ops.add(rows, row),
  sub: (ops, { rows, row }) => ops.sub(rows, row),
  mul: (ops, { rows, row }) => ops.mul(rows, row),
  div: (ops, { rows, row }) => ops.div(rows, ops.exp(row)),
  scale: (ops, { rows }) => ops.scale(rows, -0.7),
  exp: (ops, { rows }) => ops.exp(rows),
  log: (ops, { rows }) => ops.log(ops.exp(rows)),
  sqrt: (ops, { rows }) => ops.sqrt(ops.exp(rows)),
  relu: (ops, { rows }) => ops.gate(rows, "relu"),
  gelu: (ops, { rows }) => ops.gate(rows, "gelu"),
  gelu_tanh: (ops, { rows }) => ops.gate(rows, "gelu_tanh"),
  quick_gelu: (ops, { rows }) => ops.gate(rows, "quick_gelu"),
  silu: (ops, { rows }) => ops.gate(rows, "silu"),
  "large array": (ops, { many }) => ops.scale(many, 2),
  "long sum": (ops, { long }) => ops.sum(ops.mul(long, long), ["x"]),
  center: (ops, { rows }) => ops.center(rows, "x"),
  rms: (ops, { rows }) => ops.rms(rows, "x", 1e-5),
  softmax: (ops, { rows }) => ops.softmax(rows, "x", { query: "q" }),
  logsumexp: (ops, { rows }) => ops.logsumexp(rows, "x"),
  product: (ops, { rows, columns }) => ops.matmul(rows, columns, ["x"]),
};

/** What an engine computes wrong, in words; undefined where all that it is asked is right. */
export function faultOf(engine: SyncEngine<Tensor>): string | undefined {
  const next = drawing(1);
  const drawn = (shape: Shape): Tensor =>
    engine.constant(
      shape,
      Float64Array.from({ length: sizeOf(shape) }, () => 4 * next() - 2),
    );
  const inputs: Inputs = {
    rows: drawn({ g: 2, q: 3, x: 5 }),
    columns: drawn({ y: 7, x: 5, g: 2 }),
    row: drawn({ x: 5 }),
    long: drawn({ x: LONG }),
    many: drawn({ x: MANY }),
  };
  for (const [name, call] of Object.entries(calls)) {
    const got = call(engine, inputs).data;
    const expected = [...call(reference, inputs).data];
    const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const at = expected.findIndex(
      (x, i) => !(Math.abs(x - (got[i] ?? Number.NaN)) <= ENOUGH * largest),
    );
    if (at >= 0) return `${name} is wrong: expected ${expected[at]}, got ${got[at]}.`;
  }
  // What is not finite must show.
  const odd = engine.constant({ x: 3 }, [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]);
  const kept = engine.add(odd, engine.fill({}, 1)).data;
  return odd.data.every((x, i) => Object.is(x, kept[i]))
    ? undefined
    : `numbers that are not finite are lost: expected ${[...odd.data].join(", ")}, got ${[...kept].join(", ")}.`;
}
