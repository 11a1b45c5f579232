import { type MadeModel, madeFiles, madeModels, removeMade } from "../storage/made-models.ts";
import { leaveDeleted } from "./deleted.ts";
import type { Lab } from "./lab.svelte.ts";
import { filesName } from "./own-names.ts";

/** Lists models that were made in this page, among those of the lab. */
export async function listMade(lab: Lab): Promise<void> {
  lab.there.made = await madeModels();
}

/** The name by which the lab opens one. */
export function madeName({ sha256 }: Pick<MadeModel, "sha256">): string {
  return filesName(sha256);
}

/** Deletes one; where it is on the screen, the page goes to the bundled model. */
export async function deleteMade(
  lab: Lab,
  made: Pick<MadeModel, "name" | "sha256">,
): Promise<void> {
  await removeMade(made.name);
  await leaveDeleted(lab, (model) => model === madeName(made)); // it still has its title
  await listMade(lab);
}

/** What a page asks for a folder by; not every browser has it. */
interface FolderPicker {
  showDirectoryPicker(options: { readonly mode: "readwrite" }): Promise<FileSystemDirectoryHandle>;
}

/**
 * Saves a model's files: into a folder of its name where the browser lets one pick where, else as downloads. Nothing half
 * done stays in the folder. `onBegin` hears that somebody has picked one.
 *
 * @throws DOMException `AbortError` where nothing was picked; whatever the disk says
 */
export async function saveMade(
  name: string,
  { onBegin = () => {} }: { readonly onBegin?: () => void } = {},
): Promise<void> {
  const files = await madeFiles(name);
  if ("showDirectoryPicker" in window) {
    const picker = window as unknown as FolderPicker; // it has it
    const above = await picker.showDirectoryPicker({ mode: "readwrite" });
    if (await isThere(above, name)) {
      throw new Error(`There is something called “${name}” in that folder. Pick another folder.`);
    }
    const folder = await above.getDirectoryHandle(name, { create: true });
    onBegin();
    try {
      for (const [file, blob] of files) {
        const to = await (await folder.getFileHandle(file, { create: true })).createWritable();
        await blob.stream().pipeTo(to);
      }
    } catch (error) {
      await above.removeEntry(name, { recursive: true }).catch(() => {}); // what failed before matters more
      throw error;
    }
    return;
  }
  for (const [file, blob] of files) download(blob, file);
}

/** Saves a file as a download. */
export function download(blob: Blob, file: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // a browser may ask where to put it first
}

async function isThere(folder: FileSystemDirectoryHandle, name: string): Promise<boolean> {
  for await (const own of folder.keys()) if (own === name) return true;
  return false;
}
