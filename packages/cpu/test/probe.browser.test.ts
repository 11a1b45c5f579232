import { expect, test } from "vitest";
import { createCpu } from "../src/index.ts";

/** Longer than a page's engine waits before it chooses its kernel of products again. */
const LATER = 900;

test("products are the same before and after a page chooses its kernel again, and a closed engine chooses none", async () => {
  const closed = await createCpu({ threads: 1 });
  const cpu = await createCpu({ threads: 2 });
  await closed.close();
  const used = cpu.memory.used;
  const waves = (length: number): Float64Array =>
    Float64Array.from({ length }, (_, i) => Math.sin(i));
  const a = cpu.constant({ i: 37, k: 129 }, waves(37 * 129));
  const b = cpu.constant({ k: 129, j: 41 }, waves(129 * 41));
  const product = (): ArrayLike<number> => {
    const result = cpu.matmul(a, b, ["k"]);
    const { data } = cpu.read(result);
    cpu.free(result);
    return data;
  };
  const before = product();
  await new Promise((resolve) => setTimeout(resolve, LATER));
  expect(product()).toEqual(before);
  for (const tensor of [a, b]) cpu.free(tensor);
  expect(cpu.memory.used).toBe(used);
  await cpu.close();
});
