import { InputError } from "@resolvent/tensor";
import { cacheName } from "./names.ts";

/** The folder of private storage in which repositories are. */
export const HUB_STORE = "resolvent-hub";

/** What whoever fetches files of a repository holds with others, and whoever removes it alone. */
export function repoLock(repo: string): string {
  return `${HUB_STORE}/${cacheName(repo)}`;
}

/** The private storage of the page's origin; throws `weights/hub-no-storage`. */
export async function privateStorage(): Promise<FileSystemDirectoryHandle> {
  const storage = globalThis.navigator?.storage;
  if (storage?.getDirectory === undefined) {
    throw new InputError({
      code: "weights/hub-no-storage",
      message: "There is no private storage (OPFS) here to keep models in.",
      remedy:
        "In a browser, use a page served over https or from localhost; in Node, import hubFolder from @resolvent/weights/node.",
    });
  }
  try {
    return await storage.getDirectory();
  } catch (cause) {
    throw new InputError({
      code: "weights/hub-no-storage",
      message: "The browser does not let this page keep files.",
      remedy: "Allow storage for this page, or leave private browsing.",
      cause,
    });
  }
}
