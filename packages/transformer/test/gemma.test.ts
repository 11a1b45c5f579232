import { type InputError, isInputError, reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import type { Folder } from "@resolvent/weights";
import { describe, expect, test } from "vitest";
import {
  type AttentionBlock,
  architectureOf,
  blocksOf,
  loadModel,
  type Model,
  run,
  softCap,
} from "../src/index.ts";
import { configOf, withConfig, withTensors } from "./folders.ts";
import { TOKENS } from "./tiny.ts";

async function load(folder: Folder): Promise<Model<Tensor>> {
  return await loadModel(reference, folder, { hash: false });
}

const logitsOf = async (folder: Folder): Promise<Tensor["data"]> =>
  run(reference, await load(folder), TOKENS).logits.data;

async function errorOf(folder: Folder): Promise<InputError> {
  const error: unknown = await load(folder).catch((e: unknown) => e);
  if (!isInputError(error)) throw new Error(`Expected an input error, got ${error}.`);
  return error;
}

function attentionOf(model: Model<Tensor>): AttentionBlock<Tensor>[] {
  return blocksOf(model).flatMap((block) => (block.kind === "attn" ? [block] : []));
}

const renamed = (folder: Folder, from: RegExp, to: string): Promise<Folder> =>
  withTensors(
    folder,
    (tensors) => new Map([...tensors].map(([name, t]) => [name.replace(from, to), t])),
  );

describe("windows and rotations by layer", () => {
  const windows = async (family: string, fields: object): Promise<(number | undefined)[]> =>
    attentionOf(await load(tinyModel(family, { ...fields }))).map(({ window }) => window);
  const base = (block: AttentionBlock<Tensor> | undefined): number =>
    (block?.rotary?.frequencies[1] ?? 0) ** -4; // of 4 pairs

  test("of Gemma 2: every other layer, the first has a window", async () => {
    const layers = { num_hidden_layers: 5 };
    expect(await windows("gemma2", layers)).toEqual([3, undefined, 3, undefined, 3]);
    const model = await load(tinyModel("gemma2", layers));
    for (const block of attentionOf(model)) expect(base(block)).toBeNear(10000);
  });

  test("of Gemma 3: all but each sixth, which has a rotation of its own", async () => {
    const layers = { num_hidden_layers: 7, sliding_window_pattern: undefined };
    expect(await windows("gemma3_text", layers)).toEqual([3, 3, 3, 3, 3, undefined, 3]);
    const [first, ...rest] = attentionOf(await load(tinyModel("gemma3_text", layers)));
    expect(base(first)).toBeNear(100);
    // Half as fast, by the scaling: the first pair shows it.
    expect(rest[4]?.rotary?.frequencies[0]).toBe(0.5);
    expect(base({ ...rest[4], rotary: double(rest[4]) } as AttentionBlock<Tensor>)).toBeNear(5000);
    // One table for all layers of a kind.
    expect(rest[0]?.rotary).toBe(first?.rotary);
  });

  function double(block: AttentionBlock<Tensor> | undefined): AttentionBlock<Tensor>["rotary"] {
    const { rotary } = block ?? {};
    return rotary && { ...rotary, frequencies: rotary.frequencies.map((f) => 2 * f) };
  }

  test("as layer_types says, before any pattern", async () => {
    const layer_types = ["full_attention", "sliding_attention"];
    expect(await windows("gemma3_text", { layer_types })).toEqual([undefined, 3]);
  });

  test("a layer with a window that has no size is refused", async () => {
    const error = await errorOf(tinyModel("gemma2", { sliding_window: null }));
    expect(error.message).toContain("layer 0 has sliding attention, and sliding_window is null");
  });

  test("rope_parameters are by kind of layer, or those of layers without a window", async () => {
    const sliding_attention = { rope_type: "default", rope_theta: 16 };
    const full_attention = { rope_type: "default", rope_theta: 81 };
    const cleared = { rope_theta: undefined, rope_scaling: undefined };
    const of = async (rope_parameters: object): Promise<number[]> => {
      const fields = { ...cleared, rope_local_base_freq: undefined, rope_parameters };
      return attentionOf(await load(tinyModel("gemma3_text", fields))).map(base);
    };
    expect(await of({ sliding_attention, full_attention })).toBeNear([16, 81]);
    expect(await of(full_attention)).toBeNear([10000, 81]);
    const odd = { rope_parameters: { full_attention, chunked_attention: {} } };
    const error = await errorOf(tinyModel("gemma3_text", odd));
    expect(error.details.field).toBe("rope_parameters.chunked_attention");
  });
});

describe("the text model within one that reads images too", () => {
  const inner = tinyModel("gemma3");
  /** As many numbers as it has, in the text model's place or beside it. */
  const withImages = (folder: Folder, start: string): Promise<Folder> =>
    withTensors(folder, (tensors) =>
      new Map(tensors)
        .set(`${start}vision_tower.vision_model.embeddings.patch_embedding.weight`, small)
        .set(`${start}multi_modal_projector.mm_input_projection_weight`, small),
    );
  const small = { shape: [1, 2], numbers: Float32Array.of(1, 2) };

  test.each([
    ["older files", /^/, "", ""],
    ["newer files", /^language_model\.model\./, "model.language_model.", "model."],
  ])("names of %s; other parts are left out, and said", async (_, from, to, start) => {
    const folder = await withImages(await renamed(inner, from, to), start);
    expect(await logitsOf(folder)).toEqual(await logitsOf(inner));
    const { warnings } = await load(folder);
    expect(warnings).toEqual([
      {
        code: "left-out-tensors",
        message: expect.stringMatching(/holds 2 tensors .*multi_modal_projector.*vision_tower/),
      },
    ]);
  });

  test("is the text model alone, with the ends that stand beside its config", async () => {
    const text = (await configOf(inner)).text_config;
    const alone = await renamed(inner, /^language_model\./, "");
    const config = { ...Object(text), model_type: "gemma3_text" };
    expect(await logitsOf(withConfig(alone, config))).toEqual(await logitsOf(inner));
    expect((await load(inner)).architecture).toMatchObject({ bos: 2, eos: [1, 28] });
    expect((await load(withConfig(alone, config))).architecture).toMatchObject({ eos: [1] });
  });

  test("what an unsaid field means is what its configuration class says", () => {
    const text_config = { hidden_size: 2560, intermediate_size: 10240, num_hidden_layers: 34 };
    expect(architectureOf({ model_type: "gemma3", text_config })).toMatchObject({
      ...{ layers: 34, heads: 8, kv_heads: 4, d_head: 256, vocab: 262208, context: 131072 },
      ...{ activation: "gelu_tanh", tied: true, bos: 2, eos: [1] },
    });
    expect(architectureOf({ model_type: "gemma2" })).toMatchObject({
      ...{ layers: 26, d_model: 2304, heads: 8, kv_heads: 4, d_head: 256, d_mlp: 9216 },
      ...{ vocab: 256000, context: 8192 },
    });
  });

  test.each([
    [{ text_config: undefined }, "transformer/bad-config", "text_config"],
    [{ text_config: [] }, "transformer/bad-config", "text_config"],
    [
      { text_config: { model_type: "gemma4" } },
      "transformer/unsupported-config",
      "text_config.model_type",
    ],
  ])("a config with %o is refused", async (fields, code, field) => {
    const error = await errorOf(withConfig(inner, { ...(await configOf(inner)), ...fields }));
    expect([error.code, error.details.field]).toEqual([code, field]);
  });
});

test.each([
  ["gemma2", { attn_logit_softcapping: 0 }, "attn_logit_softcapping"],
  ["gemma2", { final_logit_softcapping: -30 }, "final_logit_softcapping"],
  ["gemma3_text", { query_pre_attn_scalar: 0 }, "query_pre_attn_scalar"],
  ["gemma2", { attention_bias: true }, "attention_bias"],
  ["gemma3", { quantization_config: { quant_method: "gptq" } }, "quantization_config"],
])("%s with %o is refused", async (family, fields, field) => {
  const folder = tinyModel(family);
  const error = await errorOf(withConfig(folder, { ...(await configOf(folder)), ...fields }));
  expect(error.details.field).toBe(field);
});

test("a model that caps its logits says so, with the cap, and says nothing where it has none", async () => {
  const [warning] =
    (await load(tinyModel("gemma2", { final_logit_softcapping: 7 }))).warnings ?? [];
  expect(warning?.message).toMatch(/±7\. Targets, .* before the cap; KL, loss, .* after it/);
  const without = await load(tinyModel("gemma2", { final_logit_softcapping: null }));
  expect(without.warnings).toBeUndefined();
  expect(without.final).not.toHaveProperty("cap");
});

test("a soft cap is cap · tanh(x / cap), however large", () => {
  const numbers = [-1e5, -300, -30, -2, -1e-3, 0, 1e-8, 0.7, 29, 31, 400, 1e300];
  const x = reference.constant({ pos: numbers.length }, numbers);
  expect(softCap(reference, 30, x)).toBeNear(
    numbers.map((value) => 30 * Math.tanh(value / 30)),
    { atol: 1e-14 },
  );
  expect(softCap(reference, undefined, x)).toBe(x);
});
