import type { Ops, RotaryTable, Shape, Shaped } from "@resolvent/tensor";
import { ids, rotaryTable } from "./cases.ts";

/** A wrong call, and what the error must say. */
export interface Fault {
  readonly code: string;
  /** The message without its remedy. */
  readonly says: string;
  /** Fields that the details must have, at least. */
  readonly details: Readonly<Record<string, unknown>>;
  run<T extends Shaped>(ops: Ops<T>, make: (shape: Shape) => T): T;
}

const ab: Shape = { a: 2, b: 3 };
const table = rotaryTable(4, 2, "half");
const shortTable: RotaryTable = { ...table, sin: table.sin.slice(1) };

/** Wrong calls of every primitive that can be called wrongly. */
export const faults: readonly Fault[] = [
  // tensor/bad-size
  ...[-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53].flatMap((size): Fault[] => [
    {
      code: "tensor/bad-size",
      says: `fill: expected a whole number, 0 or more, as the size of axis "b", got ${size}.`,
      details: { where: "fill", axis: "b", got: size },
      run: (ops) => ops.fill({ a: 2, b: size }, 0),
    },
    {
      code: "tensor/bad-size",
      says: `put: expected a whole number, 0 or more, as the size of axis "v", got ${size}.`,
      details: { where: "put", axis: "v", got: size },
      run: (ops, make) => ops.put(make(ab), ids({ a: 2 }, [0, 0]), "v", size),
    },
  ]),
  {
    code: "tensor/bad-size",
    says: 'constant: expected a whole number, 0 or more, as the size of axis "a", got -3.',
    details: { where: "constant", axis: "a", got: -3 },
    run: (ops) => ops.constant({ a: -3 }, []),
  },
  {
    code: "tensor/bad-size",
    says: 'broadcast: expected a whole number, 0 or more, as the size of axis "c", got 0.5.',
    details: { where: "broadcast", axis: "c", got: 0.5 },
    run: (ops, make) => ops.broadcast(make(ab), { c: 0.5 }),
  },
  {
    code: "tensor/bad-size",
    says: 'split: expected a whole number, 0 or more, as the size of axis "c", got -1.',
    details: { where: "split", axis: "c", got: -1 },
    run: (ops, make) => ops.split(make(ab), "b", { c: -1, d: -3 }),
  },

  // tensor/bad-axis
  ...["", "0", "12", "3d", "__proto__", "constructor", "toString", "hasOwnProperty"].flatMap(
    (axis): Fault[] => {
      const fault = (where: string, run: Fault["run"]): Fault => ({
        code: "tensor/bad-axis",
        says: `${where}: expected axis names that start with no digit and that not every JavaScript object has, got "${axis}".`,
        details: { where, axis },
        run,
      });
      return [
        fault("constant", (ops) => ops.constant({ a: 1, [axis]: 1 }, [1])),
        fault("fill", (ops) => ops.fill({ a: 1, [axis]: 1 }, 1)),
        fault("rename", (ops, make) => ops.rename(make(ab), { a: axis })),
        fault("split", (ops, make) => ops.split(make(ab), "b", { c: 1, [axis]: 3 })),
        fault("join", (ops, make) => ops.join(make(ab), ["a", "b"], axis)),
        fault("broadcast", (ops, make) => ops.broadcast(make(ab), { [axis]: 2 })),
        fault("take", (ops, make) => ops.take(make(ab), "b", ids({ [axis]: 1 }, [0]))),
        fault("put", (ops, make) => ops.put(make(ab), ids({ a: 2 }, [0, 0]), axis, 1)),
      ];
    },
  ),

  // tensor/wrong-length
  {
    code: "tensor/wrong-length",
    says: "constant: expected the 6 numbers of {a: 2, b: 3}, got 5.",
    details: { where: "constant", shape: ab, expected: 6, got: 5 },
    run: (ops) => ops.constant(ab, [1, 2, 3, 4, 5]),
  },
  {
    code: "tensor/wrong-length",
    says: "constant: expected the 1 numbers of {}, got 0.",
    details: { where: "constant", expected: 1, got: 0 },
    run: (ops) => ops.constant({}, []),
  },
  {
    code: "tensor/wrong-length",
    says: "take: expected the 2 numbers of {pos: 2}, got 3.",
    details: { where: "take", shape: { pos: 2 }, expected: 2, got: 3 },
    run: (ops, make) => ops.take(make(ab), "b", ids({ pos: 2 }, [0, 1, 2])),
  },
  {
    code: "tensor/wrong-length",
    says: "put: expected the 2 numbers of {a: 2}, got 1.",
    details: { where: "put", shape: { a: 2 }, expected: 2, got: 1 },
    run: (ops, make) => ops.put(make(ab), ids({ a: 2 }, [0]), "v", 4),
  },
  {
    code: "tensor/wrong-length",
    says: "rotary: expected the 8 numbers of {positions: 4, pairs: 2}, got 7.",
    details: { where: "rotary", expected: 8, got: 7 },
    run: (ops, make) => ops.rotary(make({ pos: 2, d: 4 }), "d", "pos", shortTable),
  },

  // tensor/no-axis
  ...(
    [
      ["rename", (ops, make) => ops.rename(make(ab), { x: "y" })],
      ["split", (ops, make) => ops.split(make(ab), "x", { y: 2 })],
      ["join", (ops, make) => ops.join(make(ab), ["a", "x"], "y")],
      ["arrange", (ops, make) => ops.arrange(make(ab), ["b", "x"])],
      ["slice", (ops, make) => ops.slice(make(ab), "x", 0, 1)],
      ["concat", (ops, make) => ops.concat([make(ab)], "x")],
      ["take", (ops, make) => ops.take(make(ab), "x", ids({}, [0]))],
      ["put", (ops, make) => ops.put(make(ab), ids({ x: 1 }, [0]), "v", 1)],
      ["sum", (ops, make) => ops.sum(make(ab), ["x"])],
      ["matmul (left)", (ops, make) => ops.matmul(make(ab), make({ x: 2 }), ["x"])],
      ["matmul (right)", (ops, make) => ops.matmul(make({ x: 2 }), make(ab), ["x"])],
      ["matmul", (ops, make) => ops.matmul(make(ab), make({ b: 3 }), ["b"], ["x"])],
      ["center", (ops, make) => ops.center(make(ab), "x")],
      ["rms", (ops, make) => ops.rms(make(ab), "x", 1e-5)],
      ["softmax", (ops, make) => ops.softmax(make(ab), "x")],
      ["softmax", (ops, make) => ops.softmax(make(ab), "b", { query: "x" })],
      ["logsumexp", (ops, make) => ops.logsumexp(make(ab), "x")],
      ["rotary", (ops, make) => ops.rotary(make(ab), "x", "a", table)],
      ["rotary", (ops, make) => ops.rotary(make(ab), "b", "x", table)],
    ] as readonly (readonly [string, Fault["run"]])[]
  ).map(
    ([where, run]): Fault => ({
      code: "tensor/no-axis",
      says: `${where}: expected an axis "x", got {a: ${where === "matmul" ? "2}" : "2, b: 3}"}.`,
      details: { where, axis: "x", got: where === "matmul" ? { a: 2 } : ab },
      run,
    }),
  ),
  {
    code: "tensor/no-axis",
    says: 'sum: expected an axis "constructor", got {a: 2, b: 3}.',
    details: { where: "sum", axis: "constructor", got: ab },
    run: (ops, make) => ops.sum(make(ab), ["constructor"]),
  },

  // tensor/size-mismatch
  ...(["add", "sub", "mul", "div"] as const).map(
    (where): Fault => ({
      code: "tensor/size-mismatch",
      says: `${where}: axis "b" has size 3 on the left and has size 4 on the right: {a: 2, b: 3} and {b: 4}.`,
      details: { where, axis: "b", expected: 3, got: 4, left: ab, right: { b: 4 } },
      run: (ops, make) => ops[where](make(ab), make({ b: 4 })),
    }),
  ),
  {
    code: "tensor/size-mismatch",
    says: 'add: axis "b" has size 3 on the left and has size 1 on the right: {a: 2, b: 3} and {b: 1}.',
    details: { where: "add", axis: "b", expected: 3, got: 1 },
    run: (ops, make) => ops.add(make(ab), make({ b: 1 })),
  },
  ...([["b"], ["a"]] as const).map(
    (over): Fault => ({
      code: "tensor/size-mismatch",
      says: 'matmul: axis "b" has size 3 on the left and has size 4 on the right: {a: 2, b: 3} and {a: 2, b: 4}.',
      details: { where: "matmul", axis: "b", expected: 3, got: 4 },
      run: (ops, make) => ops.matmul(make(ab), make({ a: 2, b: 4 }), over),
    }),
  ),
  {
    code: "tensor/size-mismatch",
    says: 'split: expected axes that hold the 3 entries of "b", got {h: 2, d: 2}, which holds 4.',
    details: { where: "split", axis: "b", expected: 3, got: 4, into: { h: 2, d: 2 } },
    run: (ops, make) => ops.split(make(ab), "b", { h: 2, d: 2 }),
  },
  {
    code: "tensor/size-mismatch",
    says: 'concat: axis "b" has size 3 on the left and has size 4 on the right: {b: 3} and {b: 4}.',
    details: { where: "concat", axis: "b", expected: 3, got: 4 },
    run: (ops, make) => ops.concat([make(ab), make({ a: 2, b: 4 })], "a"),
  },
  {
    code: "tensor/size-mismatch",
    says: 'concat: axis "b" has size 3 on the left and is missing on the right: {b: 3} and {}.',
    details: { where: "concat", axis: "b", expected: 3, got: undefined },
    run: (ops, make) => ops.concat([make(ab), make({ a: 2 })], "a"),
  },
  {
    code: "tensor/size-mismatch",
    says: 'put: axis "a" has size 2 on the left and has size 3 on the right: {a: 2, b: 3} and {a: 3}.',
    details: { where: "put", axis: "a", expected: 2, got: 3 },
    run: (ops, make) => ops.put(make(ab), ids({ a: 3 }, [0, 0, 0]), "v", 1),
  },
  {
    code: "tensor/size-mismatch",
    says: 'rotary: expected at least the 4 entries that the table turns along "b", got 3.',
    details: { where: "rotary", axis: "b", expected: 4, got: 3 },
    run: (ops, make) => ops.rotary(make(ab), "b", "a", table),
  },

  // tensor/repeated-axis
  ...(
    [
      ["rename", "b", (ops, make) => ops.rename(make(ab), { a: "b" })],
      ["split", "a", (ops, make) => ops.split(make(ab), "b", { a: 1, c: 3 })],
      ["join", "a", (ops, make) => ops.join(make(ab), ["a", "b", "a"], "m")],
      ["join", "b", (ops, make) => ops.join(make(ab), ["a"], "b")],
      ["arrange", "a", (ops, make) => ops.arrange(make(ab), ["a", "a"])],
      ["broadcast", "b", (ops, make) => ops.broadcast(make(ab), { b: 3 })],
      ["take", "a", (ops, make) => ops.take(make(ab), "b", ids({ a: 1 }, [0]))],
      ["put", "b", (ops, make) => ops.put(make(ab), ids({ a: 2 }, [0, 0]), "b", 1)],
      ["sum", "b", (ops, make) => ops.sum(make(ab), ["b", "b"])],
      ["matmul", "b", (ops, make) => ops.matmul(make(ab), make(ab), ["b", "b"])],
      ["matmul", "a", (ops, make) => ops.matmul(make(ab), make({ b: 3 }), ["b"], ["a", "a"])],
      ["softmax", "b", (ops, make) => ops.softmax(make(ab), "b", { query: "b" })],
      ["rotary", "b", (ops, make) => ops.rotary(make(ab), "b", "b", table)],
    ] as readonly (readonly [string, string, Fault["run"]])[]
  ).map(
    ([where, axis, run]): Fault => ({
      code: "tensor/repeated-axis",
      says: `${where}: expected each axis once, got "${axis}" twice.`,
      details: { where, axis },
      run,
    }),
  ),

  // tensor/bad-range
  ...(
    [
      [-1, 2],
      [2, 1],
      [0, 4],
      [0.5, 2],
      [Number.NaN, 2],
      [0, Number.NaN],
    ] as const
  ).map(
    ([start, end]): Fault => ({
      code: "tensor/bad-range",
      says: `slice: expected whole 0 ≤ start ≤ end ≤ 3 along "b", got ${start} to ${end}.`,
      details: { where: "slice", axis: "b", size: 3, start, end },
      run: (ops, make) => ops.slice(make(ab), "b", start, end),
    }),
  ),
  ...[-1, 3, 0.5, Number.NaN].map(
    (start): Fault => ({
      code: "tensor/bad-range",
      says: `rotary: expected positions within the 4 of the table, got ${start} to ${start + 2} along "pos".`,
      details: { where: "rotary", axis: "pos", size: 4, start },
      run: (ops, make) => ops.rotary(make({ pos: 2, d: 4 }), "d", "pos", table, { start }),
    }),
  ),

  // tensor/nothing-to-concat
  {
    code: "tensor/nothing-to-concat",
    says: 'concat: expected at least one tensor along "a", got none.',
    details: { where: "concat", axis: "a", expected: 1, got: 0 },
    run: (ops) => ops.concat([], "a"),
  },

  // tensor/empty-axis
  ...(
    [
      ["center", (ops, make) => ops.center(make({ a: 2, n: 0 }), "n")],
      ["rms", (ops, make) => ops.rms(make({ a: 2, n: 0 }), "n", 1)],
      ["softmax", (ops, make) => ops.softmax(make({ a: 2, n: 0 }), "n")],
      ["logsumexp", (ops, make) => ops.logsumexp(make({ a: 2, n: 0 }), "n")],
    ] as readonly (readonly [string, Fault["run"]])[]
  ).map(
    ([where, run]): Fault => ({
      code: "tensor/empty-axis",
      says: `${where}: expected at least one entry along "n", got none in {a: 2, n: 0}.`,
      details: { where, axis: "n", expected: 1, got: 0, shape: { a: 2, n: 0 } },
      run,
    }),
  ),

  // tensor/bad-mask
  ...(
    [
      [-1, 1],
      [0.5, 1],
      [Number.NaN, 1],
      [0, 0],
      [0, 1.5],
      [0, Number.NaN],
      [0, Number.POSITIVE_INFINITY],
    ] as const
  ).map(
    ([offset, window]): Fault => ({
      code: "tensor/bad-mask",
      says: `softmax: expected a whole offset ≥ 0 and a whole window ≥ 1 for queries "a", got offset ${offset} and window ${window}.`,
      details: { where: "softmax", axis: "b", query: "a", offset, window },
      run: (ops, make) => ops.softmax(make(ab), "b", { query: "a", offset, window }),
    }),
  ),
  {
    code: "tensor/bad-mask",
    says: 'softmax: expected a key for each query, got none for entry 1 of "a" among the 3 of "b" (offset 4, window 3).',
    details: { where: "softmax", axis: "b", query: "a", offset: 4, window: 3, queries: 2, keys: 3 },
    run: (ops, make) => ops.softmax(make(ab), "b", { query: "a", offset: 4, window: 3 }),
  },

  // tensor/bad-id
  ...[-1, 3].flatMap((id): Fault[] => [
    {
      code: "tensor/bad-id",
      says: `take: expected 0 ≤ id < 3 along "b", got ${id}.`,
      details: { where: "take", axis: "b", size: 3, got: id },
      run: (ops, make) => ops.take(make(ab), "b", ids({ pos: 2 }, [0, id])),
    },
    {
      code: "tensor/bad-id",
      says: `put: expected 0 ≤ id < 3 along "v", got ${id}.`,
      details: { where: "put", axis: "v", size: 3, got: id },
      run: (ops, make) => ops.put(make(ab), ids({ a: 2 }, [0, id]), "v", 3),
    },
  ]),
];
