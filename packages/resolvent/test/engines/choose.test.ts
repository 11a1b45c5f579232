import { isInputError } from "@resolvent/tensor";
import { expect, test } from "vitest";
import { chooseEngine, ENGINES, type EngineName, openModel, selectEngine } from "../../src/node.ts";

/** More weights than a small model has, and where a GPU may be faster. */
const parameters = 124e6;

test("every engine is looked at for a report, in order, with what it is or why it cannot be", async () => {
  const { engines, engine, why } = await chooseEngine({ parameters }, { all: true });
  expect(engines.map(({ name }) => name)).toEqual(ENGINES);
  for (const one of engines) expect(one.what, one.name).toMatch(/\w{4}/);
  const usable = engines.filter((one) => one.usable).map(({ name }) => name);
  expect(usable).toEqual(expect.arrayContaining(["cpu", "gpujs"]));
  const exact = engines.find(({ name }) => name === "reference");
  expect(exact).toMatchObject({ usable: false, precisions: ["f64"] });
  expect(exact?.what).toContain("f64 only");
  for (const { usable, precisions } of engines) expect(precisions.includes("f32")).toBe(usable);
  expect(["cpu", "webgpu"]).toContain(engine);
  expect(why).toContain(engine);
});

test("float64 is of cpu, and small models are", async () => {
  const exact = await chooseEngine({ precision: "f64", parameters });
  expect(exact).toMatchObject({ engine: "cpu", precision: "f64" });
  const small = await chooseEngine({ parameters: 1000 });
  expect(small).toMatchObject({ engine: "cpu", parameters: 1000 });
  expect(small.why).toContain("With 1,000 weights");
  expect(small.engines.map(({ name }) => name)).toEqual(["cpu"]); // nothing else was started
});

test.each<[EngineName, "f32" | "f64"]>([
  ["cpu", "f32"],
  ["gpujs", "f32"],
  ["reference", "f64"],
])("%s is used where it is asked for", async (name, precision) => {
  const choice = await chooseEngine({ engine: name, precision });
  expect(choice).toMatchObject({ engine: name, why: `${name} was asked for.`, engines: [] });
  const engine = await selectEngine({ engine: name, precision });
  expect([engine.name, engine.precision]).toEqual([name, precision]);
  const { singularValues } = await engine.linearAlgebra();
  expect(singularValues).toBeTypeOf("function");
  await engine.close();
});

test("what an engine cannot do is refused, and so is one that there is not", async () => {
  const codeOf = (options: Parameters<typeof chooseEngine>[0]): Promise<string> =>
    selectEngine(options).then(
      () => "none",
      (error: unknown) => (isInputError(error) ? error.code : "other"),
    );
  expect(await codeOf({ engine: "gpujs", precision: "f64" })).toBe("resolvent/engine-precision");
  expect(await codeOf({ engine: "reference", precision: "f32" })).toBe(
    "resolvent/engine-precision",
  );
  expect(await codeOf({ engine: "cuda" as "cpu" })).toBe("resolvent/no-engine");
  // What is wrong with options is no reason to compute elsewhere.
  expect(await codeOf({ threads: 0, parameters: 1000 })).toBe("cpu/bad-option");
  expect(await codeOf({ blas: "/no/such/library", parameters: 1000 })).toBe("cpu/no-blas");
});

test("a model opens on the engine that is named", async () => {
  const lm = await openModel("attn-only-2l", { engine: "gpujs" });
  const cpu = await openModel("attn-only-2l", { engine: "cpu" });
  const tokens = [1, 2, 3];
  const logits = async (one: typeof lm) => (await one.run(tokens)).logits;
  expect([...(await logits(lm)).data]).toBeNear([...(await logits(cpu)).data], { rtol: 1e-5 });
  expect([lm.engine.name, cpu.engine.name]).toEqual(["gpujs", "cpu"]);
  await lm.close();
  await cpu.close();
});
