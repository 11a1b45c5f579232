import type { GateKind, Ids, Ops, RotaryTable, Shape, Shaped } from "@resolvent/tensor";
import { reference } from "@resolvent/tensor";

/** One use of a primitive on operands of given shapes. */
export interface Case {
  readonly title: string;
  readonly operands: readonly Shape[];
  /** The operands must be above 0. */
  readonly positive?: boolean;
  run<T extends Shaped>(ops: Ops<T>, a: T, b: T): T;
}

/** Runs a case on its operands, of which none takes more than two. */
export function runCase<T extends Shaped>(ops: Ops<T>, use: Case, operands: readonly T[]): T {
  return use.run(ops, ...(operands as [T, T])); // a use reads as many as it names
}

/** The primitives: what an interpreter has besides the engine's own parts. */
export const primitives: readonly string[] = Object.keys(reference).filter(
  (name) =>
    !["name", "precision", "read", "top", "free", "written", "writtenHalf", "scope"].includes(name),
);

export const ids = (shape: Shape, data: readonly number[]): Ids => ({
  shape,
  data: Int32Array.from(data),
});

/** Angles `(row + 1) / 3^pair`, so that no two entries of the table agree. */
export function rotaryTable(
  positions: number,
  pairs: number,
  pairing: RotaryTable["pairing"],
): RotaryTable {
  const angles = Array.from(
    { length: positions * pairs },
    (_, i) => (Math.floor(i / pairs) + 1) / 3 ** (i % pairs),
  );
  return {
    positions,
    pairs,
    pairing,
    cos: Float64Array.from(angles, Math.cos),
    sin: Float64Array.from(angles, Math.sin),
  };
}

const gateKinds: readonly GateKind[] = ["relu", "gelu", "gelu_tanh", "quick_gelu", "silu"];
const ab: Shape = { a: 2, b: 3 };
const abc: Shape = { a: 2, b: 3, c: 4 };
const qk: Shape = { head: 2, pos: 3, key_pos: 5 };

type Binary = "add" | "sub" | "mul" | "div";
const binary = (name: Binary): Case[] => {
  const run: Case["run"] = (ops, x, y) => ops[name](x, y);
  return [
    { title: "same axes", operands: [ab, { b: 3, a: 2 }], run },
    { title: "right is broadcast", operands: [ab, { b: 3 }], run },
    { title: "left is broadcast", operands: [{ a: 2 }, ab], run },
    { title: "both are broadcast", operands: [ab, { c: 4, b: 3 }], run },
    { title: "no shared axis", operands: [{ a: 2 }, { c: 4 }], run },
    { title: "scalars", operands: [{}, {}], run },
    { title: "one value twice", operands: [ab], run: (ops, x) => ops[name](x, x) },
  ];
};
const curve = (name: "exp" | "log" | "sqrt"): Case[] => [
  { title: "of a table", operands: [ab], positive: true, run: (ops, x) => ops[name](x) },
];

/** Uses of every primitive, each operand's shape given; the tests of several files run over them. */
export const cases: Readonly<Record<string, readonly Case[]>> = {
  constant: [
    { title: "table", operands: [], run: (ops) => ops.constant(ab, [1, 2, 3, 4, 5, 6]) },
    { title: "scalar", operands: [], run: (ops) => ops.constant({}, [7]) },
  ],
  fill: [{ title: "table", operands: [], run: (ops) => ops.fill(ab, 0.5) }],
  rename: [
    { title: "one", operands: [ab], run: (ops, x) => ops.rename(x, { a: "c" }) },
    { title: "exchange", operands: [ab], run: (ops, x) => ops.rename(x, { a: "b", b: "a" }) },
  ],
  split: [
    {
      title: "in the middle",
      operands: [{ a: 2, m: 6, c: 2 }],
      run: (ops, x) => ops.split(x, "m", { head: 2, d_head: 3 }),
    },
    { title: "into nothing", operands: [{ a: 2, b: 1 }], run: (ops, x) => ops.split(x, "b", {}) },
  ],
  join: [
    { title: "neighbours", operands: [abc], run: (ops, x) => ops.join(x, ["b", "c"], "m") },
    { title: "apart, reversed", operands: [abc], run: (ops, x) => ops.join(x, ["c", "a"], "m") },
    { title: "none", operands: [ab], run: (ops, x) => ops.join(x, [], "m") },
  ],
  arrange: [
    { title: "first last", operands: [abc], run: (ops, x) => ops.arrange(x, ["a"]) },
    { title: "all", operands: [abc], run: (ops, x) => ops.arrange(x, ["c", "a", "b"]) },
  ],
  slice: [
    { title: "inside", operands: [abc], run: (ops, x) => ops.slice(x, "b", 1, 2) },
    { title: "to the end", operands: [abc], run: (ops, x) => ops.slice(x, "c", 2, 4) },
  ],
  concat: [
    { title: "two", operands: [ab, { b: 4, a: 2 }], run: (ops, x, y) => ops.concat([x, y], "b") },
    { title: "one twice", operands: [ab], run: (ops, x) => ops.concat([x, x], "a") },
  ],
  broadcast: [
    { title: "two axes", operands: [ab], run: (ops, x) => ops.broadcast(x, { c: 2, d: 3 }) },
    { title: "a scalar", operands: [{}], run: (ops, x) => ops.broadcast(x, { c: 2 }) },
  ],
  take: [
    {
      title: "rows, one twice",
      operands: [{ a: 2, vocab: 4, d: 3 }],
      run: (ops, x) => ops.take(x, "vocab", ids({ batch: 2, pos: 3 }, [0, 3, 3, 1, 0, 3])),
    },
    {
      title: "one row",
      operands: [{ vocab: 4, d: 3 }],
      run: (ops, x) => ops.take(x, "vocab", ids({}, [2])),
    },
    {
      title: "under the same name",
      operands: [{ d: 3, vocab: 4 }],
      run: (ops, x) => ops.take(x, "vocab", ids({ vocab: 2 }, [3, 1])),
    },
  ],
  put: [
    {
      title: "rows, one twice",
      operands: [{ a: 2, batch: 2, pos: 3, d: 2 }],
      run: (ops, x) => ops.put(x, ids({ batch: 2, pos: 3 }, [0, 3, 3, 1, 0, 3]), "vocab", 4),
    },
    { title: "one row", operands: [{ d: 3 }], run: (ops, x) => ops.put(x, ids({}, [2]), "v", 4) },
  ],
  add: binary("add"),
  sub: binary("sub"),
  mul: binary("mul"),
  div: binary("div"),
  scale: [{ title: "table", operands: [ab], run: (ops, x) => ops.scale(x, -1.75) }],
  exp: curve("exp"),
  log: curve("log"),
  sqrt: curve("sqrt"),
  gate: gateKinds.map((kind) => ({
    title: kind,
    operands: [{ a: 4, b: 5 }],
    run: (ops, x) => ops.gate(x, kind),
  })),
  sum: [
    { title: "one axis", operands: [abc], run: (ops, x) => ops.sum(x, ["b"]) },
    { title: "two axes", operands: [abc], run: (ops, x) => ops.sum(x, ["c", "a"]) },
    { title: "no axis", operands: [ab], run: (ops, x) => ops.sum(x, []) },
  ],
  matmul: [
    {
      title: "free, contracted and batched axes",
      operands: [
        { g: 2, i: 3, h: 2, k: 4, l: 2 },
        { l: 2, k: 4, h: 2, j: 3, g: 2, m: 2 },
      ],
      run: (ops, x, y) => ops.matmul(x, y, ["k", "l"]),
    },
    {
      title: "with an order of the result",
      operands: [
        { g: 2, i: 3, k: 4 },
        { k: 4, j: 2, g: 2 },
      ],
      run: (ops, x, y) => ops.matmul(x, y, ["k"], ["g", "i"]),
    },
    {
      title: "over nothing",
      operands: [
        { g: 2, i: 3 },
        { j: 2, g: 2 },
      ],
      run: (ops, x, y) => ops.matmul(x, y, []),
    },
    { title: "to a scalar", operands: [ab, ab], run: (ops, x, y) => ops.matmul(x, y, ["a", "b"]) },
    { title: "vector", operands: [ab, { b: 3 }], run: (ops, x, y) => ops.matmul(x, y, ["b"]) },
    {
      title: "of a value with itself",
      operands: [{ a: 3, b: 2 }],
      run: (ops, x) => ops.matmul(x, ops.rename(x, { a: "c" }), ["b"]),
    },
  ],
  center: [{ title: "first axis", operands: [abc], run: (ops, x) => ops.center(x, "a") }],
  rms: [{ title: "inner axis", operands: [abc], run: (ops, x) => ops.rms(x, "b", 1e-5) }],
  softmax: [
    { title: "no mask", operands: [abc], run: (ops, x) => ops.softmax(x, "b") },
    {
      title: "causal",
      operands: [{ pos: 4, key_pos: 4 }],
      run: (ops, x) => ops.softmax(x, "key_pos", { query: "pos" }),
    },
    {
      title: "offset",
      operands: [qk],
      run: (ops, x) => ops.softmax(x, "key_pos", { query: "pos", offset: 2 }),
    },
    {
      title: "offset and window",
      operands: [qk],
      run: (ops, x) => ops.softmax(x, "key_pos", { query: "pos", offset: 2, window: 2 }),
    },
  ],
  logsumexp: [{ title: "inner axis", operands: [abc], run: (ops, x) => ops.logsumexp(x, "b") }],
  rotary: (["half", "adjacent"] as const).flatMap((pairing) => [
    {
      title: `${pairing}, a part passes through`,
      operands: [{ pos: 3, head: 2, d_head: 5 }],
      run: (ops, x) => ops.rotary(x, "d_head", "pos", rotaryTable(6, 2, pairing), { start: 2 }),
    },
    {
      title: `${pairing}, transposed`,
      operands: [{ d_head: 4, pos: 3 }],
      run: (ops, x) =>
        ops.rotary(x, "d_head", "pos", rotaryTable(3, 2, pairing), { transpose: true }),
    },
  ]),
};

/** All cases as rows for `test.each`: `[primitive, title, case]`. */
export const caseRows: readonly (readonly [string, string, Case])[] = Object.entries(cases).flatMap(
  ([name, uses]) => uses.map((use) => [name, use.title, use] as const),
);
