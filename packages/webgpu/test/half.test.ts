import { type Half, reference, type Shape, sizeOf, widenHalf } from "@resolvent/tensor";
import { describeWithDevice } from "@resolvent/testkit/engines";
import { describe, expect, test } from "vitest";
import type { Webgpu, WebgpuTensor } from "../src/index.ts";
import { createOnGpu } from "./on-gpu.ts";

/** The bits of numbers of ordinary size, different from entry to entry. */
function ordinary(count: number, half: Half): Uint16Array {
  const [least, more] = half === "bf16" ? [0x3e80, 0xff] : [0x3000, 0x7ff];
  return Uint16Array.from({ length: count }, (_, i) => least + ((i * 193) & more));
}

await describeWithDevice("numbers in 16 bits", createOnGpu, (engine) => {
  describe.each(["bf16", "f16"] as const)("%s", (half) => {
    const both = (
      gpu: Webgpu,
      shape: Shape,
    ): { readonly kept: WebgpuTensor; readonly full: WebgpuTensor } => {
      const bits = ordinary(sizeOf(shape), half);
      const kept = gpu.writtenHalf(shape, half, (into) => into.set(bits));
      const full = gpu.constant(shape, widenHalf(bits, half, new Float64Array(bits.length)));
      return { kept, full };
    };

    test("all 65 536 numbers are widened exactly, on the host and in kernels", async () => {
      const gpu = await engine();
      const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
      const kept = gpu.writtenHalf({ i: 65536 }, half, (into) => into.set(bits));
      const exact = reference.writtenHalf({ i: 65536 }, half, (into) => into.set(bits)).data;
      const one = gpu.scale(kept, 1);
      expect((await gpu.read(kept)).data).toEqual(Float32Array.from(exact));
      // Devices may take what is below the smallest normal f32 for 0: bfloat16 has such numbers.
      const inKernels = (await gpu.read(one)).data;
      const wrong = Array.from(inKernels.keys()).filter((i) => {
        const [x, y] = [inKernels[i] as number, exact[i] as number]; // within
        return !(Object.is(x, y) || (x === 0 && Math.abs(y) < 2 ** -126));
      });
      expect(wrong).toEqual([]);
      gpu.free([kept, one]);
    });

    test("they take two bytes each, also in another order or in part", async () => {
      const gpu = await engine();
      const { used } = gpu.memory;
      const shape = { x: 32, y: 65 }; // odd, so that words end in the middle of rows
      const { kept, full } = both(gpu, shape);
      const parts = (a: WebgpuTensor): WebgpuTensor[] => [
        gpu.arrange(a, ["x"]),
        gpu.slice(a, "y", 3, 34),
        gpu.slice(a, "x", 3, 6),
        gpu.rename(a, { x: "z" }),
      ];
      const [halves, wide] = [parts(kept), parts(full)];
      expect(halves.map((part) => part.half)).toEqual([half, half, half, half]);
      for (const [i, part] of halves.entries())
        expect(await gpu.read(part)).toEqual(await gpu.read(wide[i] as WebgpuTensor));
      gpu.free([full, wide]);
      // The tensor, its transpose, and 31 of 65 columns, each by whole words and steps of 256 bytes.
      expect(gpu.memory.used - used).toBeLessThanOrEqual(2 * (2 * 32 * 65 + 32 * 31) + 3 * 512);
      gpu.free([kept, halves]);
      expect(gpu.memory.used).toBe(used);
    });

    test("every operation sees the numbers that are widened at once", async () => {
      const gpu = await engine();
      const { kept, full } = both(gpu, { x: 5, y: 33 });
      const x = gpu.constant(
        { z: 11, y: 33 },
        Float64Array.from({ length: 363 }, (_, i) => i % 7),
      );
      const ids = { shape: { pos: 3 }, data: Int32Array.of(4, 0, 4) };
      const results = (a: WebgpuTensor): WebgpuTensor[] => [
        gpu.exp(a),
        gpu.add(x, a),
        gpu.take(a, "x", ids),
        gpu.take(a, "y", ids),
        gpu.put(gpu.slice(a, "x", 0, 3), { shape: { x: 3 }, data: ids.data }, "u", 6),
        gpu.matmul(x, a, ["y"]),
        gpu.matmul(gpu.slice(x, "z", 0, 2), a, ["y"]),
        gpu.concat([a, full], "x"),
        gpu.softmax(a, "y"),
        gpu.sum(gpu.slice(a, "x", 1, 5), ["x"]),
      ];
      const [got, expected] = [results(kept), results(full)];
      const numbers = (all: WebgpuTensor[]) => Promise.all(all.map((each) => gpu.read(each)));
      expect(await numbers(got)).toEqual(await numbers(expected));
      expect((await gpu.top(kept, "y", 4)).values).toEqual((await gpu.top(full, "y", 4)).values);
      gpu.free([kept, full, x, got, expected]);
    });
  });
});
