import { type Engine, inOrder, reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { decodeNumbers } from "@resolvent/weights";
import { expect, test } from "vitest";
import { loadModel, outlineModel, run, storedRun, traceBytes } from "../src/index.ts";

const TOKENS = [3, 1, 4, 1, 5];
const SITES = ["*"];

test.each(tinyFamilies)(
  "%s: a stored run holds what a run records, and as much as was said",
  async (family) => {
    const folder = tinyModel(family, { seed: 2 });
    const model = await loadModel(reference, folder);
    const whole = run(reference, model, TOKENS, { sites: SITES });
    const stored = await storedRun(reference, model, TOKENS, { sites: SITES });
    expect(stored.logits).toEqual(whole.logits);
    expect([...stored.trace.keys()]).toEqual([...whole.trace.keys()]);
    for (const [site, { shape, dtype, bytes }] of stored.trace) {
      const value = whole.trace.get(site);
      expect(shape).toEqual(value?.shape);
      const numbers = decodeNumbers({ dtype, shape: Object.values(shape), bytes }, "f64");
      expect(numbers).toBeNear(value ? inOrder(value, Object.keys(shape)).data : [], {
        rtol: 1e-7,
      });
    }
    for (const dtype of ["F32", "F16"] as const) {
      const said = traceBytes(await outlineModel(folder), TOKENS, { sites: SITES, dtype });
      const { trace } = await storedRun(reference, model, TOKENS, { sites: SITES, dtype });
      expect([...said]).toEqual([...trace].map(([site, { bytes }]) => [site, bytes.byteLength]));
    }
  },
);

test("an engine that answers later stores the same", async () => {
  const model = await loadModel(reference, tinyModel("gpt2", { seed: 2 }));
  const later: Engine<Tensor> = { ...reference, read: async (a) => reference.read(a) };
  const options = { sites: SITES };
  expect(await storedRun(later, model, TOKENS, options)).toEqual(
    await storedRun(reference, model, TOKENS, options),
  );
});

test("F16 keeps three digits", async () => {
  const model = await loadModel(reference, tinyModel("gpt2", { seed: 2 }));
  const choice = { sites: ["L1.mlp.write"], dtype: "F16" } as const;
  const { trace } = await storedRun(reference, model, TOKENS, choice);
  const exact = run(reference, model, TOKENS, choice).trace.get("L1.mlp.write");
  const value = trace.get("L1.mlp.write");
  if (value === undefined) throw new Error("the site was not kept");
  const { shape, dtype, bytes } = value;
  const numbers = decodeNumbers({ dtype, shape: Object.values(shape), bytes }, "f64");
  expect(numbers).toBeNear(exact?.data ?? [], { rtol: 2 ** -11, of: "each", atol: 2 ** -25 });
});
