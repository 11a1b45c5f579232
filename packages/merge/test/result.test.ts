import { readdirSync } from "node:fs";
import { describeWithFixtures } from "@resolvent/testkit";
import { encodeNumbers, openCheckpoint } from "@resolvent/weights";
import { fileSource } from "@resolvent/weights/node";
import { expect, test } from "vitest";
import { type MergePlan, mergedBytes, mergePlanned } from "../src/index.ts";
import { planned } from "./fixture-models.ts";

/** Methods in which only + − × ÷ are used: equal to the bit. Rescaling adds up, in an order of its own. */
function exact({ method, tensors }: MergePlan): boolean {
  if (["linear", "nearswap", "passthrough"].includes(method)) return true;
  const rescaled = Object.values(tensors).some(({ parameters }) => parameters.rescale === true);
  return /^(task|ties|dare|della|bread)/.test(method) && !rescaled;
}

describeWithFixtures("results", (fixtures) => {
  const names = readdirSync(fixtures.path("fixtures/merging/configs")).map((file) =>
    file.replace(/\.yml$/, ""),
  );
  const files = readdirSync(fixtures.path("fixtures/merging/expected"));
  const expectedFile = async (file: string) =>
    files.includes(file)
      ? await openCheckpoint(fileSource(fixtures.path(`fixtures/merging/expected/${file}`)))
      : undefined;

  test.each(names)("%s", async (name) => {
    const { plan, models } = await planned(fixtures, `configs/${name}.yml`);
    const wide = await expectedFile(`${name}.f64.safetensors`);
    const stored = await expectedFile(`${name}.safetensors`);
    expect(wide ?? stored).toBeDefined();
    expect(Object.keys(plan.tensors).sort()).toEqual([...((wide ?? stored)?.names ?? [])]);
    for (const [tensor, { dtype = plan.dtype }] of Object.entries(plan.tensors)) {
      const { numbers, shape } = await mergePlanned(plan, tensor, models);
      if (wide !== undefined) {
        expect(shape, tensor).toEqual(wide.info(tensor).shape);
        const expected = await wide.numbers(tensor, "f64");
        const size = Math.max(...expected.map(Math.abs));
        const atol = exact(plan) ? 0 : 1e-13 * size;
        expect(numbers, tensor).toBeNear(expected, { rtol: 0, atol });
      }
      if (stored !== undefined) {
        expect(stored.info(tensor).dtype).toBe(dtype);
        expect(encodeNumbers(numbers, dtype), tensor).toEqual((await stored.read(tensor)).bytes);
      }
      // Piece by piece, by kernels: the same before rounding, to the bit where nothing but + − × ÷ is used.
      const wider = { ...plan, tensors: { [tensor]: { ...plan.tensors[tensor], dtype: "F64" } } };
      const bytes = await mergedBytes(wider as MergePlan, tensor, models); // it has the tensor
      const size = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const atol = exact(plan) ? 0 : 1e-13 * size;
      expect(new Float64Array(bytes.buffer), tensor).toBeNear(numbers, { rtol: 0, atol });
    }
  });

  test("a NaN in an input stops the merge by its name", async () => {
    const { plan, models } = await planned(fixtures, "invalid/30-not-finite.yml");
    await expect(mergePlanned(plan, "model.embed_tokens.weight", models)).rejects.toMatchObject({
      code: "merge/not-finite",
      message: expect.stringContaining("model.embed_tokens.weight of models/bad-not-finite"),
    });
    await expect(mergePlanned(plan, "model.norm.weight", models)).resolves.toBeDefined();
  });
});
