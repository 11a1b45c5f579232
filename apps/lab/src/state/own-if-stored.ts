import type { Lab } from "./lab.svelte.ts";

/** Lists stored models among the others where there are any: what else it takes is loaded only then. */
export async function ownIfStored(lab: Lab): Promise<void> {
  try {
    const storage = await navigator.storage.getDirectory();
    await storage.getDirectoryHandle("resolvent-hub"); // of `@resolvent/weights/hub`
  } catch {
    return; // nothing is stored, or nothing may be
  }
  const { ownModels } = await import("./own-models.svelte.ts");
  await ownModels(lab).list();
}
