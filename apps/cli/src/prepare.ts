import {
  loadTokenizer,
  type ModelOutline,
  outlineModel,
  type Tokenizer,
} from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { modelFolder, modelName } from "./open.ts";
import type { ModelOptions, SharedOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";
import { type Input, readInput } from "./tokens.ts";

/** A model that is not loaded yet. */
export interface FoundModel {
  readonly folder: Folder;
  /** The model's shapes, and the name that results call it by. */
  readonly outline: ModelOutline;
  readonly tokenizer: Tokenizer | undefined;
}

/** Finds the model, and fetches it where it is on the Hub. */
export async function findModel(
  name: string,
  flags: ModelOptions,
  terminal: Terminal,
): Promise<FoundModel> {
  const folder = await modelFolder(name, flags, terminal);
  const outline = await outlineModel(folder, { name: modelName(name, folder) });
  return { folder, outline, tokenizer: await loadTokenizer(folder) };
}

/** What a command that runs a model knows before it loads it. */
export interface Prepared extends FoundModel, Input {}

/** Finds the model and reads the input; a model's faults come before the input's. */
export async function prepare(
  name: string,
  flags: SharedOptions,
  terminal: Terminal,
): Promise<Prepared> {
  const found = await findModel(name, flags, terminal);
  return { ...found, ...(await readInput(flags, found, terminal)) };
}
