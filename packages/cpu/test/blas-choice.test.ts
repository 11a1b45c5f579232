import { InputError, type Precision } from "@resolvent/tensor";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Cpu } from "../src/index.ts";
import { testWithFake } from "./system-blas.ts";

// What is found and tried is remembered for the whole process, so each test takes the modules anew.
beforeEach(() => vi.resetModules());
afterEach(() => vi.doUnmock("../src/blas/find.ts"));

/** The package on a machine whose libraries have these names. */
async function withLibraries(...names: string[]): Promise<typeof import("../src/index.ts")> {
  vi.doMock("../src/blas/find.ts", () => ({
    libraryNames: () => names,
    lapackNames: () => [],
    howToInstall: () => "Install one.",
  }));
  return import("../src/index.ts");
}

/** Σ of the entries of a product that the library computes, which is right or not. */
function sum(cpu: Cpu): number | undefined {
  const a = cpu.constant({ i: 20, k: 30 }, [...Array(600).keys()]);
  const b = cpu.constant({ j: 40, k: 30 }, [...Array(1200).keys()]);
  const c = cpu.matmul(a, b, ["k"]);
  return cpu.read(cpu.sum(c, ["i", "j"])).data[0];
}
const right = Array.from({ length: 30 }, (_, k) => {
  const column = (rows: number): number => (rows * (rows - 1) * 30) / 2 + rows * k;
  return column(20) * column(40);
}).reduce((a, b) => a + b);

const caught = async (made: Promise<Cpu>): Promise<InputError> => {
  const error = await made.then(
    () => undefined,
    (reason) => reason,
  );
  // Modules taken anew have classes of their own.
  expect(error).toMatchObject({ name: InputError.name });
  return error;
};

test("where nothing is found the engine does without, and the report says how to come by it", async () => {
  const { createCpu, inspectMachine, lapackLinearAlgebra } =
    await withLibraries("libresolvent-none.so");
  const cpu = await createCpu({ threads: 1, precision: "f64", blas: "auto" });
  expect(cpu.blas).toBeUndefined();
  expect(sum(cpu)).toBe(right);
  await cpu.close();
  expect(lapackLinearAlgebra()).toBeUndefined();
  const report = await inspectMachine({ threads: 1 });
  expect(report.blas).toMatchObject({ library: undefined, used: false });
  expect(report.blas.notes.join(" ")).toMatch(/libresolvent-none.so was found.*Install one/);
  expect(report.gflops.wasm.oneThread).toBeGreaterThan(0.1);
  expect(report).toMatchObject({ gain: undefined, threads: 1, webassembly: { simd: true } });
  expect(JSON.parse(JSON.stringify(report)).schemaVersion).toBe(1);
}, 120_000);

describe.each<Precision>(["f32", "f64"])("%s", (precision) => {
  testWithFake("a library that computes wrong products is never used", async (compile) => {
    const library = compile("WRONG");
    const { createCpu, inspectMachine } = await withLibraries(library);
    const cpu = await createCpu({ threads: 2, precision, blas: "auto" });
    expect(cpu.blas).toBeUndefined();
    if (precision === "f64") expect(sum(cpu)).toBe(right);
    await cpu.close();
    const error = await caught(createCpu({ threads: 2, precision, blas: library }));
    expect(error.code).toBe("cpu/wrong-blas");
    expect(error.message).toContain(library);
    const report = await inspectMachine({ threads: 1 });
    expect(report.blas).toMatchObject({ library, used: false });
    expect(report.blas.notes.join(" ")).toMatch(/wrong products/);
  });

  testWithFake("a slow library is used only where it is asked for by name", async (compile) => {
    const library = compile();
    const { createCpu, inspectMachine } = await withLibraries(library);
    const cpu = await createCpu({ threads: 1, precision, blas: "auto" });
    expect(cpu.blas).toBeUndefined();
    await cpu.close();
    const named = await createCpu({ threads: 2, precision, blas: library });
    expect(named.blas).toMatchObject({ library, threads: 2, config: undefined, core: undefined });
    if (precision === "f64") expect(sum(named)).toBe(right);
    await named.close();
    if (precision === "f64") return;
    const report = await inspectMachine({ threads: 1 });
    expect(report.blas).toMatchObject({ library, used: false });
    expect(report.blas.notes.join(" ")).toMatch(/slower/);
    expect(report.gain).toBeLessThan(1);
  });
});

testWithFake("a choice of kernels for an older processor is corrected", async (compile) => {
  const library = compile("CORE=Prescott");
  const { createCpu } = await withLibraries(library);
  const before = process.env.OPENBLAS_CORETYPE;
  delete process.env.OPENBLAS_CORETYPE;
  try {
    const cpu = await createCpu({ threads: 1, blas: library });
    const { betterCore } = await import("../src/blas/cpu-kind.ts");
    const { readFileSync } = await import("node:fs");
    const better = betterCore("Prescott", readFileSync("/proc/cpuinfo", "utf8"));
    expect(cpu.blas?.core).toBe(better ?? "Prescott");
    if (better !== undefined)
      expect(cpu.blas?.note).toMatch(`for Prescott; corrected to ${better}`);
    else expect(cpu.blas?.note).toBeUndefined();
    await cpu.close();
    expect(process.env.OPENBLAS_CORETYPE).toBeUndefined();
  } finally {
    if (before !== undefined) process.env.OPENBLAS_CORETYPE = before;
  }
});

testWithFake("a choice that was made by hand stays", async (compile) => {
  const library = compile("CORE=Prescott");
  const { createCpu } = await withLibraries(library);
  const before = process.env.OPENBLAS_CORETYPE;
  process.env.OPENBLAS_CORETYPE = "Nehalem";
  try {
    const cpu = await createCpu({ threads: 1, blas: library });
    expect(cpu.blas?.core).toBe("Nehalem");
    await cpu.close();
  } finally {
    if (before === undefined) delete process.env.OPENBLAS_CORETYPE;
    else process.env.OPENBLAS_CORETYPE = before;
  }
});
