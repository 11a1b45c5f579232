import { mkdtempSync, rmSync } from "node:fs";
import { copyFile, mkdir, open, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type TinyDictionaryOptions,
  type TinyOptions,
  tinyDictionary,
  tinyModel,
} from "@resolvent/testkit";
import { encodeNumbers, openCheckpoint } from "@resolvent/weights";
import { folderOf, writeSafetensorsFile } from "@resolvent/weights/node";
import { afterAll } from "vitest";

/** A folder for one test file, removed after it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "resolvent-cli-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const letters = "abcdefghijklmnopqrstuvwxyz é";

/** A tokenizer.json of one token a character: a to z, space, é, and the special `<|end|>`, id 28; others are skipped. */
export function letterTokenizer(tokens: readonly string[] = [...letters]): object {
  return {
    version: "1.0",
    added_tokens: [{ id: 28, content: "<|end|>", special: true }],
    normalizer: null,
    pre_tokenizer: {
      type: "Split",
      pattern: { Regex: "" },
      behavior: "Isolated",
      invert: false,
    },
    post_processor: null,
    decoder: { type: "Fuse" },
    model: {
      type: "BPE",
      vocab: Object.fromEntries([...tokens.map((token, id) => [token, id]), ["<|end|>", 28]]),
      merges: [],
    },
  };
}

/** The token ids of a text of letters, spaces and é. */
export const idsOf = (text: string): number[] => [...text].map((char) => letters.indexOf(char));

/** Writes a tiny model, with a tokenizer unless `tokenizer` is null, and gives its path. */
export async function writeModel(
  path: string,
  family: string,
  { tokenizer, ...options }: TinyOptions & { readonly tokenizer?: object | null } = {},
): Promise<string> {
  await mkdir(path, { recursive: true });
  const model = tinyModel(family, options);
  for (const name of ["config.json", "model.safetensors"]) {
    const file = await model.open(name);
    if (file !== undefined)
      await writeFile(join(path, name), await file.read(0, await file.size()));
  }
  if (tokenizer !== null) {
    await writeFile(join(path, "tokenizer.json"), JSON.stringify(tokenizer ?? letterTokenizer()));
  }
  return path;
}

/** Writes a tiny dictionary as SAELens does, and gives its path. */
export async function writeDictionary(
  path: string,
  options: TinyDictionaryOptions = {},
): Promise<string> {
  await mkdir(path, { recursive: true });
  const dictionary = tinyDictionary(options);
  for (const name of ["cfg.json", "sae_weights.safetensors"]) {
    const file = await dictionary.open(name);
    if (file !== undefined)
      await writeFile(join(path, name), await file.read(0, await file.size()));
  }
  return path;
}

/** The same model with its weights in BF16. */
export async function writeBF16(from: string, path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  for (const name of ["config.json", "tokenizer.json"]) {
    await copyFile(join(from, name), join(path, name));
  }
  const checkpoint = await openCheckpoint(folderOf(from));
  await writeSafetensorsFile(
    join(path, "model.safetensors"),
    checkpoint.names.map((name) => ({
      name,
      dtype: "BF16",
      shape: checkpoint.info(name).shape,
      bytes: async () => encodeNumbers(await checkpoint.numbers(name, "f32"), "BF16", name),
    })),
  );
  return path;
}

/** Writes a GPT-2 of zeros that takes no room on disk, however large it is: `layers`, `width`, `vocab`, `context`. */
export async function writeHollowModel(
  path: string,
  {
    layers,
    width,
    vocab,
    context,
    dtype = "F32",
  }: {
    readonly layers: number;
    readonly width: number;
    readonly vocab: number;
    readonly context: number;
    readonly dtype?: "F32" | "BF16";
  },
): Promise<string> {
  await mkdir(path, { recursive: true });
  await writeFile(
    join(path, "config.json"),
    JSON.stringify({
      model_type: "gpt2",
      n_layer: layers,
      n_embd: width,
      n_head: 2,
      n_positions: context,
      vocab_size: vocab,
      tie_word_embeddings: true,
    }),
  );
  const shapes: Record<string, readonly number[]> = {
    "wte.weight": [vocab, width],
    "wpe.weight": [context, width],
    "ln_f.weight": [width],
    "ln_f.bias": [width],
  };
  for (let layer = 0; layer < layers; layer++) {
    const parts = {
      "attn.c_attn": [width, 3 * width],
      "attn.c_proj": [width, width],
      "mlp.c_fc": [width, 4 * width],
      "mlp.c_proj": [4 * width, width],
      ln_1: [width],
      ln_2: [width],
    };
    for (const [part, shape] of Object.entries(parts)) {
      shapes[`h.${layer}.${part}.weight`] = shape;
      shapes[`h.${layer}.${part}.bias`] = shape.slice(-1);
    }
  }
  const header: Record<string, object> = {};
  let end = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    const first = end;
    end += (dtype === "F32" ? 4 : 2) * shape.reduce((product, n) => product * n, 1);
    header[name] = { dtype, shape, data_offsets: [first, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = await open(join(path, "model.safetensors"), "w");
  await file.write(Buffer.concat([length, text]));
  await file.truncate(8 + text.length + end);
  await file.close();
  return path;
}

/** The file of a small attribution graph: a token, a feature, its error and a logit. */
export function tinyGraph(): object {
  const node = (node_id: string, feature_type: string, more: object): object => ({
    ...{ node_id, feature_type, jsNodeId: node_id, clerp: "", ctx_idx: 0, feature: null },
    ...more,
  });
  return {
    metadata: { slug: "tiny", scan: "toy", prompt: "a", prompt_tokens: ["a"], schema_version: 1 },
    qParams: {},
    nodes: [
      node("0_3_0", "cross layer transcoder", { layer: "0", feature: 9, activation: 2 }),
      node("0_0_0", "mlp reconstruction error", { layer: "0", feature: -1 }),
      node("E_5_0", "embedding", { layer: "E", feature: 0 }),
      node("2_7_0", "logit", { layer: "2", feature: 7, token_prob: 0.5, clerp: 'Output "b"' }),
    ],
    links: [
      { source: "E_5_0", target: "0_3_0", weight: 1.5 },
      { source: "0_3_0", target: "2_7_0", weight: 2 },
      { source: "0_0_0", target: "2_7_0", weight: -0.5 },
      { source: "E_5_0", target: "2_7_0", weight: 0.25 },
    ],
  };
}
