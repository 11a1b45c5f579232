import { reference } from "@resolvent/tensor";
import { expect, test } from "vitest";
import { createGpujs } from "../src/index.ts";
import { faultOf } from "../src/trial.ts";

test("Node has no WebGL2, and the engine says so", async () => {
  const engine = await createGpujs();
  expect(engine.mode).toBe("webasm");
  expect(engine.notes).toEqual([expect.stringMatching(/^webgl2: .*not supported/)]);
  await engine.close();
  await expect(createGpujs({ mode: "webgl2" })).rejects.toMatchObject({
    code: "gpujs/no-mode",
    details: { notes: [expect.stringContaining("webgl2")] },
  });
});

test("a mode that is none is refused", async () => {
  const mode = "gpu" as "cpu"; // as JavaScript may give it
  await expect(createGpujs({ mode })).rejects.toMatchObject({ code: "gpujs/bad-option" });
});

test("sums are of more than 1000 terms, and of none", async () => {
  const engine = await createGpujs();
  expect(engine.read(engine.sum(engine.fill({ x: 5000 }, 1), ["x"])).data).toEqual(
    Float32Array.of(5000),
  );
  expect(engine.read(engine.sum(engine.fill({ x: 0 }, 1), ["x"])).data).toEqual(Float32Array.of(0));
  const nothing = engine.matmul(engine.fill({ i: 1, k: 0 }, 1), engine.fill({ k: 0, j: 2 }, 1), [
    "k",
  ]);
  expect(engine.read(nothing).data).toEqual(Float32Array.of(0, 0));
  expect(engine.read(engine.exp(engine.fill({ x: 0 }, 1))).data).toEqual(new Float32Array(0));
  await engine.close();
});

test("a closed engine still reads, and computes no more", async () => {
  const engine = await createGpujs();
  const a = engine.fill({ x: 2 }, 3);
  await engine.close();
  expect(engine.read(a).data).toEqual(Float32Array.of(3, 3));
  expect(() => engine.exp(a)).toThrow(expect.objectContaining({ code: "gpujs/closed" }));
});

test("what is wrong in a kernel is found before it is used", async () => {
  const engine = await createGpujs();
  expect(faultOf(engine)).toBeUndefined();
  expect(faultOf({ ...engine, exp: (a) => engine.scale(a, 1) })).toContain("is wrong");
  const cut = { ...engine, sum: () => reference.fill({}, 1000) };
  expect(faultOf(cut)).toMatch(/^long sum is wrong: expected \d+\.\d+, got 1000\.$/);
  const lossy = {
    ...engine,
    add: (a: typeof b, b: ReturnType<typeof engine.add>) => {
      const sum = engine.add(a, b);
      return { ...sum, data: sum.data.map((x) => (Number.isFinite(x) ? x : 0)) };
    },
  };
  expect(faultOf(lossy)).toContain("not finite");
  await engine.close();
});
