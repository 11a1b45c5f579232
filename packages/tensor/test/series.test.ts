import {
  axesOf,
  drawing,
  type Ops,
  reference,
  type Series,
  type SeriesOps,
  type Shaped,
  series,
  type Tensor,
  tangent,
} from "@resolvent/tensor";
import { describe, expect, test } from "vitest";
import { caseRows, runCase } from "./cases.ts";
import { block, blockShapes } from "./composite.ts";
import { moved, smooth } from "./numbers.ts";

type Program = <T extends Shaped>(ops: Ops<T>, operands: readonly T[]) => T;

const ORDER = 4;

/** `x + ε v + ε² w` */
function curveOf(ops: SeriesOps<Tensor>, x: Tensor, v: Tensor, w?: Tensor): Series<Tensor> {
  const first = ops.add(ops.still(x), ops.raise(ops.still(v)));
  return w === undefined ? first : ops.add(first, ops.raise(ops.raise(ops.still(w))));
}

const NODES = 13;
/** How far `byInterpolation` may be off in coefficient k by rounding, for values up to `size`. */
const noise = (k: number, radius: number, size: number): number =>
  2 ** -52 * 2 ** (NODES - 1) * size * radius ** -k;

/**
 * Taylor coefficients of a function of ε by differences: values at the Chebyshev nodes of a small interval, and
 * the polynomial through them, whose coefficients are up to 2^nodes times its values: that is what rounding is
 * multiplied with. The radius must be far below that of convergence.
 */
function byInterpolation(f: (eps: number) => Tensor, orders: number, radius = 0.05): Tensor[] {
  const nodes = NODES;
  const points = Array.from({ length: nodes }, (_, i) =>
    Math.cos((Math.PI * (2 * i + 1)) / (2 * nodes)),
  );
  const values = points.map((p) => f(p * radius));
  // Newton's divided differences, then the polynomial's coefficients.
  const divided = [...values];
  for (let level = 1; level < nodes; level++) {
    for (let i = nodes - 1; i >= level; i--) {
      const gap = (points[i] as number) - (points[i - level] as number); // i, i − level < nodes
      const difference = reference.sub(divided[i] as Tensor, divided[i - 1] as Tensor);
      divided[i] = reference.scale(difference, 1 / gap);
    }
  }
  let polynomial: Tensor[] = [];
  for (let i = nodes - 1; i >= 0; i--) {
    const raised = [reference.fill(divided[i]?.shape ?? {}, 0), ...polynomial];
    polynomial.forEach((c, k) => {
      raised[k] = moved(raised[k] as Tensor, c, -(points[i] as number)); // k < raised.length
    });
    raised[0] = reference.add(raised[0] as Tensor, divided[i] as Tensor);
    polynomial = raised;
  }
  return polynomial.slice(0, orders).map((c, k) => reference.scale(c, radius ** -k));
}

function coefficients(program: Program, curves: (ops: SeriesOps<Tensor>) => Series<Tensor>[]) {
  const ops = series(reference, ORDER);
  const y = program(ops, curves(ops));
  return { y, parts: Array.from({ length: ORDER + 1 }, (_, k) => ops.coefficient(y, k)) };
}

describe.each(caseRows)("%s: %s", (_name, _title, use) => {
  const program: Program = (ops, operands) => runCase(ops, use, operands);
  const random = drawing(23);
  const operands = use.operands.map((shape) => smooth(shape, random, use.positive));
  const directions = use.operands.map((shape) => smooth(shape, random));
  const bends = use.operands.map((shape) => smooth(shape, random));
  const result = program(reference, operands);

  test("coefficients are those of the function of ε", () => {
    const { y, parts } = coefficients(program, (ops) =>
      operands.map((x, i) => curveOf(ops, x, directions[i] as Tensor, bends[i])),
    );
    expect(axesOf(y.shape)).toEqual(axesOf(result.shape));
    expect(parts[0]).toEqual(result);
    const expected = byInterpolation(
      (eps) =>
        program(
          reference,
          operands.map((x, i) =>
            moved(moved(x, directions[i] as Tensor, eps), bends[i] as Tensor, eps ** 2),
          ),
        ),
      ORDER + 1,
    );
    parts.forEach((part, k) => {
      expect(axesOf(part.shape)).toEqual(axesOf(result.shape));
      expect(part).toBeNear(expected[k] as Tensor, { rtol: 1e-7, atol: noise(k, 0.05, 10) });
    });
  });

  test("with one operand still", () => {
    operands.forEach((_, moving) => {
      const { parts } = coefficients(program, (ops) =>
        operands.map((x, i) =>
          i === moving ? curveOf(ops, x, directions[i] as Tensor) : ops.still(x),
        ),
      );
      const forward = tangent(reference);
      const dual = program(
        forward,
        operands.map((x, i) => forward.dual(x, i === moving ? directions[i] : undefined)),
      );
      const zero = reference.fill(result.shape, 0);
      expect(parts[1]).toBeNear(dual.tangent ?? zero, { rtol: 1e-13, atol: 1e-14 });
    });
  });

  test("nothing depends on ε where no operand does", () => {
    const { y } = coefficients(program, (ops) => operands.map((x) => ops.still(x)));
    expect(y.orders).toBe(1);
    expect(y.coefficients).toEqual(result);
  });
});

test("a transformer block of norm, attention and gated MLP", () => {
  const random = drawing(3);
  const operands = blockShapes.map((shape) => smooth(shape, random));
  const directions = blockShapes.map((shape) => smooth(shape, random));
  const { parts } = coefficients(block, (ops) =>
    operands.map((x, i) => curveOf(ops, x, directions[i] as Tensor)),
  );
  const expected = byInterpolation(
    (eps) =>
      block(
        reference,
        operands.map((x, i) => moved(x, directions[i] as Tensor, eps)),
      ),
    ORDER + 1,
    0.004,
  );
  parts.forEach((part, k) => {
    expect(part).toBeNear(expected[k] as Tensor, { rtol: 1e-7, atol: noise(k, 0.004, 10) });
  });
});

test("by hand: e^{εx}, and what lies beyond the order is dropped", () => {
  const ops = series(reference, 2);
  const y = ops.exp(ops.raise(ops.still(reference.constant({ a: 1 }, [3]))));
  expect([0, 1, 2, 3].map((k) => ops.coefficient(y, k).data[0])).toEqual([1, 3, 4.5, 0]);
});

test("order 0 is the value alone", () => {
  const ops = series(reference, 0);
  const x = reference.constant({ a: 2 }, [1, 2]);
  const y = ops.exp(ops.add(ops.still(x), ops.raise(ops.still(x))));
  expect(y.coefficients).toEqual(reference.exp(x));
});

test.each([-1, 1.5, Number.NaN])("refuses the order %s", (order) => {
  expect(() => series(reference, order)).toThrow(
    expect.objectContaining({ code: "tensor/bad-order" }),
  );
});
