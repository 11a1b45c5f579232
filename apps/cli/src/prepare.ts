import type { Priced } from "@resolvent/tensor";
import { type Model, outlineModel } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { modelFolder, modelName } from "./open.ts";
import type { SharedOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";
import { type Input, readInput } from "./tokens.ts";

/** What a command that runs a model knows before it loads it. */
export interface Prepared extends Input {
  readonly folder: Folder;
  /** The model's shapes, and the name that results call it by. */
  readonly outline: Model<Priced>;
}

/** Finds the model, fetches it where it is on the Hub, and reads the input; a model's faults come before the input's. */
export async function prepare(
  name: string,
  flags: SharedOptions,
  terminal: Terminal,
): Promise<Prepared> {
  const folder = await modelFolder(name, flags, terminal);
  const outline = await outlineModel(folder, { name: modelName(name, folder) });
  return { folder, outline, ...(await readInput(flags, folder, terminal)) };
}
