import { engineAccuracy } from "@resolvent/tensor";
import { describeConformance } from "@resolvent/testkit/engines";
import { afterAll, expect, test } from "vitest";
import { type Cpu, createCpu } from "../src/index.ts";

const engines: Promise<Cpu>[] = [];

for (const threads of [1, 2]) {
  for (const precision of ["f32", "f64"] as const) {
    const { primitive: tolerance } = engineAccuracy[`cpu ${precision}`];
    const engine = createCpu({ precision, threads });
    engines.push(engine);
    const calls = 20;
    describeConformance(`${precision}, ${threads} threads`, () => engine, { tolerance, calls });
  }
}

test("a cross-origin isolated page has threads", async () => {
  const [, , two] = engines;
  expect((await two)?.threads).toBe(2);
});

afterAll(async () => {
  for (const engine of engines) await (await engine).close();
});
