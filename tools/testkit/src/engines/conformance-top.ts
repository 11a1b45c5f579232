import {
  type Engine,
  InputError,
  reference,
  type Shape,
  type Shaped,
  type Tensor,
  type Top,
} from "@resolvent/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Draw } from "./draw.ts";

/** Tests that an engine's `top` is the reference's, to the last bit: nothing is computed. */
export function describeTop<T extends Shaped>(
  engine: () => Promise<Engine<T>>,
  calls: number,
): void {
  const topOf = async ({ shape, data }: Tensor, axis: string, k: number): Promise<Top> => {
    const ops = await engine();
    const a = ops.constant(shape, data);
    try {
      return await ops.top(a, axis, k);
    } finally {
      ops.free(a);
    }
  };
  const row = (data: readonly number[]): Tensor => ({
    shape: { x: data.length },
    data: Float64Array.from(data),
  });
  const [nan, most] = [Number.NaN, Number.POSITIVE_INFINITY];

  describe("top", () => {
    test("of any axis, in any memory order, with many equal numbers", async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer(), async (seed) => {
          const draw = new Draw(seed);
          const x = draw.of([draw.size(), 530]);
          const a = draw.tensor(draw.order({ ...draw.axes("a", 2, 60), x }), fewOf(draw));
          const k = draw.of([1, draw.whole(1, x), x]);
          const [got, expected] = [await topOf(a, "x", k), await reference.top(a, "x", k)];
          const label = `${JSON.stringify(a.shape)} ${k}`;
          expect(shapesOf(got), label).toEqual(shapesOf(expected));
          expect(Array.from(got.indices.data), label).toEqual(Array.from(expected.indices.data));
          expect(Array.from(got.values.data), label).toEqual(Array.from(expected.values.data));
        }),
        { numRuns: calls },
      );
    }, 20_000);

    test("of equal numbers, the first come first", async () => {
      const { indices, values } = await topOf(row([1, 3, -0, 3, 0, 2, 3]), "x", 7);
      expect(Array.from(indices.data)).toEqual([1, 3, 6, 5, 0, 2, 4]);
      expect(Array.from(values.data)).toEqual([3, 3, 3, 2, 1, -0, 0]);
    });

    test("what is not a number comes first, before infinity", async () => {
      const { indices, values } = await topOf(row([1, most, nan, -most, 5, nan]), "x", 6);
      expect(Array.from(indices.data)).toEqual([2, 5, 1, 4, 0, 3]);
      expect(Array.from(values.data)).toEqual([nan, nan, most, 5, 1, -most]);
      expect((await topOf(row([1, most, nan]), "x", 1)).indices.data[0]).toBe(2);
    });

    test("numbers are of the engine's precision, indices whole", async () => {
      const { indices, values } = await topOf(row([0.1, 0.2]), "x", 1);
      const f32 = (await engine()).precision === "f32";
      expect(values.data).toEqual((f32 ? Float32Array : Float64Array).of(0.2));
      expect(indices.data).toEqual(Int32Array.of(1));
    });

    test.each([0, -1, 1.5, 4, nan])("%s of three is refused, by a promise", async (k) => {
      const refused = topOf(row([1, 2, 3]), "x", k);
      await expect(refused).rejects.toBeInstanceOf(InputError);
      await expect(refused).rejects.toMatchObject({
        code: "tensor/bad-count",
        message: expect.stringContaining(`from 1 to the 3 entries of "x", got ${k}.`),
        details: { axis: "x", size: 3, got: k },
      });
    });

    test("so is an axis that is not there", async () => {
      await expect(topOf(row([1]), "y", 1)).rejects.toMatchObject({ code: "tensor/no-axis" });
    });
  });
}

/** Few different numbers, some of them none. */
function fewOf(draw: Draw): () => number {
  const few = draw.whole(1, 40);
  return () => (draw.next() < 0.01 ? Number.NaN : draw.whole(-few, few) / 4);
}

function shapesOf({ indices, values }: Top): [string, number][][] {
  return [indices.shape, values.shape].map((shape: Shape) => Object.entries(shape));
}
