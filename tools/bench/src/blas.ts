/** Matrix products on the engine's own kernels and on the system's BLAS, and in numpy where there is one. */
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { createCpu, inspectMachine } from "@resolvent/cpu";
import type { Precision } from "@resolvent/tensor";
import { cpuSpeed, type Product, products } from "./matmul.ts";

const all = availableParallelism();
const threadCounts = all === 1 ? [1] : [1, all];

const report = await inspectMachine();
console.log(`${report.processor ?? "Processor"}, ${report.cores} cores, Node ${process.version}`);
console.log(report.blas.config ?? report.blas.library ?? "No BLAS.");
for (const note of report.blas.notes) console.log(note);

for (const precision of ["f32", "f64"] as const) {
  const table: Record<string, string>[] = products.map(({ title }) => ({ product: title }));
  const column = (name: string, speed: (it: Product) => string): void => {
    for (const [i, it] of products.entries()) Object.assign(table[i] ?? {}, { [name]: speed(it) });
  };
  for (const [name, blas] of [
    ["wasm", "off"],
    ["BLAS", "auto"],
  ] as const) {
    for (const threads of threadCounts) {
      const cpu = await createCpu({ precision, threads, blas });
      if (blas === "off" || cpu.blas !== undefined) {
        column(`${name} ×${threads}`, (it) => cpuSpeed(it, cpu));
      }
      await cpu.close();
    }
  }
  for (const threads of threadCounts) {
    const speeds = numpySpeeds(precision, threads);
    if (speeds !== undefined)
      column(`numpy ×${threads}`, (it) => speeds[products.indexOf(it)] ?? "");
  }
  console.log(`Matrix products in ${precision}, GFLOP/s, median (best)`);
  console.table(table);
}

/** The same products in the numpy of the system's Python; undefined where there is none. */
function numpySpeeds(precision: Precision, threads: number): string[] | undefined {
  const script = `
import json, sys, time
import numpy as np
out = []
for p in json.load(sys.stdin):
    dtype = np.${precision === "f32" ? "float32" : "float64"}
    a = np.ones((p["batch"], p["rows"], p["terms"]), dtype)
    b = np.full((p["batch"], p["columns"], p["terms"]), 2, dtype) if p["transposed"] else np.full((p["batch"], p["terms"], p["columns"]), 2, dtype)
    if p["transposed"]: b = b.transpose(0, 2, 1)
    np.matmul(a, b)
    times, end = [], time.perf_counter() + 0.4
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        np.matmul(a, b)
        times.append(time.perf_counter() - start)
    times.sort()
    flops = 2e-9 * p["batch"] * p["rows"] * p["terms"] * p["columns"]
    out.append("%.1f (%.1f)" % (flops / times[len(times) // 2], flops / times[0]))
print(json.dumps(out))
`;
  const count = String(threads);
  const { status, stdout } = spawnSync("python3", ["-c", script], {
    input: JSON.stringify(products),
    encoding: "utf8",
    env: {
      ...process.env,
      OPENBLAS_NUM_THREADS: count,
      OMP_NUM_THREADS: count,
      MKL_NUM_THREADS: count,
    },
  });
  return status === 0 ? JSON.parse(stdout) : undefined;
}
