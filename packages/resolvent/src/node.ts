import { readOnThread } from "@resolvent/weights/node";
import { findFolder } from "./find-folder-node.ts";
import { openerOf } from "./open.ts";
import type { OpenModel } from "./open-options.ts";

export type { WholeFile } from "@resolvent/weights";
export type { FoundDictionary } from "./dictionary-name.ts";
export {
  type AnyEngine,
  chooseEngine,
  ENGINES,
  type EngineChoice,
  type EngineName,
  type EngineOptions,
  type EngineReport,
  type Probe,
  selectEngine,
} from "./engine.ts";
export { findDictionaries, findDictionary } from "./find-dictionary-node.ts";
export { findFolder } from "./find-folder-node.ts";
export type { FindOptions } from "./find-options.ts";
export type {
  Ablate,
  AblationReference,
  BlockName,
  HeadName,
  NeuronName,
  Steer,
} from "./intervention.ts";
export { LanguageModel, type LanguageModelParts, type RunInput } from "./language-model.ts";
export type { Candidate, LanguageRun, Token } from "./language-run.ts";
export type {
  ModelPlace,
  OpenModel,
  OpenOnOptions,
  OpenOptions,
  OpenProgress,
} from "./open-options.ts";

/**
 * A language model from its name, an address or a folder: its engine, files, tokenizer and weights, ready to run.
 *
 * ```ts
 * const lm = await openModel("tales");
 * const { logits, trace } = await lm.run("Once upon a time", { sites: ["*.pattern"] });
 * await lm.close();
 * ```
 *
 * @param from a bundled model (`tales`, `attn-only-2l`), a path, `openai-community/gpt2` on the Hub, an address, or a folder
 * @throws InputError what `findFolder`, `selectEngine` and `loadModel` throw; the signal's reason where it is aborted
 */
export const openModel: OpenModel = openerOf({ findFolder, readOnThread, local: true });
