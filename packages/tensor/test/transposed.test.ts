import {
  adjoint,
  axesOf,
  cost,
  drawing,
  InputError,
  type Ops,
  reference,
  type Shape,
  type Shaped,
  type Tensor,
  tangent,
  transposed,
} from "@resolvent/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Case, caseRows, primitives, rotaryTable, runCase } from "./cases.ts";
import { inner, smooth } from "./numbers.ts";

/** What is linear in which of its operands; everything else is in none. */
const linearIn: Readonly<Record<string, readonly number[]>> = {
  ...Object.fromEntries(
    ["rename", "split", "join", "arrange", "slice", "broadcast", "take", "put", "scale", "sum"].map(
      (name) => [name, [0]],
    ),
  ),
  ...{ center: [0], rotary: [0], div: [0] },
  ...{ concat: [0, 1], add: [0, 1], sub: [0, 1], mul: [0, 1], matmul: [0, 1] },
};
const nonlinear = ["exp", "log", "sqrt", "gate", "rms", "softmax", "logsumexp"];
/** One value on both sides. */
const squares = ["one value twice", "of a value with itself"];

type Program = <V extends Shaped>(ops: Ops<V>, x: V) => V;

/** `Aᵀ c` of a program in operand `at`, the others held. */
function pulled(use: Case, operands: readonly Tensor[], at: number, covector: Tensor): Tensor {
  const back = transposed(reference);
  const x = back.variable((operands[at] as Tensor).shape); // an operand of the case
  const inputs = operands.map((operand, i) => (i === at ? x : back.fixed(operand)));
  return back.pull(runCase(back, use, inputs), covector, x);
}

const rows = caseRows.flatMap(([name, title, use]) =>
  use.operands.map((_, at) => [name, title, at, use] as const),
);
const isLinear = (name: string, title: string, at: number): boolean =>
  (linearIn[name]?.includes(at) ?? false) &&
  !(squares.includes(title) && ["mul", "div", "matmul"].includes(name));

test("every primitive is here as linear or not, or has no operand", () => {
  const known = [...Object.keys(linearIn), ...nonlinear, "constant", "fill"];
  expect(known.sort()).toEqual([...primitives].sort());
});

describe.each(rows.filter(([name, title, at]) => isLinear(name, title, at)))(
  "%s: %s, in operand %i",
  (_name, _title, at, use) => {
    const random = drawing(23);
    const operands = use.operands.map((shape) => smooth(shape, random, use.positive));
    const { shape } = runCase(reference, use, operands);
    const tensors = (of: Shape): fc.Arbitrary<Tensor> =>
      fc.integer().map((seed) => smooth(of, drawing(seed)));

    test("⟨A x, y⟩ = ⟨x, Aᵀ y⟩", () => {
      const own = operands[at] as Tensor; // it has this operand
      const run = (x: Tensor): Tensor =>
        runCase(
          reference,
          use,
          operands.map((operand, i) => (i === at ? x : operand)),
        );
      const constant = run(reference.scale(own, 0));
      fc.assert(
        fc.property(tensors(own.shape), tensors(shape), (x, y) => {
          const back = pulled(use, operands, at, y);
          expect(axesOf(back.shape).sort()).toEqual(axesOf(own.shape).sort());
          const there = inner(reference.sub(run(x), constant), y);
          const size = Math.sqrt(inner(x, x) * inner(back, back));
          expect(inner(x, back)).toBeNear(there, { rtol: 1e-12, atol: 1e-13 * (1 + size) });
        }),
        { numRuns: 15 },
      );
    });

    test("the gradient of adjoint, and of a batch the gradients of its parts", () => {
      const tape = adjoint(reference);
      const nodes = operands.map((x) => tape.variable(x));
      const output = runCase(tape, use, nodes);
      const covectors = smooth({ suffix: 2, ...shape, more: 3 }, random);
      const all = pulled(use, operands, at, covectors);
      for (let suffix = 0; suffix < 2; suffix++) {
        for (let more = 0; more < 3; more++) {
          const one = (x: Tensor): Tensor => {
            const row = reference.slice(x, "suffix", suffix, suffix + 1);
            return reference.sum(reference.slice(row, "more", more, more + 1), ["suffix", "more"]);
          };
          const truth = tape.gradients(output, one(covectors), nodes)[at] as Tensor; // one for each
          expect(one(all)).toBeNear(truth, { rtol: 1e-14, atol: 1e-14 });
        }
      }
    });
  },
);

describe("what is not linear", () => {
  const names: Readonly<Record<string, string>> = {
    mul: "one of the two factors",
    matmul: "the attention pattern",
    div: "the denominator of a norm",
    rms: "the denominator of the norm",
    softmax: "the attention pattern",
    gate: "the gate of the activation",
    ...{ exp: "its result", log: "its result", sqrt: "its result", logsumexp: "its result" },
  };
  test.each(rows.filter(([name, title, at]) => !isLinear(name, title, at)))(
    "%s: %s, in operand %i, is refused, and what to freeze is named",
    (name, _title, at, use) => {
      const operands = use.operands.map((shape) => smooth(shape, drawing(3), use.positive));
      let caught: unknown;
      try {
        pulled(use, operands, at, reference.fill({}, 1));
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(InputError);
      const { code, remedy, details } = caught as InputError; // it is one
      expect(code).toBe("tensor/not-linear");
      expect(remedy).toContain(`Freeze `);
      expect(remedy).toContain(names[name]);
      expect(details).toMatchObject({ where: name });
    },
  );

  test("a product of two variables, in either order", () => {
    const back = transposed(reference);
    const [x, y] = [back.variable({ a: 2 }), back.variable({ a: 2, b: 3 })];
    for (const [one, other] of [
      [x, y],
      [y, x],
    ] as const) {
      expect(() => back.mul(one, other)).toThrow(/^mul: expected a known value, got \{a: 2/);
      expect(() => back.matmul(one, other, ["a"])).toThrow(/^matmul: expected a known value/);
      expect(() => back.div(one, other)).toThrow(/^div: expected a known value/);
    }
  });

  test("of what does not depend on a variable everything is allowed", () => {
    const back = transposed(reference);
    const x = back.variable({ a: 3 });
    const three = back.constant({ a: 3 }, [1, 2, 3]);
    const y = back.mul(x, back.div(back.exp(three), back.rms(three, "a", 0)));
    const rms = Math.sqrt(14 / 3);
    expect(back.pull(y, reference.fill({ a: 3 }, 1), x)).toBeNear(
      [1, 2, 3].map((n) => Math.exp(n) / rms),
      { rtol: 1e-14 },
    );
  });
});

const table = rotaryTable(3, 1, "half");
const shapes = { x: { pos: 3, d_model: 4 }, W: { d_model: 4, head: 2, d_head: 2 } } as const;

/** Attention with a frozen norm and pattern, in `x` and with everything else known: `pos, d_model` to itself. */
function frozen<V extends Shaped>(
  ops: Ops<V>,
  fixed: (value: Tensor) => V,
  x: V,
  query?: number,
): V {
  const random = drawing(8);
  const known = (shape: Shape): V => fixed(smooth(shape, random));
  const centred = ops.center(x, "d_model");
  const normed = ops.add(ops.mul(centred, known({ pos: 3, d_model: 4 })), known({ d_model: 4 }));
  const projected = ops.add(
    ops.matmul(normed, known(shapes.W), ["d_model"]),
    known({ head: 2, d_head: 2 }),
  );
  const turned = ops.rotary(projected, "d_head", "pos", table);
  const all = known({ head: 2, pos: 3, key_pos: 3 });
  const pattern = query === undefined ? all : ops.slice(all, "pos", query, query + 1);
  const mixed = ops.matmul(pattern, ops.rename(turned, { pos: "key_pos" }), ["key_pos"]);
  return ops.matmul(mixed, known({ head: 2, d_head: 2, d_out: 4 }), ["head", "d_head"]);
}

describe("a frozen block", () => {
  const random = drawing(41);
  const whole: Program = (ops, x) =>
    frozen(ops, (value) => ops.constant(value.shape, value.data), x);

  test("is transposed as adjoint does it, constants apart, for many covectors of one recording", () => {
    const tape = adjoint(reference);
    const point = tape.variable(smooth(shapes.x, random));
    const value = whole(tape, point);
    const back = transposed(reference);
    const x = back.variable(shapes.x);
    const y = whole(back, x);
    for (let n = 0; n < 3; n++) {
      const c = smooth(value.shape, random);
      const [truth] = tape.gradients(value, c, [point]);
      expect(back.pull(y, c, x)).toBeNear(truth as Tensor, { rtol: 1e-14, atol: 1e-14 }); // of one variable
    }
  });

  test("with one query is the row of the whole", () => {
    const back = transposed(reference);
    const x = back.variable(shapes.x);
    const [all, row] = [frozen(back, back.fixed, x), frozen(back, back.fixed, x, 1)];
    const c = smooth({ suffix: 5, pos: 1, d_out: 4 }, random);
    const nothing = reference.fill(c.shape, 0);
    const spread = reference.concat([nothing, c, nothing], "pos");
    expect(back.pull(row, c, x)).toBeNear(back.pull(all, spread, x), { rtol: 1e-13, atol: 1e-14 });
  });

  test("of one head and one query, projections cost the work of one position", () => {
    const [pos, d_model, d_head] = [64, 32, 16];
    const flops = (queries: number): number => {
      const ops = cost();
      const given = (shape: Shape) => back.fixed(ops.given(shape));
      const back = transposed(ops);
      const x = back.variable({ pos, d_model });
      const value = back.matmul(x, given({ d_model, d_head }), ["d_model"]);
      const keys = back.rename(value, { pos: "key_pos" });
      const mixed = back.matmul(given({ pos: queries, key_pos: pos }), keys, ["key_pos"]);
      const write = back.matmul(mixed, given({ d_head, d_out: d_model }), ["d_head"]);
      back.pull(write, ops.given({ pos: queries, d_out: d_model }), x);
      return ops.total().flops;
    };
    const projections = 2 * 2 * d_model * d_head;
    const spreading = 2 * pos * d_model;
    expect(flops(1)).toBeLessThan(projections + spreading + 4 * (pos + d_head));
    expect(flops(pos)).toBe(pos * projections + 2 * pos * pos * d_head);
  });
});

describe("pulling", () => {
  const back = transposed(reference);
  const x = back.variable({ a: 2, b: 3 });
  const W = smooth({ b: 3, c: 4 }, drawing(1));
  const y = back.matmul(x, back.fixed(W), ["b"]);

  test("leaves out what is added, and is zero where the output does not depend on the variable", () => {
    const shifted = back.add(y, back.fill({ c: 4 }, 7));
    const c = smooth({ more: 2, a: 2, c: 4 }, drawing(2));
    expect(back.pull(shifted, c, x)).toEqual(back.pull(y, c, x));
    const other = back.variable({ d: 5 });
    expect(back.pull(y, c, other)).toEqual(reference.fill({ more: 2, d: 5 }, 0));
    expect(back.pull(back.fill({ a: 2 }, 1), reference.fill({ a: 2 }, 1), other).shape).toEqual({
      d: 5,
    });
  });

  test("adds up the uses of a variable", () => {
    const twice = back.sub(back.scale(y, 3), back.scale(y, 0.5));
    const c = smooth({ a: 2, c: 4 }, drawing(2));
    expect(back.pull(twice, c, x)).toBeNear(reference.scale(back.pull(y, c, x), 2.5), {
      rtol: 1e-14,
    });
  });

  test("gives shapes over costs and derivatives over tangent", () => {
    const price = cost();
    const shaped = transposed(price);
    const v = shaped.variable({ a: 2, b: 3 });
    const output = shaped.matmul(v, shaped.fixed(price.given({ b: 3, c: 4 })), ["b"]);
    expect(price.total().flops).toBe(0); // nothing is computed for the variable itself
    const one = price.given({ more: 5, a: 2, c: 4 });
    expect(shaped.pull(output, one, v).shape).toEqual({ more: 5, a: 2, b: 3 });
    expect(price.total().flops).toBe(2 * 5 * 2 * 4 * 3);

    const forward = tangent(reference);
    const moving = transposed(forward);
    const z = moving.variable({ b: 3 });
    const direction = smooth(W.shape, drawing(9));
    const c = smooth({ c: 4 }, drawing(10));
    const product = moving.matmul(z, moving.fixed(forward.dual(W, direction)), ["b"]);
    const result = moving.pull(product, forward.dual(c), z);
    expect(result.tangent).toBeNear(reference.matmul(direction, c, ["c"]), { rtol: 1e-14 });
  });

  test("refuses covectors that lack the output's axes, or whose further axes the map has", () => {
    for (const shape of [{}, { a: 2 }, { a: 2, c: 3 }]) {
      expect(() => back.pull(y, reference.fill(shape, 1), x)).toThrow(/^pull: axis "(a|c)" /);
    }
    expect(() => back.pull(y, reference.fill({ b: 3, a: 2, c: 4 }, 1), x)).toThrow(
      'got "b", which something in the map has too',
    );
  });

  test("refuses values of another tape", () => {
    const other = transposed(reference);
    const stranger = other.scale(other.variable({ a: 2 }), 2);
    expect(() => back.add(x, stranger)).toThrow(/of this tape/);
    expect(() => back.pull(stranger, reference.fill({ a: 2 }, 1), x)).toThrow(/of this tape/);
  });
});
