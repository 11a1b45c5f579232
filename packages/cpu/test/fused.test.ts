import { pairDots, pairSums, reference } from "@resolvent/tensor";
import { describe, expect, test } from "vitest";
import { type Cpu, createCpu } from "../src/index.ts";

/** Numbers of a few bits and a sign, some of them large. */
function numbers(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * (state % 7 === 0 ? 40 : 1);
  });
}

const KINDS = (["f32", "f64"] as const).flatMap((precision) =>
  [1, 2].map((threads) => ({ precision, threads })),
);

describe.each(KINDS)("$precision with $threads threads", ({ precision, threads }) => {
  const withCpu = async (use: (cpu: Cpu) => void): Promise<void> => {
    const cpu = await createCpu({ precision, threads });
    try {
      use(cpu);
    } finally {
      await cpu.close();
    }
  };
  const tolerance = precision === "f32" ? 2e-5 : 1e-12;

  test("pairs are those of the primitives, whatever the width and the order in memory", async () => {
    await withCpu((cpu) => {
      // Widths below, at and beside whole vectors; rows without a pair and rows with many; more rows on either side.
      for (const [width, rows, features, count] of [
        [1, 3, 2, 7],
        [6, 2, 30, 9],
        [64, 40, 5, 700],
        [67, 9, 50, 2000],
      ] as const) {
        const whole = (seed: number, below: number): Int32Array =>
          Int32Array.from(numbers(count, seed), (x) => Math.abs(Math.round(x * 1e6)) % below);
        const entry = { entry: count };
        const pairs = {
          left: { axis: "row", ids: { shape: entry, data: whole(1, rows) } },
          right: { axis: "feature", ids: { shape: entry, data: whole(2, features) } },
        };
        const given = {
          x: [{ row: rows, d: width }, numbers(rows * width, 3)],
          // the other way around in memory
          W: [{ d: width, feature: features }, numbers(features * width, 4)],
          w: [entry, numbers(count, 5)],
        } as const;
        const [x, W, w] = [given.x, given.W, given.w].map(([shape, data]) =>
          cpu.constant(shape, data),
        ) as [ReturnType<Cpu["fill"]>, ReturnType<Cpu["fill"]>, ReturnType<Cpu["fill"]>];
        const [rx, rW, rw] = [given.x, given.W, given.w].map(([shape, data]) =>
          reference.constant(shape, data),
        ) as [
          ReturnType<typeof reference.fill>,
          ReturnType<typeof reference.fill>,
          ReturnType<typeof reference.fill>,
        ];
        const dots = cpu.read(pairDots(cpu, x, W, ["d"], pairs));
        expect(dots.shape).toEqual(entry);
        expect(Array.from(dots.data)).toBeNear(
          Array.from(reference.read(pairDots(reference, rx, rW, ["d"], pairs)).data),
          { rtol: tolerance, atol: 1600 * width * tolerance * 0.01 },
        );
        const sums = cpu.read(cpu.arrange(pairSums(cpu, w, W, pairs, rows), ["row", "d"]));
        const expected = reference.arrange(pairSums(reference, rw, rW, pairs, rows), ["row", "d"]);
        expect(sums.shape).toEqual({ row: rows, d: width });
        expect(Array.from(sums.data)).toBeNear(Array.from(expected.data), {
          rtol: tolerance,
          atol: 16 * count * tolerance * 0.01,
        });
      }
    });
  });

  test("rows that are not there are refused", async () => {
    await withCpu((cpu) => {
      const ids = (row: number) => ({ shape: { entry: 1 }, data: Int32Array.of(row) });
      const x = cpu.fill({ row: 2, d: 3 }, 1);
      const W = cpu.fill({ feature: 4, d: 3 }, 1);
      for (const [row, feature] of [
        [2, 0],
        [0, 4],
        [-1, 0],
      ] as const) {
        const pairs = {
          left: { axis: "row", ids: ids(row) },
          right: { axis: "feature", ids: ids(feature) },
        };
        expect(() => pairDots(cpu, x, W, ["d"], pairs)).toThrow(/expected/);
        const w = cpu.fill({ entry: 1 }, 1);
        expect(() => pairSums(cpu, w, W, pairs, 2)).toThrow(/expected/);
      }
    });
  });

  test("a step of Adam has the bits of the primitives", async () => {
    await withCpu((cpu) => {
      const factors = {
        ...{ keepFirst: 0.9, addFirst: 0.083, keepSecond: 0.999, addSecond: 7.1e-4 },
        ...{ rate: 3.3e-4, eps: 3e-9 },
      };
      for (const count of [1, 2, 3, 4, 1031, 400_001]) {
        const [first, square, g] = [1, 2, 3].map((seed) =>
          cpu.constant({ x: count }, numbers(count, seed)),
        ) as [ReturnType<Cpu["fill"]>, ReturnType<Cpu["fill"]>, ReturnType<Cpu["fill"]>];
        const second = cpu.mul(square, square);
        const got = cpu.fused?.adam?.({ first, second }, g, factors);
        const newFirst = cpu.add(
          cpu.scale(first, factors.keepFirst),
          cpu.scale(g, factors.addFirst),
        );
        const newSecond = cpu.add(
          cpu.scale(second, factors.keepSecond),
          cpu.scale(cpu.mul(g, g), factors.addSecond),
        );
        const move = cpu.div(
          cpu.scale(newFirst, factors.rate),
          cpu.add(cpu.sqrt(newSecond), cpu.fill({}, factors.eps)),
        );
        for (const [name, expected] of Object.entries({
          first: newFirst,
          second: newSecond,
          move,
        })) {
          const own = got?.[name as "move"]; // one of its three
          if (own === undefined) throw new Error("The engine has no fused Adam.");
          expect(
            Buffer.compare(bytes(cpu.read(own).data), bytes(cpu.read(expected).data)),
            name,
          ).toBe(0);
        }
      }
    });
  });
});

function bytes(data: Float32Array | Float64Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
