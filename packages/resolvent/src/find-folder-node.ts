import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundledModels } from "@resolvent/models";
import { bundledVariants } from "@resolvent/models/variants";
import { InputError, isInputError } from "@resolvent/tensor";
import { didYouMean, type Folder, nearestNames, urlFolder } from "@resolvent/weights";
import { folderOf, hubFolder } from "@resolvent/weights/node";
import {
  checkNoRevision,
  type FindOptions,
  hubName,
  hubOptions,
  urlOptions,
} from "./find-options.ts";
import { variantFolder } from "./variant-folder.ts";

/** System errors that say that a path leads nowhere. */
const missing: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG"]);

/** Errors of the Hub that say that a name leads nowhere from here. */
const notOnTheHub: ReadonlySet<string> = new Set([
  "weights/hub-bad-name",
  "weights/hub-not-found",
  "weights/hub-offline",
  "weights/unreachable",
]);

/**
 * The folder of a model by its name: one that is bundled (`tales`, `tales-rows`), a path, one on the Hub, which is fetched
 * (`openai-community/gpt2`, or `hub:openai-community/gpt2` where a folder has that name), or an address.
 *
 * @throws InputError `resolvent/no-model`, `resolvent/not-a-folder`, `resolvent/no-revisions`, `resolvent/unreadable`,
 * `resolvent/unreachable`; what else `hubFolder` of `@resolvent/weights/node` throws
 */
export async function findFolder(name: string, options: FindOptions = {}): Promise<Folder> {
  const bundled = Object.hasOwn(bundledModels, name) ? bundledModels[name] : undefined;
  const variant = Object.hasOwn(bundledVariants, name) ? bundledVariants[name] : undefined;
  if ((bundled ?? variant) !== undefined) checkNoRevision(name, "a bundled model", options);
  if (bundled !== undefined) return folderOf(fileURLToPath(bundled.url));
  if (variant !== undefined) {
    return await variantFolder(variant, {
      base: folderOf(fileURLToPath(bundledModels[variant.of].url)),
      packed: ({ url }) => folderOf(fileURLToPath(url)),
    });
  }
  const repo = hubName(name);
  if (repo !== undefined) return await hubFolder(repo, hubOptions(options));
  if (/^https?:\/\//i.test(name)) {
    checkNoRevision(name, "an address", options);
    return urlFolder(name, urlOptions(options));
  }
  const found = await stat(name).catch((error: NodeJS.ErrnoException) => {
    if (missing.has(error.code ?? "")) return undefined;
    throw new InputError({
      code: "resolvent/unreadable",
      message: `"${name}" cannot be read (${error.code}).`,
      remedy: "Check the permissions of the folders on the way.",
      details: { path: name, system: error.code },
      cause: error,
    });
  });
  if (found?.isDirectory()) {
    checkNoRevision(name, "a folder", options);
    return folderOf(name);
  }
  const names = [...Object.keys(bundledModels), ...Object.keys(bundledVariants)];
  if (found !== undefined) {
    throw new InputError({
      code: "resolvent/not-a-folder",
      message: `"${name}" is a file; a model is a folder with config.json and model.safetensors.`,
      remedy: `Bundled: ${names.join(", ")}.`,
      details: { path: name, bundled: names },
    });
  }
  try {
    return await hubFolder(name, hubOptions(options));
  } catch (error) {
    if (!(isInputError(error) && notOnTheHub.has(error.code))) throw error;
    const unreachable = error.code === "weights/unreachable";
    throw new InputError({
      code: unreachable ? "resolvent/unreachable" : "resolvent/no-model",
      message: unreachable
        ? `"${name}" is neither a bundled model nor a folder here, and on the Hub it could not be looked for: ${withoutRemedy(error)}`
        : `"${name}" is neither a bundled model nor a folder, and on the Hub: ${error.message}`,
      remedy: `${didYouMean(nearestNames(name, names))}${unreachable ? "Check the name or path, or the network; offline uses what has been fetched before. " : ""}Bundled: ${names.join(", ")}.`,
      details: { name, bundled: names },
      cause: error,
    });
  }
}

/** The message of an error without what it says to do. */
function withoutRemedy({ message, remedy }: InputError): string {
  return remedy === undefined ? message : message.slice(0, -remedy.length).trimEnd();
}
