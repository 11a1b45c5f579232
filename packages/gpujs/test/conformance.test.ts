import { engineAccuracy } from "@resolvent/tensor";
import { describeConformance } from "@resolvent/testkit/engines";
import { afterAll } from "vitest";
import { createGpujs, type Gpujs } from "../src/index.ts";

const engines: Promise<Gpujs>[] = [];

for (const mode of ["webasm", "cpu"] as const) {
  const engine = createGpujs({ mode });
  engines.push(engine);
  describeConformance(mode, () => engine, { tolerance: engineAccuracy.gpujs.primitive, calls: 20 });
}

afterAll(async () => {
  for (const engine of engines) await (await engine).close();
});
