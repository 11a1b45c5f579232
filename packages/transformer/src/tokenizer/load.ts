import { InputError } from "@resolvent/tensor";
import type { Folder } from "@resolvent/weights";
import { readJson } from "../files.ts";
import { pipeline } from "./pipeline.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * The tokenizer of a model's folder (tokenizer.json, with tokenizer_config.json where there is one), or undefined
 * where it has none.
 *
 * @throws InputError `transformer/bad-tokenizer`
 */
export async function loadTokenizer(folder: Folder): Promise<Tokenizer | undefined> {
  const json = await readJson(folder, "tokenizer.json");
  if (json === undefined) return undefined;
  const config = (await readJson(folder, "tokenizer_config.json")) ?? {};
  try {
    return pipeline(json, config);
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause;
    throw new InputError({
      code: "transformer/bad-tokenizer",
      message: `${folder.name}: tokenizer.json cannot be used: ${cause.message}.`,
      remedy: "Give token ids instead of text.",
      details: { ...cause.details, folder: folder.name },
      cause,
    });
  }
}
