import {
  adjoint,
  type Recorded,
  reference,
  type Shape,
  sizeOf,
  type Tensor,
} from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { openCheckpoint } from "@resolvent/weights";
import { describe, expect, test } from "vitest";
import { assembleModel, nextTokenLoss, run, tokenIds } from "../src/index.ts";
import { configOf } from "./folders.ts";
import { TOKENS, tiny } from "./tiny.ts";

/** The tensors of a tiny model by their names without the common prefix. */
async function partsOf(family: string): Promise<Map<string, Float64Array>> {
  const checkpoint = await openCheckpoint(tinyModel(family));
  const parts = new Map<string, Float64Array>();
  for (const name of checkpoint.names) {
    const short = name.replace(/^(transformer|gpt_neox|language_model\.model|model)\./, "");
    parts.set(short, await checkpoint.numbers(name, "f64"));
  }
  return parts;
}

describe.each(tinyFamilies)("%s from tensors at hand", (family) => {
  test("is the model that the file holds, and asks for each of its tensors once", async () => {
    const parts = await partsOf(family);
    const asked: string[] = [];
    const tensor = (name: string, shape: Shape): Tensor => {
      asked.push(name);
      return reference.constant(shape, parts.get(name) ?? []);
    };
    const config = await configOf(tinyModel(family));
    const model = assembleModel(reference, config, tensor, { has: (name) => parts.has(name) });
    expect(asked.sort()).toEqual([...parts.keys()].sort());
    expect(model.name).toBe(config.model_type);
    const loaded = await tiny(family);
    expect(model.architecture).toEqual(loaded.architecture);
    expect(run(reference, model, TOKENS).logits).toEqual(run(reference, loaded, TOKENS).logits);
  });

  test("takes variables of a tape, and each gets a gradient of its own shape", async () => {
    const parts = await partsOf(family);
    const tape = adjoint(reference);
    const variables = new Map<string, Recorded<Tensor>>();
    const variable = (name: string, shape: Shape): Recorded<Tensor> => {
      const node = tape.variable(reference.constant(shape, parts.get(name) ?? []));
      variables.set(name, node);
      return node;
    };
    const config = await configOf(tinyModel(family));
    const model = assembleModel(tape, config, variable, { has: (name) => parts.has(name) });
    const loss = nextTokenLoss(tape, run(tape, model, TOKENS).logits, tokenIds(TOKENS));
    const gradients = tape.gradients(loss, reference.fill({}, 1), [...variables.values()]);
    [...variables].forEach(([name, { shape }], i) => {
      expect(sizeOf(gradients[i]?.shape ?? {}), name).toBe(sizeOf(shape));
      expect(
        gradients[i]?.data.some((x) => x !== 0),
        name,
      ).toBe(true);
    });
  });
});

test("by default all tensors are there: for GPT-2 those of its file", async () => {
  const asked: string[] = [];
  const config = await configOf(tinyModel("gpt2"));
  assembleModel(reference, config, (name, shape) => {
    asked.push(name);
    return reference.fill(shape, 0);
  });
  expect(asked.sort()).toEqual([...(await partsOf("gpt2")).keys()].sort());
});

test("a name for the model; configs are refused as they are by loadModel", () => {
  const zero = (_: string, shape: Shape): Tensor => reference.fill(shape, 0);
  const config = {
    model_type: "gpt2",
    n_layer: 1,
    n_embd: 4,
    n_head: 2,
    n_positions: 5,
    vocab_size: 3,
  };
  expect(assembleModel(reference, config, zero, { name: "new" }).name).toBe("new");
  expect(() => assembleModel(reference, { ...config, model_type: "bert" }, zero)).toThrow(
    /model_type/,
  );
  expect(() => assembleModel(reference, { ...config, n_head: 3 }, zero)).toThrow(/3 heads/);
});
