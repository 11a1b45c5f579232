import { setTimeout as pause } from "node:timers/promises";
import { isInputError } from "@resolvent/tensor";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Cpu, type CpuTensor, createCpu } from "../src/index.ts";

let cpu: Cpu;
beforeAll(async () => {
  cpu = await createCpu({ threads: 1, limit: 2 ** 20 });
});
afterAll(() => cpu.close());
beforeEach(() => {
  expect(cpu.memory.used).toBe(0);
});

const code = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    if (isInputError(error)) return error.code;
    throw error;
  }
  return "";
};

test("a scope frees what it does not return", () => {
  const outer = cpu.fill({ x: 100 }, 1);
  const before = cpu.memory.used;
  let lost: CpuTensor | undefined;
  const kept = cpu.scope(() => {
    lost = cpu.exp(outer);
    return { list: [cpu.add(outer, lost)], map: new Map([["key", cpu.scale(lost, 2)]]), outer };
  });
  expect(cpu.memory.used).toBe(3 * before);
  expect(code(() => cpu.read(lost as CpuTensor))).toBe("cpu/freed");
  expect(cpu.read(outer).data[99]).toBe(1);
  expect(cpu.read(kept.map.get("key") as CpuTensor).data[0]).toBeCloseTo(2 * Math.E, 5);
  cpu.free(kept);
  expect(code(() => cpu.add(outer, outer))).toBe("cpu/freed");
});

test("what an inner scope returns belongs to the outer one", () => {
  cpu.scope(() => {
    const inner = cpu.scope(() => cpu.fill({ x: 5 }, 2));
    expect(cpu.read(inner).data).toEqual(new Float32Array(5).fill(2));
  });
});

test("an exception frees what its scopes made", () => {
  expect(() =>
    cpu.scope(() => {
      cpu.fill({ x: 50 }, 1);
      cpu.scope(() => {
        cpu.fill({ y: 5000 }, 1);
        throw new RangeError("on purpose");
      });
    }),
  ).toThrow("on purpose");
});

test("views share memory, which lives as long as the last of them", () => {
  const a = cpu.constant({ x: 4, y: 3 }, [...Array(12).keys()]);
  const used = cpu.memory.used;
  const parts = [
    cpu.rename(a, { x: "z" }),
    cpu.split(a, "x", { p: 2, q: 2 }),
    cpu.join(a, ["x", "y"], "xy"),
    cpu.slice(a, "x", 1, 3),
  ];
  expect(cpu.memory.used).toBe(used);
  cpu.free(a);
  expect(cpu.read(parts[3] as CpuTensor).data).toEqual(Float32Array.from([3, 4, 5, 6, 7, 8]));
  cpu.free(parts.slice(0, 3));
  expect(cpu.memory.used).toBe(used);
  cpu.free(parts);
});

test("out of memory names both numbers, and leaves nothing behind", () => {
  const a = cpu.fill({ x: 100_000 }, 1);
  const used = cpu.memory.used;
  const b = cpu.scope(() => cpu.rename(cpu.exp(a), { x: "y" }));
  expect(code(() => cpu.sum(cpu.broadcast(a, { z: 2 }), ["z"]))).toBe("cpu/out-of-memory");
  expect(() => cpu.mul(a, b)).toThrow(/40000000000 more bytes, with 800000 of 1048576 in use/);
  expect(cpu.memory.used).toBe(2 * used);
  cpu.free([a, b]);
});

test("reading and making constants copy", () => {
  const data = new Float64Array([1, 2, 3]);
  const a = cpu.constant({ x: 3 }, data);
  data[0] = 9;
  const host = cpu.read(a);
  expect(host.data).toEqual(Float32Array.from([1, 2, 3]));
  host.data[1] = 9;
  expect(cpu.read(a).data[1]).toBe(2);
  cpu.free(a);
});

test("a tensor of another engine is refused", async () => {
  const other = await createCpu({ threads: 1, limit: 2 ** 20 });
  const foreign = other.fill({ x: 1 }, 1);
  expect(code(() => cpu.exp(foreign))).toBe("cpu/foreign");
  await other.close();
});

test("a closed engine still reads, and computes no more", async () => {
  const other = await createCpu({ threads: 2, limit: 2 ** 20 });
  const a = other.fill({ x: 2 }, 3);
  await other.close();
  expect(other.read(a).data).toEqual(Float32Array.from([3, 3]));
  expect(code(() => other.exp(a))).toBe("cpu/closed");
});

test("options are checked", async () => {
  await expect(createCpu({ threads: 0 })).rejects.toThrow(
    /threads to be whole, from 1 to 256, got 0/,
  );
  await expect(createCpu({ limit: 2 ** 40 })).rejects.toThrow(/limit/);
});

test("threads that have nothing to do sleep", async () => {
  const shared = await createCpu({ threads: 2, blas: "off" });
  try {
    const x = shared.fill({ x: 2 ** 20 }, 1);
    shared.free([shared.exp(x), x]);
    await pause(30); // they look again for a millisecond
    const before = process.cpuUsage();
    await pause(150);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(75); // of one that looks again and again: 150
  } finally {
    await shared.close();
  }
});
