import { engineAccuracy } from "@resolvent/tensor";
import { describeConformance } from "@resolvent/testkit/engines";
import { afterAll } from "vitest";
import { type Cpu, createCpu } from "../src/index.ts";

const engines: Promise<Cpu>[] = [];

for (const threads of [1, 2]) {
  for (const precision of ["f32", "f64"] as const) {
    const { primitive: tolerance } = engineAccuracy[`cpu ${precision}`];
    const engine = createCpu({ precision, threads, blas: "off" });
    engines.push(engine);
    describeConformance(`${precision}, ${threads} threads`, () => engine, { tolerance });
  }
}

afterAll(async () => {
  for (const engine of engines) await (await engine).close();
});
