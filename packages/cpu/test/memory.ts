import { reference } from "@resolvent/tensor";
import { expect, test } from "vitest";
import { createCpu } from "../src/index.ts";

/** Numbers of a tensor that lies across the 2 GiB line; its pages are never touched. */
const LARGE = 2 ** 29 + 2 ** 20;

/** Tests of how much memory an engine gets, in Node and in browsers. */
export function testMemory(): void {
  test("memory grows past 2 GiB, and kernels reach what lies there", async () => {
    const cpu = await createCpu({ threads: 1 });
    const large = cpu.written({ x: LARGE }, () => {});
    expect(cpu.memory.used).toBeGreaterThan(2 ** 31);
    const numbers = Array.from({ length: 40 * 70 }, (_, i) => Math.sin(i));
    const [left, right] = [
      { i: 40, k: 70 },
      { k: 70, j: 40 },
    ];
    const [a, b] = [cpu.constant(left, numbers), cpu.constant(right, numbers)];
    const got = cpu.read(cpu.softmax(cpu.gate(cpu.matmul(a, b, ["k"]), "gelu"), "j"));
    const product = reference.matmul(
      reference.constant(left, numbers),
      reference.constant(right, numbers),
      ["k"],
    );
    const expected = reference.softmax(reference.gate(product, "gelu"), "j");
    expect(got).toBeNear(expected, { rtol: 1e-5, atol: 1e-6 });
    cpu.free(large);
    await cpu.close();
  });

  test("where the system refuses 4 GiB of addresses, an engine takes what it grants", async () => {
    const { Memory } = WebAssembly;
    const granting = (most: number): typeof Memory =>
      class extends Memory {
        constructor(wanted: WebAssembly.MemoryDescriptor) {
          if ((wanted.maximum ?? 0) * 65536 > most)
            throw new RangeError("could not allocate memory");
          super(wanted);
        }
      };
    try {
      WebAssembly.Memory = granting(2 ** 30);
      const cpu = await createCpu({ threads: 1 });
      expect(cpu.memory.limit).toBe(2 ** 30);
      await cpu.close();
      await expect(createCpu({ threads: 1, limit: 2 ** 31 })).rejects.toMatchObject({
        code: "cpu/no-memory",
        details: { limit: 2 ** 31 },
      });
      WebAssembly.Memory = granting(2 ** 28);
      await expect(createCpu({ threads: 1 })).rejects.toMatchObject({ code: "cpu/no-memory" });
    } finally {
      WebAssembly.Memory = Memory;
    }
  });
}
