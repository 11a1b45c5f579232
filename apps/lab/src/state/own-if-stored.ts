import { MADE_STORE } from "../storage/made-store.ts";
import type { Lab } from "./lab.svelte.ts";

/** Lists stored models among the others where there are any: what else it takes is loaded only then. */
export async function ownIfStored(lab: Lab): Promise<void> {
  if (await isThere(MADE_STORE)) await (await import("./made-models.svelte.ts")).listMade(lab);
  // Of `@resolvent/weights/hub`.
  if (!(await isThere("resolvent-hub"))) return;
  const { ownModels } = await import("./own-models.svelte.ts");
  await ownModels(lab).list();
}

async function isThere(folder: string): Promise<boolean> {
  try {
    const storage = await navigator.storage.getDirectory();
    await storage.getDirectoryHandle(folder);
    return true;
  } catch {
    return false; // nothing is stored, or nothing may be
  }
}
