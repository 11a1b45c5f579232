import { type InputError, isInputError, reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import {
  encodeNumbers,
  type Folder,
  memoryFolder,
  openCheckpoint,
  writeSafetensors,
} from "@resolvent/weights";
import { describe, expect, test } from "vitest";
import { loadModel, type Model, outlineModel, run } from "../src/index.ts";
import { configOf, withConfig, withTensors } from "./folders.ts";
import { TOKENS } from "./tiny.ts";

const heads: readonly (readonly [family: string, embedding: string, unembedding: string])[] = [
  ["gpt2", "transformer.wte.weight", "lm_head.weight"],
  ["gpt_neox", "gpt_neox.embed_in.weight", "embed_out.weight"],
  ...["llama", "mistral", "qwen2", "qwen3"].map(
    (family) => [family, "model.embed_tokens.weight", "lm_head.weight"] as const,
  ),
];

/** A tiny model whose tensors include an unembedding of its own, and whose config says whether there is one. */
async function withHead(family: string, tie_word_embeddings: boolean | undefined): Promise<Folder> {
  const untied = tinyModel(family, { tie_word_embeddings: false });
  const config = await configOf(untied);
  return withConfig(untied, { ...config, tie_word_embeddings });
}

async function logitsOf(folder: Folder): Promise<Tensor["data"]> {
  return run(reference, await load(folder), TOKENS).logits.data;
}

async function load(folder: Folder): Promise<Model<Tensor>> {
  return await loadModel(reference, folder, { hash: false });
}

async function errorOf(folder: Folder): Promise<InputError> {
  const error: unknown = await load(folder).catch((e: unknown) => e);
  if (!isInputError(error)) throw new Error(`Expected an input error, got ${error}.`);
  return error;
}

/** The same tensors in two files with an index, the first half of the names in the first. */
async function sharded(folder: Folder, only: (name: string) => boolean): Promise<Folder> {
  const checkpoint = await openCheckpoint(folder);
  const names = checkpoint.names.filter(only);
  const files = new Map<string, Uint8Array>();
  const weight_map: Record<string, string> = {};
  for (const half of [0, 1]) {
    const own = names.filter((_, i) => Number(i >= names.length / 2) === half);
    const file = `part-${half}.safetensors`;
    for (const name of own) weight_map[name] = file;
    const tensors = own.map(async (name) => ({ name, ...(await checkpoint.read(name)) }));
    files.set(file, await writeSafetensors(await Promise.all(tensors)));
  }
  const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  files.set("model.safetensors.index.json", text({ metadata: {}, weight_map }));
  files.set("config.json", text(await configOf(folder)));
  return memoryFolder(files, folder.name);
}

describe.each(heads)("%s, whose embedding is %s and unembedding %s", (family, embedding, own) => {
  test("said to be tied, with an unembedding of its own: it is used, and that is said", async () => {
    const folder = await withHead(family, true);
    const model = await load(folder);
    expect(model.architecture.tied).toBe(false);
    expect(model.warnings?.map(({ code }) => code)).toEqual(["untied"]);
    expect(model.warnings?.[0]?.message).toContain(`${embedding} and ${own}`);
    expect((await outlineModel(folder)).warnings).toEqual(model.warnings);
    expect((await outlineModel(folder)).architecture).toEqual(model.architecture);
    const untied = await withHead(family, false);
    expect((await load(untied)).warnings).toBeUndefined();
    expect(await logitsOf(folder)).toEqual(await logitsOf(untied));
    expect(await logitsOf(folder)).not.toEqual(
      await logitsOf(tinyModel(family, { tie_word_embeddings: true })),
    );
  });

  test("said to be tied, with one matrix under either name, or the same twice: silently one", async () => {
    const both = await withTensors(await withHead(family, true), (tensors) => {
      const shared = tensors.get(embedding);
      return shared ? tensors.set(own, shared) : tensors;
    });
    const right = await logitsOf(both);
    for (const dropped of [embedding, own]) {
      const one = await withTensors(both, (tensors) => {
        tensors.delete(dropped);
        return tensors;
      });
      const model = await load(one);
      expect(model.architecture.tied).toBe(true);
      expect(model.warnings).toBeUndefined();
      expect(model.final.W_U).toBe(model.embed.W_E);
      expect(await logitsOf(one)).toEqual(right);
      const shards = await sharded(both, (name) => name !== dropped);
      expect(await logitsOf(shards)).toEqual(right);
      // Its size counts once, whichever it is.
      expect((await outlineModel(one)).sizes).toEqual((await outlineModel(both)).sizes);
    }
    expect((await load(both)).warnings).toBeUndefined();
    expect(await logitsOf(await sharded(both, () => true))).toEqual(right);
  });

  test("the same matrix in two dtypes is one, and one number of it makes two", async () => {
    const folder = await withHead(family, true);
    const checkpoint = await openCheckpoint(folder);
    const wide = async (change: number): Promise<Folder> => {
      const tensors = checkpoint.names.map(async (name) => {
        if (name !== own) return { name, ...(await checkpoint.read(name)) };
        const numbers = (await checkpoint.numbers(embedding, "f64")).map((x, i) =>
          i === 5 ? x + change : x,
        );
        const { shape } = checkpoint.info(embedding);
        return { name, dtype: "F64", shape, bytes: encodeNumbers(numbers, "F64") } as const;
      });
      const file = await writeSafetensors(await Promise.all(tensors));
      const changed = memoryFolder(new Map([["model.safetensors", file]]), folder.name);
      return {
        name: folder.name,
        open: async (name) => (name === "model.safetensors" ? changed : folder).open(name),
      };
    };
    expect((await load(await wide(0))).architecture.tied).toBe(true);
    expect((await load(await wide(1e-9))).architecture.tied).toBe(false);
  });

  test("not said to be tied, without an unembedding: refused, with what is missing and why", async () => {
    const flags = family === "gpt2" ? [false] : [false, undefined]; // GPT-2 is tied where nothing is said
    for (const flag of flags) {
      const folder = await withTensors(await withHead(family, flag), (tensors) => {
        tensors.delete(own);
        return tensors;
      });
      const error = await errorOf(folder);
      expect(error.code).toBe("transformer/missing-tensor");
      expect(error.message).toContain(own);
      expect(error.message).toContain("tie_word_embeddings");
    }
  });

  test("neither matrix: refused, with both names", async () => {
    const folder = await withTensors(await withHead(family, true), (tensors) => {
      tensors.delete(own);
      tensors.delete(embedding);
      return tensors;
    });
    const error = await errorOf(folder);
    expect(error.message).toContain(`no tensor ${embedding} and no ${own}`);
  });
});
