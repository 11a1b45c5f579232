import { reference } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { loadModel, run } from "@resolvent/transformer";
import { expect, test } from "vitest";
import { checkGates, GATES, type Gate, gateAt } from "../src/index.ts";

test("the gates are every site at which a block is nonlinear, and no other", async () => {
  const found: Record<string, Gate | undefined> = {};
  for (const family of tinyFamilies) {
    const model = await loadModel(reference, tinyModel(family), { hash: false });
    const { trace } = run(reference, model, [1, 2], { sites: ["*"] });
    for (const site of trace.keys()) {
      found[site.replace(/^L\d+/, "L")] = gateAt(site);
    }
  }
  const gates = Object.entries(found).filter(([, gate]) => gate !== undefined);
  expect(Object.fromEntries(gates)).toEqual({
    "L.attn.norm": "norm",
    "L.attn.query_norm": "norm",
    "L.attn.key_norm": "norm",
    "L.attn.pattern": "pattern",
    "L.mlp.norm": "norm",
    "L.mlp.gate": "activation",
    "L.attn.write_norm": "norm",
    "L.mlp.write_norm": "norm",
    "L.mlp.post_norm": "norm",
  });
  expect(Object.keys(found)).toEqual(
    expect.arrayContaining(["embed", "final.norm", "logits", "L.attn.write", "L.mlp.pre"]),
  );
});

test("gates come in one order, each once", () => {
  expect(checkGates(["activation", "pattern", "activation"])).toEqual(["pattern", "activation"]);
  expect(checkGates([])).toEqual([]);
  expect(checkGates([...GATES].reverse())).toEqual(GATES);
  expect(() => checkGates(["pattern", "gate"])).toThrow('no gate "gate"');
});
