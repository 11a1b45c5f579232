import { engineAccuracy } from "@resolvent/tensor";
import { describeConformance } from "@resolvent/testkit/engines";
import { afterAll, expect, test } from "vitest";
import { createGpujs, type Gpujs } from "../src/index.ts";

const engine: Promise<Gpujs> = createGpujs();
describeConformance("WebGL2", () => engine, {
  tolerance: engineAccuracy.gpujs.primitive,
  calls: 10,
});

test("a page with WebGL2 computes there", async () => {
  const { mode, notes } = await engine;
  expect(notes).toEqual([]);
  expect(mode).toBe("webgl2");
});

afterAll(async () => await (await engine).close());
