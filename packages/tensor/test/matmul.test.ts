import { axesOf, drawing, reference, type Shape, type Tensor } from "@resolvent/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entry, filled, places, smooth } from "./numbers.ts";

const { constant, matmul } = reference;

/** The product by its definition: for each place of the result, the sum over the contracted places. */
function einsum(a: Tensor, b: Tensor, over: readonly string[]): Tensor {
  const all: Shape = { ...a.shape, ...b.shape };
  const part = (keep: (axis: string) => boolean): Shape =>
    Object.fromEntries(Object.entries(all).filter(([axis]) => keep(axis)));
  const terms = places(part((axis) => over.includes(axis)));
  return filled(
    part((axis) => !over.includes(axis)),
    (place) =>
      terms.reduce(
        (sum, term) => sum + entry(a, { ...place, ...term }) * entry(b, { ...place, ...term }),
        0,
      ),
  );
}

describe("matmul", () => {
  const a = constant({ i: 2, k: 3 }, [1, 2, 3, 4, 5, 6]);
  const b = constant({ k: 3, j: 2 }, [1, 0, 2, 1, 0, 3]);

  test("rows by columns", () => {
    const c = matmul(a, b, ["k"]);
    expect(axesOf(c.shape)).toEqual(["i", "j"]);
    expect(Array.from(c.data)).toEqual([5, 11, 14, 23]);
    expect(Array.from(matmul(b, a, ["k"]).data)).toEqual([5, 14, 11, 23]);
  });

  test("over nothing is the outer product, over everything the inner", () => {
    const u = constant({ i: 2 }, [1, 2]);
    const v = constant({ j: 2 }, [3, 5]);
    expect(matmul(u, v, [])).toEqual(constant({ i: 2, j: 2 }, [3, 5, 6, 10]));
    expect(matmul(a, a, ["i", "k"])).toEqual(constant({}, [91]));
  });

  test("a shared axis that is not contracted is batched", () => {
    const left = constant({ g: 2, k: 2 }, [1, 2, 3, 4]);
    const right = constant({ k: 2, g: 2 }, [1, 10, 2, 20]);
    expect(matmul(left, right, ["k"])).toEqual(constant({ g: 2 }, [5, 110]));
    expect(matmul(left, right, [])).toEqual(constant({ g: 2, k: 2 }, [1, 4, 30, 80]));
  });

  test("the result has batched axes, those of the left, those of the right; `last` moves axes to the end", () => {
    const left = reference.fill({ i1: 2, g2: 2, k: 3, i2: 1, g1: 2 }, 1);
    const right = reference.fill({ j2: 2, g1: 2, k: 3, g2: 2, j1: 1 }, 1);
    const order = (last?: readonly string[]): string[] =>
      axesOf(matmul(left, right, ["k"], last).shape);
    expect(order()).toEqual(["g2", "g1", "i1", "i2", "j2", "j1"]);
    expect(order(["g1", "i1"])).toEqual(["g2", "i2", "j2", "j1", "g1", "i1"]);
    expect(order([])).toEqual(order());
    expect(Array.from(matmul(a, b, ["k"], ["i"]).data)).toEqual([5, 14, 11, 23]);
  });

  test("over an empty axis is 0", () => {
    const none = matmul(reference.fill({ i: 2, k: 0 }, 1), reference.fill({ k: 0, j: 1 }, 1), [
      "k",
    ]);
    expect(none).toEqual(constant({ i: 2, j: 1 }, [0, 0]));
    const empty = matmul(reference.fill({ i: 0, k: 2 }, 1), reference.fill({ k: 2, j: 1 }, 1), [
      "k",
    ]);
    expect(empty).toEqual(constant({ i: 0, j: 1 }, []));
  });

  test("is the einsum of any axes in any roles", () => {
    const role = fc.constantFrom("batch", "left", "right", "over");
    const axis = fc.record({ role, size: fc.integer({ min: 1, max: 3 }) });
    fc.assert(
      fc.property(fc.array(axis, { maxLength: 6 }), fc.integer(), (axes, seed) => {
        const random = drawing(seed);
        const named = axes.map(({ role, size }, i) => ({ role, entry: [`x${i}`, size] as const }));
        const shapeOf = (absent: string): Shape =>
          Object.fromEntries(
            named
              .filter(({ role }) => role !== absent)
              .map(({ entry }): [number, readonly [string, number]] => [random(), entry])
              .sort(([x], [y]) => x - y)
              .map(([, entry]) => entry),
          );
        const left = smooth(shapeOf("right"), random);
        const right = smooth(shapeOf("left"), random);
        const over = named.filter(({ role }) => role === "over").map(({ entry }) => entry[0]);
        const product = matmul(left, right, over);
        expect(product).toBeNear(einsum(left, right, over), { rtol: 1e-13, atol: 1e-12 });
        const last = axesOf(product.shape).filter(() => random() < 0.5);
        const moved = matmul(left, right, over, last);
        expect(moved).toEqual(reference.arrange(product, last));
        const order = axesOf(moved.shape);
        expect(order.slice(order.length - last.length)).toEqual(last);
      }),
    );
  });
});
