import { InputError, reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { type Folder, memoryFolder } from "@resolvent/weights";
import { describe, expect, test } from "vitest";
import { generate, loadModel, outlineModel, readJson } from "../src/index.ts";
import { configOf, withConfig } from "./folders.ts";
import { TOKENS } from "./tiny.ts";

/** A folder with one more file, given as text. */
function withText(folder: Folder, file: string, text: string): Folder {
  const more = memoryFolder(new Map([[file, new TextEncoder().encode(text)]]), folder.name);
  return {
    name: folder.name,
    open: async (name) => (name === file ? more : folder).open(name),
  };
}

describe("JSON as Python writes it", () => {
  const read = async (text: string): Promise<unknown> =>
    await readJson(withText(tinyModel("gpt2"), "x.json", text), "x.json");

  test.each<[text: string, value: object]>([
    ['{"a": Infinity}', { a: Infinity }],
    ['{"a": -Infinity, "b": [NaN, 1]}', { a: -Infinity, b: [Number.NaN, 1] }],
    ['{"a":[0.0,Infinity],"b":{"c":NaN}}', { a: [0, Infinity], b: { c: Number.NaN } }],
    ['{"NaN": "NaN", "b": "Infinity, NaN", "c": NaN}', { NaN: "NaN", b: "Infinity, NaN", c: NaN }],
    ['{"a": "\\"NaN", "b": "\\\\", "c": NaN}', { a: '"NaN', b: "\\", c: NaN }],
    ['{"a": 1, "a": 2}', { a: 2 }],
    ['\ufeff{"a": 1}', { a: 1 }],
    ['{"a": "NaNN", "b": NaN, "c": Infinity}', { a: "NaNN", b: NaN, c: Infinity }],
  ])("%s", async (text, value) => {
    expect(await read(text)).toEqual(value);
  });

  test.each([
    '{"a": nan}',
    '{"a": +Infinity}',
    '{"a": -NaN}',
    '{"a": 1Infinity}',
    '{"a": NaN',
    "NaN",
  ])("%s is none", async (text) => {
    await expect(read(text)).rejects.toMatchObject({ code: "transformer/bad-json" });
  });

  test.each<[field: string, literal: string]>([
    ["layer_norm_epsilon", "Infinity"],
    ["layer_norm_epsilon", "NaN"],
    ["n_layer", "-Infinity"],
    ["vocab_size", "NaN"],
    ["scale_attn_weights", "Infinity"],
    ["activation_function", "NaN"],
    ["logit_scale", "Infinity"],
  ])("%s as %s is refused, by its literal", async (field, literal) => {
    const { [field]: _, ...config } = await configOf(tinyModel("gpt2"));
    const text = JSON.stringify(config).replace(/}$/, `,"${field}":${literal}}`);
    const error: unknown = await loadModel(reference, withConfig(tinyModel("gpt2"), text)).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ message: expect.stringContaining(field) });
    expect(error).toMatchObject({ message: expect.stringContaining(literal) });
  });

  test("where nobody needs the number, the model loads", async () => {
    const text = JSON.stringify(await configOf(tinyModel("llama"))).replace(
      /}$/,
      ',"temperature":Infinity,"top_p":NaN}',
    );
    expect((await loadModel(reference, withConfig(tinyModel("llama"), text))).warnings).toBe(
      undefined,
    );
  });
});

describe("the end of a text", () => {
  const eosOf = async (text: string | undefined, family = "gpt2"): Promise<readonly number[]> => {
    const folder = tinyModel(family);
    const read = text === undefined ? folder : withText(folder, "generation_config.json", text);
    const { eos } = (await loadModel(reference, read, { hash: false })).architecture;
    expect((await outlineModel(read)).architecture.eos).toEqual(eos);
    return eos;
  };

  test.each<[text: string | undefined, eos: readonly number[]]>([
    [undefined, [28]],
    ['{"eos_token_id": [2, 7]}', [2, 7]],
    ['{"eos_token_id": 5}', [5]],
    ['{"eos_token_id": null}', [28]],
    ["{}", [28]],
    ['{"eos_token_id": 0, "temperature": NaN}', [0]],
    ['{"eos_token_id": ["2", 3]}', [3]],
  ])("generation_config.json %s", async (text, eos) => {
    expect(await eosOf(text)).toEqual(eos);
  });

  test("that file alone, where config.json names none", async () => {
    const folder = withConfig(tinyModel("gpt2"), {
      ...(await configOf(tinyModel("gpt2"))),
      eos_token_id: null,
    });
    const read = withText(folder, "generation_config.json", '{"eos_token_id": [4]}');
    expect((await loadModel(reference, read)).architecture.eos).toEqual([4]);
  });

  test("that file damaged is said, and config.json counts", async () => {
    const read = withText(tinyModel("gpt2"), "generation_config.json", "{");
    const model = await loadModel(reference, read);
    expect(model.architecture.eos).toEqual([28]);
    expect(model.warnings?.[0]).toMatchObject({
      code: "generation-config",
      message: expect.stringContaining("generation_config.json is not a JSON object"),
    });
  });

  test("generation stops there", async () => {
    const made = async (folder: Folder): Promise<number[]> => {
      const ids: number[] = [];
      const model = await loadModel(reference, folder, { hash: false });
      for await (const id of generate(reference, model, TOKENS, { maxTokens: 8 })) ids.push(id);
      return ids;
    };
    const all = await made(
      withText(tinyModel("llama"), "generation_config.json", '{"eos_token_id": [-1]}'),
    );
    expect(all).toHaveLength(8);
    const stop = all[3];
    const text = JSON.stringify({ eos_token_id: [28, stop] });
    const stopped = await made(withText(tinyModel("llama"), "generation_config.json", text));
    expect(stopped).toEqual(all.slice(0, all.indexOf(stop ?? -1)));
  });
});
