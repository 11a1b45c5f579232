import { reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, type Replacements, replacements, run } from "@resolvent/transformer";
import { expect, test } from "vitest";
import { effectOf, patchEffects, patchSetting } from "../src/index.ts";

const clean = [3, 17, 5, 28];
const pairs = [{ clean, target: { a: 4, b: 9 } }];

test("an effect is found by names, and is what the run loses without the node", async () => {
  const model = await loadModel(reference, tinyModel("llama"));
  const setting = patchSetting({
    ...{ kind: "node", level: "neuron", direction: "noise" },
    reference: { kind: "zero" },
  });
  const result = await patchEffects(reference, model, pairs, setting);
  const target = (replace: Replacements<Tensor>): number => {
    const { logits } = run(reference, model, clean, { replace });
    const last = (id: number): number =>
      logits.data[(clean.length - 1) * (logits.shape.vocab ?? 0) + id] ?? 0;
    return last(4) - last(9);
  };
  for (const name of ["L0.H1", "L1.H3", "L0.N2", "L1.N5"]) {
    const replace = replacements(reference, model, [{ nodes: [name] }]);
    const change = target(replace) - target({});
    expect(effectOf(result, name, "all")).toBeNear(change, { rtol: 1e-9, atol: 1e-12 });
  }
});

test("an edge that goes back has no effect, and a name that is not there is named", async () => {
  const model = await loadModel(reference, tinyModel("llama"));
  const setting = patchSetting({
    ...{ kind: "edge", level: "head", direction: "noise" },
    reference: { kind: "zero" },
  });
  const result = await patchEffects(reference, model, pairs, setting);
  const [source, receiver] = [
    result.sources.indexOf("L0.H1"),
    result.receivers.indexOf("L1.H3.query"),
  ];
  expect(effectOf(result, "L0.H1", "L1.H3.query")).toBe(result.effect[source]?.[receiver]);
  expect(effectOf(result, "L1.H1", "L0.H3.query")).toBeNull();
  expect(effectOf(result, "L0.H1", "final", result.pairs[0]?.effect ?? [])).toBe(
    result.effect[source]?.[result.receivers.indexOf("final")],
  );
  expect(() => effectOf(result, "L0.h1", "final")).toThrow(/no source "L0.h1".*Did you mean "L0.H/);
  expect(() => effectOf(result, "L0.H1", "L1.H3")).toThrow(
    expect.objectContaining({ code: "patching/no-name" }),
  );
});
