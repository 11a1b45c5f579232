import { bundledModels } from "@resolvent/models";
import type { PackedVariant, PermutedVariant } from "@resolvent/models/variants";
import { type Folder, urlFolder } from "@resolvent/weights";
import {
  checkNoRevision,
  type FindOptions,
  hubName,
  hubOptions,
  urlOptions,
} from "./find-options.ts";
import { variantFolder } from "./variant-folder.ts";

/**
 * The folder of a model by its name: one that is bundled (`tales`, `tales-rows`), one on the Hub (`hub:openai-community/gpt2`), whose
 * files are kept in the browser's private storage, or an address, from that of the page.
 *
 * @throws InputError `weights/bad-url`, `resolvent/no-revisions`; what `hubFolder` of `@resolvent/weights/hub` throws
 */
export async function findFolder(name: string, options: FindOptions = {}): Promise<Folder> {
  const bundled = Object.hasOwn(bundledModels, name) ? bundledModels[name] : undefined;
  // Bundles keep no folders, only files.
  const variant = bundled === undefined ? await variantCalled(name) : undefined;
  if ((bundled ?? variant) !== undefined) checkNoRevision(name, "a bundled model", options);
  if (bundled !== undefined) return urlFolder(bundled.files, urlOptions(options));
  if (variant !== undefined) {
    return await variantFolder(variant, {
      base: urlFolder(bundledModels[variant.of].files, urlOptions(options)),
      packed: ({ files }) => urlFolder(files, urlOptions(options)),
    });
  }
  const repo = hubName(name);
  if (repo !== undefined) {
    const { hubFolder } = await import("@resolvent/weights/hub"); // for those only who use it
    return await hubFolder(repo, hubOptions(options));
  }
  checkNoRevision(name, "an address", options);
  const base = globalThis.location?.href;
  return urlFolder(URL.canParse(name, base) ? new URL(name, base) : name, urlOptions(options));
}

/** Asked for only where a name may be one: no address has to wait for the list. */
async function variantCalled(name: string): Promise<PackedVariant | PermutedVariant | undefined> {
  if (!/^[\w-]+$/.test(name)) return undefined;
  const { bundledVariants } = await import("@resolvent/models/variants");
  return Object.hasOwn(bundledVariants, name) ? bundledVariants[name] : undefined;
}
