import { bundledModels } from "@resolvent/models";
import { type Folder, urlFolder } from "@resolvent/weights";
import { type FindOptions, hubName, hubOptions, urlOptions } from "./find-options.ts";

/**
 * The folder of a model by its name: one that is bundled (`tales`), one on the Hub (`hub:openai-community/gpt2`), whose
 * files are kept in the browser's private storage, or an address, from that of the page.
 *
 * @throws InputError `weights/bad-url`; what `hubFolder` of `@resolvent/weights/hub` throws
 */
export async function findFolder(name: string, options: FindOptions = {}): Promise<Folder> {
  const bundled = Object.hasOwn(bundledModels, name) ? bundledModels[name] : undefined;
  // Bundles keep no folders, only files.
  if (bundled !== undefined) return urlFolder(bundled.files, urlOptions(options));
  const repo = hubName(name);
  if (repo !== undefined) {
    const { hubFolder } = await import("@resolvent/weights/hub"); // for those only who use it
    return await hubFolder(repo, hubOptions(options));
  }
  const base = globalThis.location?.href;
  return urlFolder(URL.canParse(name, base) ? new URL(name, base) : name, urlOptions(options));
}
