import { InputError, isInputError } from "@resolvent/tensor";
import type { Folder } from "@resolvent/weights";
import { readJson, readText } from "../files.ts";
import type { Config } from "./config.ts";
import { readTokenizer } from "./pipeline.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * The tokenizer of a model's folder: tokenizer.json, with tokenizer_config.json where there is one; without it
 * vocab.json and merges.txt, for GPT-2 and Qwen. Undefined where the folder has none.
 *
 * @throws InputError `transformer/file-too-large`; `transformer/bad-tokenizer`, which names what cannot be used
 */
export async function loadTokenizer(folder: Folder): Promise<Tokenizer | undefined> {
  const json = await readJson(folder, "tokenizer.json");
  const config = await configOf(folder);
  if (json !== undefined) {
    return await usable(folder, "tokenizer.json", () => readTokenizer(json, config));
  }
  const vocab = await readJson(folder, "vocab.json");
  const merges = vocab === undefined ? undefined : await readText(folder, "merges.txt");
  if (vocab !== undefined && merges !== undefined) {
    const added = (await readJson(folder, "added_tokens.json")) ?? {};
    const family = (await readJson(folder, "config.json"))?.model_type;
    // Few models have no tokenizer.json.
    const { fromVocabAndMerges } = await import("./separate-files.ts");
    return await usable(folder, "vocab.json with merges.txt", () =>
      fromVocabAndMerges({ vocab, merges: merges.text, added, family }, config),
    );
  }
  if ((await folder.open("tokenizer.model")) === undefined) return undefined;
  throw unusable(folder, "tokenizer.model", "SentencePiece's own format is not read", {
    remedy:
      "Give token ids instead of text, or write a tokenizer.json with AutoTokenizer.from_pretrained(…).save_pretrained(…) of transformers.",
  });
}

/** tokenizer_config.json, and what special_tokens_map.json says of special tokens that it does not name. */
async function configOf(folder: Folder): Promise<Config> {
  const config = (await readJson(folder, "tokenizer_config.json")) ?? {};
  const map = (await readJson(folder, "special_tokens_map.json")) ?? {};
  const missing = Object.entries(map).filter(([name]) => (config[name] ?? undefined) === undefined);
  return { ...config, ...Object.fromEntries(missing) };
}

async function usable(
  folder: Folder,
  file: string,
  make: () => Promise<Tokenizer>,
): Promise<Tokenizer> {
  try {
    return await make();
  } catch (cause) {
    if (!isInputError(cause)) throw cause;
    throw unusable(folder, file, cause.message, { cause });
  }
}

function unusable(
  folder: Folder,
  file: string,
  reason: string,
  {
    remedy = "Give token ids instead of text.",
    cause,
  }: { readonly remedy?: string; readonly cause?: InputError } = {},
): InputError {
  return new InputError({
    code: "transformer/bad-tokenizer",
    message: `${folder.name}: ${file} cannot be used: ${reason}.`,
    remedy,
    details: { ...cause?.details, folder: folder.name },
    cause,
  });
}
