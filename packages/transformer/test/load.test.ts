import { type InputError, isInputError, reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { type Folder, memoryFolder } from "@resolvent/weights";
import { describe, expect, test } from "vitest";
import { blocksOf, loadModel, type Model, mapWeights, outlineModel, run } from "../src/index.ts";
import { configOf, withConfig, withTensors } from "./folders.ts";
import { TOKENS, tiny } from "./tiny.ts";

describe("files that do not fit", () => {
  const codeOf = async (folder: Folder): Promise<InputError> => {
    const error: unknown = await loadModel(reference, folder).catch((e: unknown) => e);
    if (!isInputError(error)) throw new Error(`Expected an input error, got ${error}.`);
    const outlined: unknown = await outlineModel(folder).catch((e: unknown) => e);
    expect(outlined).toMatchObject({ code: error.code, message: error.message });
    return error;
  };

  test("no config.json", async () => {
    const error = await codeOf(memoryFolder(new Map(), "some/where"));
    expect(error.code).toBe("transformer/no-config");
    expect(error.message).toContain("some/where");
  });

  test.each(["", "{", "[]", "3", "null", '"gpt2"', "version https://git-lfs.github.com/spec/v1"])(
    "config.json is %j",
    async (text) => {
      expect((await codeOf(withConfig(tinyModel("gpt2"), text))).code).toBe("transformer/bad-json");
    },
  );

  test("config.json says that it is huge, and is not read", async () => {
    const folder: Folder = {
      name: "huge",
      open: async () => ({
        name: "huge/config.json",
        size: async () => 2 ** 40,
        read: async () => {
          throw new Error("it was read");
        },
      }),
    };
    const error = await codeOf(folder);
    expect(error.code).toBe("transformer/file-too-large");
    expect(error.details).toMatchObject({ size: 2 ** 40 });
  });

  test("a tensor of another size", async () => {
    const folder = tinyModel("gpt2");
    const config = { ...(await configOf(folder)), vocab_size: 30 };
    const error = await codeOf(withConfig(folder, config));
    expect(error.code).toBe("transformer/wrong-size");
    expect(error.message).toContain(
      "transformer.wte.weight should be [30, 16] (vocab, d_model), got [29, 16]",
    );
  });

  test("a tensor with its axes exchanged, or of another rank", async () => {
    const name = "blocks.0.mlp.W_in";
    for (const shape of [[24, 16], [16, 24, 1], [384], [16, 4, 6]]) {
      const folder = await withTensors(tinyModel("transformer_lens-ln-gelu"), (tensors) => {
        const stored = tensors.get(name);
        return stored ? tensors.set(name, { ...stored, shape }) : tensors;
      });
      const error = await codeOf(folder);
      expect(error.code).toBe("transformer/wrong-size");
      expect(error.details).toMatchObject({ tensor: name, got: shape });
    }
  });

  test.each(tinyFamilies)("%s: each tensor that is missing is missed", async (family) => {
    const all = new Set<string>();
    await withTensors(tinyModel(family), (tensors) => {
      for (const name of tensors.keys()) all.add(name);
      return tensors;
    });
    // Biases and scales of TransformerLens may be absent: whether there are some is told by the file.
    const optional = /\.b_?[A-Za-z]*$|\._b_[KV]$|ln\w*\.w$/;
    for (const name of [...all].filter((n) => !optional.test(n))) {
      const folder = await withTensors(tinyModel(family), (tensors) => {
        tensors.delete(name);
        return tensors;
      });
      const error = await codeOf(folder);
      expect(error.code, name).toBe("transformer/missing-tensor");
      expect(error.message).toContain(name);
    }
  });

  test("tensors that the model has no place for", async () => {
    const extra = { shape: [2], numbers: Float32Array.of(1, 2) };
    for (const name of [
      "transformer.h.0.adapter.weight",
      "transformer.h.2.ln_1.weight",
      "lm_bias",
      "score.weight",
    ]) {
      const folder = await withTensors(tinyModel("gpt2"), (tensors) => tensors.set(name, extra));
      const error = await codeOf(folder);
      expect(error.code).toBe("transformer/unexpected-tensor");
      expect(error.details.names).toEqual([name]);
      expect(error.message).toContain(name);
    }
  });

  test("more layers in the file than in the config, and fewer", async () => {
    const folder = tinyModel("llama");
    const config = await configOf(folder);
    const fewer = await codeOf(withConfig(folder, { ...config, num_hidden_layers: 1 }));
    expect(fewer.code).toBe("transformer/unexpected-tensor");
    expect(fewer.message).toMatch(/9 tensors .* 1 layers .*model\.layers\.1\./);
    const more = await codeOf(withConfig(folder, { ...config, num_hidden_layers: 100_000_000 }));
    expect(more.code).toBe("transformer/missing-tensor");
    expect(more.message).toContain("model.layers.2.");
  });

  test("a llama with the query norm of Qwen3", async () => {
    const folder = tinyModel("qwen3");
    const config = { ...(await configOf(folder)), model_type: "llama" };
    expect((await codeOf(withConfig(folder, config))).code).toBe("transformer/unexpected-tensor");
  });
});

describe("names that checkpoints may have", () => {
  const logitsOf = async (folder: Folder): Promise<Tensor> =>
    run(reference, await loadModel(reference, folder), TOKENS).logits;

  test.each([
    ["gpt2", "transformer."],
    ["gpt2-untied", "transformer."],
    ["gpt_neox", "gpt_neox."],
    ["llama", "model."],
  ])("%s without %s", async (family, prefix) => {
    const folder = tinyModel(family);
    const bare = await withTensors(folder, (tensors) => {
      const renamed = [...tensors].map(([name, t]) => [name.replace(prefix, ""), t] as const);
      expect(renamed.some(([name]) => name.startsWith(prefix))).toBe(false);
      return new Map(renamed);
    });
    expect(await logitsOf(bare)).toEqual(await logitsOf(folder));
  });

  test.each([
    ["gpt2", "transformer.wte.weight", "lm_head.weight"],
    ["llama-biased", "model.embed_tokens.weight", "lm_head.weight"],
  ])("%s with the tied embedding stored twice", async (family, embedding, copy) => {
    const folder = tinyModel(family);
    const twice = await withTensors(folder, (tensors) => {
      const stored = tensors.get(embedding);
      return stored ? tensors.set(copy, stored) : tensors;
    });
    expect(await logitsOf(twice)).toEqual(await logitsOf(folder));
  });

  test.each([
    ["gpt2", ["transformer.h.0.attn.bias", "transformer.h.1.attn.masked_bias"]],
    [
      "gpt_neox",
      ["gpt_neox.layers.0.attention.bias", "gpt_neox.layers.1.attention.rotary_emb.inv_freq"],
    ],
    ["llama", ["model.layers.0.self_attn.rotary_emb.inv_freq"]],
    [
      "transformer_lens-rotary",
      ["blocks.0.attn.mask", "blocks.1.attn.IGNORE", "blocks.0.attn.rotary_sin"],
    ],
  ])("%s with masks and tables", async (family, names) => {
    const folder = tinyModel(family);
    const table = { shape: [2], numbers: Float32Array.of(1, 0) };
    const more = await withTensors(folder, (tensors) => {
      for (const name of names) tensors.set(name, table);
      return tensors;
    });
    expect(await logitsOf(more)).toEqual(await logitsOf(folder));
  });
});

describe("loadModel", () => {
  test("tells how far it is, by tensors", async () => {
    const told: { done: number; total: number }[] = [];
    await loadModel(reference, tinyModel("gpt2"), { onProgress: (p) => told.push(p) });
    expect(told.map(({ done }) => done)).toEqual(told.map((_, i) => i + 1));
    expect(told.at(-1)).toEqual({ done: 28, total: 28 });
  });

  test("stops with the signal's reason", async () => {
    const aborting = new AbortController();
    const loading = loadModel(reference, tinyModel("llama"), {
      signal: aborting.signal,
      onProgress: ({ done }) => done === 5 && aborting.abort(new Error("not wanted")),
    });
    await expect(loading).rejects.toThrow("not wanted");
    await expect(outlineModel(tinyModel("llama"), { signal: aborting.signal })).rejects.toThrow(
      "not wanted",
    );
  });

  test("names the model by its folder, or as asked", async () => {
    const at = async (path: string, name?: string): Promise<string> => {
      const folder = { ...tinyModel("gpt2"), name: path };
      const options = name === undefined ? {} : { name };
      expect((await outlineModel(folder, options)).name).toBe(name ?? "gpt2-small");
      return (await loadModel(reference, folder, options)).name;
    };
    expect(await at("models/gpt2-small")).toBe("gpt2-small");
    expect(await at("https://example.org/gpt2-small/")).toBe("gpt2-small");
    expect(await at("C:\\models\\gpt2-small\\")).toBe("gpt2-small");
    expect(await at("models/gpt2-small", "mine")).toBe("mine");
  });

  test("the hash is that of the weights, and left out where it is not wanted", async () => {
    const hash = async (seed: number): Promise<string | undefined> =>
      (await loadModel(reference, tinyModel("gpt2", { seed }))).sha256;
    expect(await hash(1)).toBe(await hash(1));
    expect(await hash(1)).not.toBe(await hash(2));
    expect("sha256" in (await tiny("gpt2"))).toBe(false);
    expect("sha256" in (await outlineModel(tinyModel("gpt2")))).toBe(false);
  });
});

describe.each(tinyFamilies)("mapWeights of %s", (family) => {
  test("passes each weight once, by a name of its own, and nothing else", async () => {
    const model = await tiny(family);
    const seen = new Map<string, Tensor>();
    const same = mapWeights(model, (weight, name) => {
      expect(seen.has(name)).toBe(false);
      expect(weight.data.length).toBeGreaterThan(0);
      seen.set(name, weight);
      return weight;
    });
    expect(new Set(seen.values()).size).toBe(seen.size);
    expect(same).toEqual(model);
    const { tied, layers } = model.architecture;
    expect(seen.has("final.W_U")).toBe(!tied);
    for (const name of ["embed.W_E", "L0.attn.W_Q", `L${layers - 1}.attn.W_O`])
      expect(seen.has(name)).toBe(true);
  });

  test("gives a model of other values that keeps its settings", async () => {
    const model = await tiny(family);
    const doubled: Model<Tensor> = mapWeights(model, (w) => reference.scale(w, 2));
    const [old, now] = [blocksOf(model), blocksOf(doubled)];
    old.forEach((block, i) => {
      const other = now[i];
      expect(other?.name).toBe(block.name);
      if (block.kind !== "attn" || other?.kind !== "attn") return;
      expect(other.W_Q).toEqual(reference.scale(block.W_Q, 2));
      expect(other.scoreScale).toBe(block.scoreScale);
      expect(other.window).toBe(block.window);
      // The same object, for which the table of angles is made once.
      expect(other.rotary).toBe(block.rotary);
    });
    expect(doubled.architecture).toBe(model.architecture);
  });
});
