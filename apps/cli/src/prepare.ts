import { type InputError, isInputError } from "@resolvent/tensor";
import {
  loadTokenizer,
  type ModelOutline,
  outlineModel,
  type Tokenizer,
} from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { modelFolder, modelName } from "./open.ts";
import type { ModelOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** A model that is not loaded yet. */
export interface FoundModel {
  readonly folder: Folder;
  /** The model's shapes, and the name that results call it by. */
  readonly outline: ModelOutline;
  readonly tokenizer: Tokenizer | undefined;
  /** Why its tokenizer cannot be used: an error for text, none for token ids. */
  readonly tokenizerFault: InputError | undefined;
}

/** Finds the model, and fetches it where it is on the Hub. */
export async function findModel(
  name: string,
  flags: ModelOptions,
  terminal: Terminal,
): Promise<FoundModel> {
  const folder = await modelFolder(name, flags, terminal);
  const outline = await outlineModel(folder, { name: modelName(name, folder) });
  try {
    return { folder, outline, tokenizer: await loadTokenizer(folder), tokenizerFault: undefined };
  } catch (error) {
    if (!isInputError(error) || error.code !== "transformer/bad-tokenizer") throw error;
    return { folder, outline, tokenizer: undefined, tokenizerFault: error };
  }
}
