import {
  adjoint,
  axesOf,
  type Dual,
  drawing,
  type Ops,
  type Recorded,
  reference,
  type Shaped,
  type Tensor,
  tangent,
} from "@resolvent/tensor";
import { describe, expect, test } from "vitest";
import { caseRows, cases, primitives, runCase } from "./cases.ts";
import { block, blockShapes } from "./composite.ts";
import { inner, moved, smooth } from "./numbers.ts";

type Program = <T extends Shaped>(ops: Ops<T>, operands: readonly T[]) => T;

/** `f′(0)` by central differences of sixth order: the error is about h⁶ f⁽⁷⁾/140 + 10⁻¹⁶ f/h. */
function slopeAtZero(f: (t: number) => Tensor): Tensor {
  const h = 1e-3;
  const pair = (n: number, weight: number): Tensor =>
    reference.scale(reference.sub(f(n * h), f(-n * h)), weight / (60 * h));
  return reference.add(reference.add(pair(1, 45), pair(2, -9)), pair(3, 1));
}

/** `J·directions`, where an absent direction is zero; undefined where the derivative is. */
function jvp(
  program: Program,
  operands: readonly Tensor[],
  directions: readonly (Tensor | undefined)[],
): Tensor | undefined {
  const ops = tangent(reference);
  return program(
    ops,
    operands.map((x, i) => ops.dual(x, directions[i])),
  ).tangent;
}

/** `cotangentᵀ·J` for every operand. */
function vjp(program: Program, operands: readonly Tensor[], cotangent: Tensor): Tensor[] {
  const tape = adjoint(reference);
  const nodes = operands.map((x) => tape.variable(x));
  return tape.gradients(program(tape, nodes), cotangent, nodes);
}

/** Random operands, a direction for each, and a cotangent for the result. */
function sample(program: Program, shapes: readonly Tensor["shape"][], positive = false) {
  const random = drawing(11);
  const operands = shapes.map((shape) => smooth(shape, random, positive));
  const directions = shapes.map((shape) => smooth(shape, random));
  const result = program(reference, operands);
  return { operands, directions, result, cotangent: smooth(result.shape, random) };
}

const zeros = (like: Shaped): Tensor => reference.fill(like.shape, 0);
const sizeOfSum = (a: Tensor, b: Tensor): number =>
  inner(reference.mul(a, a), reference.mul(b, b)) ** 0.5;

test("every primitive has a case here", () => {
  expect(Object.keys(cases).sort()).toEqual([...primitives].sort());
});

describe.each(caseRows)("%s: %s", (_name, _title, use) => {
  const program: Program = (ops, operands) => runCase(ops, use, operands);
  const { operands, directions, result, cotangent } = sample(program, use.operands, use.positive);

  test("the value is the same under both", () => {
    const forward = tangent(reference);
    const tape = adjoint(reference);
    expect(
      program(
        forward,
        operands.map((x, i) => forward.dual(x, directions[i])),
      ).primal,
    ).toEqual(result);
    expect(
      program(
        tape,
        operands.map((x) => tape.variable(x)),
      ).primal,
    ).toEqual(result);
  });

  test("forward agrees with differences, in each operand and in all together", () => {
    for (let i = 0; i < operands.length; i++) {
      const only = directions.map((d, j) => (i === j ? d : undefined));
      const expected = slopeAtZero((t) =>
        program(
          reference,
          operands.map((x, j) => (i === j ? moved(x, directions[i] as Tensor, t) : x)), // i < length
        ),
      );
      expect(jvp(program, operands, only) ?? zeros(result)).toBeNear(expected, {
        rtol: 2e-10,
        atol: 1e-11,
      });
    }
    const parts = directions.map(
      (_, i) =>
        jvp(
          program,
          operands,
          directions.map((d, j) => (i === j ? d : undefined)),
        ) ?? zeros(result),
    );
    const total = parts.reduce(reference.add, zeros(result));
    const together = jvp(program, operands, directions) ?? zeros(result);
    expect(together).toBeNear(total, { rtol: 1e-13 });
    expect(axesOf(together.shape).sort()).toEqual(axesOf(result.shape).sort());
  });

  test("reverse is the transpose of forward, in each operand", () => {
    const gradients = vjp(program, operands, cotangent);
    gradients.forEach((gradient, i) => {
      const [operand, direction] = [operands[i] as Tensor, directions[i] as Tensor]; // one for each gradient
      const only = directions.map((d, j) => (i === j ? d : undefined));
      const forward = jvp(program, operands, only) ?? zeros(result);
      const scale = sizeOfSum(cotangent, forward) + sizeOfSum(gradient, direction);
      expect(inner(gradient, direction)).toBeNear(inner(cotangent, forward), {
        rtol: 1e-12,
        atol: 1e-13 * scale,
      });
      // Matching by name is only fair if the gradient has the operand's axes, no more.
      expect(axesOf(gradient.shape).sort()).toEqual(axesOf(operand.shape).sort());
      expect(gradient.data.length).toBe(operand.data.length);
    });
  });

  test("of a batch of cotangents, the gradients of each", () => {
    const batch = smooth({ lead: 2, ...result.shape }, drawing(13));
    const all = vjp(program, operands, batch);
    for (let lead = 0; lead < 2; lead++) {
      const own = (x: Tensor): Tensor =>
        reference.sum(reference.slice(x, "lead", lead, lead + 1), ["lead"]);
      vjp(program, operands, own(batch)).forEach((truth, i) => {
        const gradient = own(all[i] as Tensor); // one for each operand
        expect(gradient).toBeNear(truth, { rtol: 1e-13, atol: 1e-13 });
      });
    }
  });

  test("nothing moves where no operand moves", () => {
    const still = operands.map(() => undefined);
    expect(jvp(program, operands, still)).toBeUndefined();
    const tape = adjoint(reference);
    expect(
      program(
        tape,
        operands.map((x) => tape.fixed(x)),
      ).index,
    ).toBe(-1);
  });
});

describe("a transformer block of norm, attention and gated MLP", () => {
  const { operands, directions, cotangent } = sample(block, blockShapes);
  const second = drawing(5);
  const others = blockShapes.map((shape) => smooth(shape, second));
  test.each(operands.map((_, i) => i))("first derivatives in operand %i", (i) => {
    const only = directions.map((d, j) => (i === j ? d : undefined));
    const forward = jvp(block, operands, only) as Tensor; // every operand matters
    const expected = slopeAtZero((t) =>
      block(
        reference,
        operands.map((x, j) => (i === j ? moved(x, directions[i] as Tensor, t) : x)), // i < length
      ),
    );
    expect(forward).toBeNear(expected, { rtol: 1e-10 });
    const gradient = vjp(block, operands, cotangent)[i] as Tensor; // one for each operand
    expect(inner(gradient, directions[i] as Tensor)).toBeNear(inner(cotangent, forward), {
      rtol: 1e-11,
    });
  });

  /** `d/dt J(x + t·others)·directions`: a derivative of the JVP, in all operands at once. */
  const secondByDifferences = (): Tensor =>
    slopeAtZero(
      (t) =>
        jvp(
          block,
          operands.map((x, i) => moved(x, others[i] as Tensor, t)), // one for each operand
          directions,
        ) as Tensor, // every operand matters
    );

  test("forward over forward gives second derivatives", () => {
    const once = tangent(reference);
    const twice = tangent(once);
    const moving = operands.map(
      (x, i): Dual<Dual<Tensor>> =>
        twice.dual(once.dual(x, others[i]), once.dual(directions[i] as Tensor)),
    );
    const y = block(twice, moving);
    expect(y.tangent?.primal).toBeNear(jvp(block, operands, directions) as Tensor, { rtol: 1e-14 });
    expect(y.primal.tangent).toBeNear(jvp(block, operands, others) as Tensor, { rtol: 1e-14 });
    expect(y.tangent?.tangent).toBeNear(secondByDifferences(), { rtol: 1e-8 });
  });

  /** `H·along` of `<cotangent, block>`: the derivative of the gradient along a direction. */
  const hessian = (along: readonly Tensor[]): Tensor[] => {
    const forward = tangent(reference);
    const tape = adjoint(forward);
    const nodes = operands.map(
      (x, i): Recorded<Dual<Tensor>> => tape.variable(forward.dual(x, along[i])),
    );
    const gradients = tape.gradients(block(tape, nodes), forward.dual(cotangent), nodes);
    return gradients.map((g) => g.tangent ?? zeros(g));
  };
  const total = (left: readonly Tensor[], right: readonly Tensor[]): number =>
    left.reduce((sum, x, i) => sum + inner(x, right[i] as Tensor), 0); // lists of the same length

  test("adjoint over tangent gives Hessian-vector products, which are symmetric", () => {
    const [one, other] = [total(others, hessian(directions)), total(directions, hessian(others))];
    expect(one).toBeNear(other, { rtol: 1e-11 });
    expect(one).toBeNear(inner(cotangent, secondByDifferences()), { rtol: 1e-8 });
  });

  test("tangent over adjoint gives the same Hessian-vector products", () => {
    const tape = adjoint(reference);
    const forward = tangent(tape);
    const nodes = operands.map((x) => tape.variable(x));
    const y = block(
      forward,
      nodes.map((node, i) => forward.dual(node, tape.fixed(directions[i] as Tensor))),
    );
    const gradients = tape.gradients(y.tangent as Recorded<Tensor>, cotangent, nodes); // every operand moves
    const expected = hessian(directions);
    gradients.forEach((gradient, i) => {
      expect(gradient).toBeNear(expected[i] as Tensor, { rtol: 1e-10, atol: 1e-12 });
    });
  });
});

describe("the tape", () => {
  const x = reference.constant({ pos: 3 }, [1, 2, 3]);
  const one = reference.fill({}, 1);

  test("adds up the uses of a variable", () => {
    const tape = adjoint(reference);
    const v = tape.variable(x);
    const y = tape.sum(tape.add(tape.mul(v, v), tape.mul(tape.exp(v), v)), ["pos"]); // Σ x² + x eˣ
    const expected = [1, 2, 3].map((n) => 2 * n + (1 + n) * Math.exp(n));
    expect(tape.gradients(y, one, [v])[0]).toBeNear(expected, { rtol: 1e-14 });
  });

  test("gives the same gradients when asked again, and others for other cotangents", () => {
    const tape = adjoint(reference);
    const v = tape.variable(x);
    const y = tape.mul(v, v);
    const first = tape.gradients(y, reference.fill({ pos: 3 }, 1), [v])[0];
    const other = tape.gradients(y, reference.constant({ pos: 3 }, [0, 1, -1]), [v])[0];
    const again = tape.gradients(y, reference.fill({ pos: 3 }, 1), [v])[0];
    expect(first).toBeNear([2, 4, 6]);
    expect(other).toBeNear([0, 4, -6]);
    expect(again).toEqual(first);
  });

  test("gives gradients of intermediates and of several outputs", () => {
    const tape = adjoint(reference);
    const v = tape.variable(x);
    const squared = tape.mul(v, v);
    const y = tape.sum(tape.mul(squared, squared), ["pos"]);
    const z = tape.sum(tape.exp(v), ["pos"]);
    expect(tape.gradients(y, one, [squared])[0]).toBeNear([2, 8, 18]);
    expect(tape.gradients(y, one, [v])[0]).toBeNear([4, 32, 108]);
    expect(tape.gradients(z, one, [v, squared])).toEqual([
      reference.exp(x),
      reference.fill({ pos: 3 }, 0),
    ]);
    expect(tape.gradients(squared, x, [squared])[0]).toBe(x);
  });

  test("gives zeros where the output does not depend on the variable, or has no slope", () => {
    const tape = adjoint(reference);
    const [v, unused] = [tape.variable(x), tape.variable(reference.fill({ d: 2 }, 1))];
    const nothing = reference.fill({ pos: 3 }, 0);
    expect(tape.gradients(tape.exp(v), x, [unused])[0]).toEqual(reference.fill({ d: 2 }, 0));
    expect(tape.gradients(tape.gate(v, "relu"), x, [v])[0]).toEqual(nothing);
    expect(tape.gradients(tape.fill({}, 3), one, [v])[0]).toEqual(nothing);
  });

  test("takes no gradient for constants and records nothing that is made of them only", () => {
    const tape = adjoint(reference);
    const [v, fixed] = [tape.variable(x), tape.fixed(x)];
    const constant = tape.constant({ pos: 3 }, [1, 1, 1]);
    expect(tape.add(tape.exp(fixed), constant).index).toBe(-1);
    const y = tape.mul(tape.add(v, fixed), constant);
    const [gradient, none] = tape.gradients(y, x, [v, fixed]);
    expect(gradient).toBeNear([1, 2, 3]);
    expect(none).toBeNear([0, 0, 0]);
  });

  test("refuses a cotangent with other axes than the output", () => {
    const tape = adjoint(reference);
    const v = tape.variable(x);
    for (const shape of [{}, { pos: 2 }, { d: 2 }]) {
      expect(() => tape.gradients(tape.exp(v), reference.fill(shape, 1), [v])).toThrow(
        /^gradients: axis "pos" .* on the left and .* on the right/,
      );
    }
    const wide = tape.broadcast(v, { d: 2 });
    expect(() => tape.gradients(v, reference.fill({ pos: 3, d: 2 }, 1), [wide])).toThrow(
      'gradients: expected axes of the output pos and new ones, got "d"',
    );
  });
});

test("a direction must have the axes of its value, in any order", () => {
  const ops = tangent(reference);
  const x = reference.fill({ pos: 2, d: 3 }, 1);
  expect(ops.dual(x, reference.fill({ d: 3, pos: 2 }, 1)).tangent?.shape).toEqual({ d: 3, pos: 2 });
  expect(() => ops.dual(x, reference.fill({ d: 3 }, 1))).toThrow('dual: axis "pos" has size 2');
});
