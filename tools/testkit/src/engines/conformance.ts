import { type Engine, reference, type Shaped, type Tensor } from "@resolvent/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeTop } from "./conformance-top.ts";
import { Draw } from "./draw.ts";
import { primitives } from "./primitives.ts";

/** What an engine must keep to. */
export interface Conformance {
  /** Largest error, relative to the largest number of the result (or of the same sum over magnitudes). */
  readonly tolerance: number;
  /** Calls of each primitive; default 60. */
  readonly calls?: number;
}

/**
 * Tests that an engine's primitives agree with the float64 reference in shape, memory order and numbers, and that it
 * keeps to what `Engine` says beside them.
 */
export function describeConformance<T extends Shaped>(
  title: string,
  engine: () => Promise<Engine<T>>,
  { tolerance, calls = 60 }: Conformance,
): void {
  describe(title, () => {
    for (const { name, draw } of primitives) {
      test(name, async () => {
        const ops = await engine();
        await fc.assert(
          fc.asyncProperty(fc.integer(), async (seed) => {
            const call = draw(new Draw(seed));
            const expected = call.run(reference, call.inputs);
            const inputs = call.inputs.map(({ shape, data }) => ops.constant(shape, data));
            const result = call.run(ops, inputs);
            const got = await ops.read(result);
            ops.free([inputs, result]);
            expect(Object.entries(got.shape), call.label).toEqual(Object.entries(expected.shape));
            const sizes = (call.size ?? call.run)(reference, call.inputs).data;
            const largest = Float64Array.from(sizes, Math.abs).reduce(
              (most, x) => Math.max(most, x),
              0,
            );
            expect(worst(got, expected, tolerance * largest), call.label).toBe("");
          }),
          { numRuns: calls },
        );
      }, 20_000);
    }
    describeTop(engine, calls);

    test("a scope refuses a promise, and frees what its body made", async () => {
      const ops = await engine();
      const before = ops.memory?.used;
      const late = async (): Promise<T> => ops.exp(ops.fill({ x: 1000 }, 1));
      expect(() => ops.scope(late)).toThrow(
        expect.objectContaining({
          code: "tensor/async-scope",
          message: expect.stringContaining("await outside of it"),
        }),
      );
      expect(() =>
        ops.scope(async () => {
          throw new Error("nobody waits for this");
        }),
      ).toThrow("got a promise");
      expect(ops.memory?.used).toBe(before);
      expect(ops.scope(() => 7)).toBe(7);
    });
  });
}

/** The entry with the largest error, where that is above `limit` or a number is missing. */
function worst(got: Tensor, expected: Tensor, limit: number): string {
  let at = -1;
  let most = limit;
  got.data.forEach((x, i) => {
    const y = expected.data[i] as number; // the shapes agree
    const error = Object.is(x, y) ? 0 : Math.abs(x - y);
    if (!(error <= most)) {
      at = i;
      most = error;
    }
  });
  return at < 0
    ? ""
    : `entry ${at}: got ${got.data[at]}, expected ${expected.data[at]}, error ${most} > ${limit}`;
}
