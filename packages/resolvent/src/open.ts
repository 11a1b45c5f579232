import { InputError, isInputError, type Shaped } from "@resolvent/tensor";
import {
  loadModel,
  loadTokenizer,
  outlineModel,
  parametersOf,
  type Tokenizer,
} from "@resolvent/transformer";
import { type Folder, type ThreadFolder, urlFolder } from "@resolvent/weights";
import { type AnyEngine, selectEngine } from "./engine.ts";
import { checkNoRevision, type FindOptions, urlOptions } from "./find-options.ts";
import { LanguageModel } from "./language-model.ts";
import type { ModelPlace, OpenModel, OpenOptions } from "./open-options.ts";

/** What differs between Node and browsers. */
export interface Platform {
  findFolder(name: string, options: FindOptions): Promise<Folder>;
  /** The folder with files that can be read at once, as a model that streams reads them. */
  readOnThread(folder: Folder, options: { readonly signal?: AbortSignal }): Promise<ThreadFolder>;
  /** Whether the files of a folder that was found can be read at once as they are. */
  readonly local: boolean;
}

type AnyOptions = Omit<OpenOptions, "engine"> & {
  readonly engine?: OpenOptions["engine"] | AnyEngine;
};

/** `openModel` of a platform. */
export function openerOf(platform: Platform): OpenModel {
  const open = async (
    from: ModelPlace,
    options: AnyOptions = {},
  ): Promise<LanguageModel<Shaped, AnyEngine>> => {
    const {
      engine: given,
      precision,
      threads,
      revision,
      offline,
      onProgress,
      onWhole,
      ...load
    } = options;
    const { signal, stream = false } = load;
    const place = await folderFrom(platform, from, {
      ...{ revision, offline, signal, onWhole },
      onProgress: onProgress && (({ done, total }) => onProgress({ done, total, of: "byte" })),
    });
    const tokenizer = await tokenizerIn(place.folder);
    const thread =
      stream && !place.atOnce
        ? await platform.readOnThread(place.folder, signal === undefined ? {} : { signal })
        : undefined;
    let made: AnyEngine | undefined;
    const close = async (): Promise<void> => {
      await made?.close();
      await thread?.close();
    };
    try {
      if (typeof given !== "object") {
        made = await selectEngine({
          ...(given !== undefined && { engine: given }),
          ...(precision !== undefined && { precision }),
          ...(threads !== undefined && { threads }),
          // A name says what computes; the size has to be known where there is none.
          ...(given === undefined && {
            parameters: parametersOf((await outlineModel(place.folder)).sizes),
          }),
        });
      }
      const engine = made ?? (given as AnyEngine); // one of the two
      const folder = thread ?? place.folder;
      const model = await loadModel(engine, folder, {
        ...load,
        name: load.name ?? place.name,
        ...(onProgress && {
          onProgress: ({ done, total }) => onProgress({ done, total, of: "tensor" }),
        }),
      });
      return new LanguageModel({ engine, folder, model, ...tokenizer, close });
    } catch (error) {
      await close();
      throw error;
    }
  };
  return open as OpenModel; // an engine of another kind is used in the same way
}

interface FoundPlace {
  readonly folder: Folder;
  readonly name: string;
  readonly atOnce: boolean;
}

async function folderFrom(
  platform: Platform,
  from: ModelPlace,
  options: FindOptions,
): Promise<FoundPlace> {
  if (from instanceof URL) {
    checkNoRevision(from.href, "an address", options);
    return {
      folder: urlFolder(from, urlOptions(options)),
      name: nameOf(from.pathname),
      atOnce: false,
    };
  }
  // Who writes JavaScript may leave it out.
  if (from === undefined || from === null || from === "") {
    throw new InputError({
      code: "resolvent/no-place",
      message: "openModel has got no model.",
      remedy: 'Name one: openModel("tales"), a folder, an address, or a name on the Hub.',
    });
  }
  if (typeof from !== "string") {
    checkNoRevision(from.name, "a folder", options);
    return { folder: from, name: nameOf(from.name), atOnce: true };
  }
  const folder = await platform.findFolder(from, options);
  const onHub = "repo" in folder && typeof folder.repo === "string";
  const isAddress = /^https?:\/\//i.test(from);
  return {
    folder,
    name: onHub ? String(folder.repo) : nameOf(from),
    atOnce: platform.local && !isAddress,
  };
}

/** The last part of a path. */
function nameOf(path: string): string {
  return /([^/\\]+)[/\\]*$/.exec(path)?.[1] ?? path;
}

/** The tokenizer of a folder; one that cannot be used is a fault of texts, not of the model. */
async function tokenizerIn(
  folder: Folder,
): Promise<{ readonly tokenizer: Tokenizer | undefined; readonly tokenizerFault?: InputError }> {
  try {
    return { tokenizer: await loadTokenizer(folder) };
  } catch (error) {
    if (!isInputError(error) || error.code !== "transformer/bad-tokenizer") throw error;
    return { tokenizer: undefined, tokenizerFault: error };
  }
}
