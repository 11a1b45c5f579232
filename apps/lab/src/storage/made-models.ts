import type { NewFolder } from "@resolvent/analysis";
import { InputError, isInputError } from "@resolvent/tensor";
import { blobSource, type Folder, isFileName, memoryFolder } from "@resolvent/weights";
import { MADE_STORE } from "./made-store.ts";

/** A model that was made in this page, and is kept in the browser's private storage. */
export interface MadeModel {
  /** What its maker has called it. */
  readonly name: string;
  /** Of its weights: what links call it by. */
  readonly sha256: string;
  /** Of all its files. */
  readonly bytes: number;
  /** Names of what it was made of. */
  readonly from: readonly string[];
}

/** The file that says that all others are there; a folder without it is what a run has left. */
const MARK = "made.json";

/** Characters of a mark at most: ours have some hundred. */
const MARK_CHARACTERS = 100_000;

/** Names are folders' names, and words of lists. */
const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

type Directory = FileSystemDirectoryHandle;

/**
 * Makes a model: `work` fills the folder and says what it has made. Nothing half done stays, and nothing that is there is
 * replaced. For a worker.
 *
 * @throws InputError `lab/bad-name`, `lab/made-already`, `lab/no-storage`, `lab/storage-full`, and what `work` throws
 */
export async function makeModel(
  name: string,
  work: (out: NewFolder) => Promise<Pick<MadeModel, "sha256" | "from">>,
): Promise<void> {
  if (!NAME.test(name)) {
    throw new InputError({
      code: "lab/bad-name",
      message: `“${name}” is no name for a model here.`,
      remedy: "Use letters, digits, dots, hyphens and underscores, 64 at most.",
      details: { name },
    });
  }
  const store = await storeOf({ create: true });
  await navigator.locks.request(lockOf(name), { ifAvailable: true }, async (lock) => {
    if (lock === null) throw taken(name, "is being made in another tab");
    if ((await markOf(store, name)) !== undefined) throw taken(name, "is here already");
    await ifThere(store.removeEntry(name, { recursive: true }));
    try {
      const folder = await store.getDirectoryHandle(name, { create: true });
      const sizes = new Map<string, number>();
      const made = await work(newFolder(name, folder, sizes));
      const bytes = [...sizes.values()].reduce((a, b) => a + b, 0);
      const mark: MadeModel = { name, bytes, ...made };
      await writeFile(folder, MARK, one(new TextEncoder().encode(JSON.stringify(mark))));
    } catch (error) {
      await store.removeEntry(name, { recursive: true }).catch(() => {}); // what failed before matters more
      throw named(name, error);
    }
  });
}

/** All of them, by name; what a run has left that was ended is removed. */
export async function madeModels(): Promise<readonly MadeModel[]> {
  const store = await ifThere(storeOf());
  if (store === undefined) return [];
  const found: MadeModel[] = [];
  for await (const name of store.keys()) {
    const mark = (await markOf(store, name)) ?? (await markOrNothing(store, name));
    if (mark !== undefined) found.push(mark);
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Removes what a run has left that was ended; where another tab has finished the model meanwhile, gives that. */
async function markOrNothing(store: Directory, name: string): Promise<MadeModel | undefined> {
  return await navigator.locks.request(lockOf(name), { ifAvailable: true }, async (lock) => {
    if (lock === null) return undefined; // it is being made
    const mark = await markOf(store, name);
    if (mark === undefined) await ifThere(store.removeEntry(name, { recursive: true }));
    return mark;
  });
}

/** The files of one, by the hash of its weights; undefined where there is none. */
export async function madeFolder(sha256: string): Promise<Folder | undefined> {
  const found = (await madeModels()).find((one) => one.sha256 === sha256);
  if (found === undefined) return undefined;
  return folderOf(found.name, await madeFiles(found.name));
}

/** The files of one, by its name. */
export async function madeFiles(name: string): Promise<readonly (readonly [string, File])[]> {
  const folder = await (await storeOf()).getDirectoryHandle(name);
  const files: [string, File][] = [];
  for await (const [file, handle] of folder.entries()) {
    if (file !== MARK) files.push([file, await (handle as FileSystemFileHandle).getFile()]); // there are no folders in it
  }
  return files.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Removes one; where there is none, or another is only being made, does nothing. */
export async function removeMade(name: string): Promise<void> {
  const store = await ifThere(storeOf());
  if (store === undefined) return;
  await navigator.locks.request(lockOf(name), { ifAvailable: true }, async (lock) => {
    const folder = lock && (await ifThere(store.getDirectoryHandle(name)));
    if (!folder) return;
    // The mark first: should this end half-way, the rest is what a run has left.
    await ifThere(folder.removeEntry(MARK));
    await ifThere(store.removeEntry(name, { recursive: true }));
  });
}

function newFolder(name: string, folder: Directory, sizes: Map<string, number>): NewFolder {
  return {
    name,
    write: async (fill, bytes) => {
      const { quota, usage = 0 } = await navigator.storage.estimate();
      if (quota !== undefined && bytes > quota - usage) throw full(name, bytes, quota - usage);
      const written: Folder = {
        name,
        open: async (file) => {
          const handle = await ifThere(folder.getFileHandle(file));
          return handle && blobSource(await handle.getFile(), `${name}/${file}`);
        },
      };
      await fill(async (file, pieces) => {
        sizes.set(file, await writeFile(folder, file, pieces));
      }, written);
    },
  };
}

function folderOf(name: string, files: readonly (readonly [string, File])[]): Folder {
  return memoryFolder(
    new Map(files.map(([file, blob]) => [file, blobSource(blob, `${name}/${file}`)])),
    name,
  );
}

/** What a file of private storage gives a worker to write by: types of windows lack it. */
interface SyncAccess {
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  flush(): void;
  close(): void;
}

/** Writes a file piece by piece; says how many bytes it has. */
async function writeFile(
  folder: Directory,
  file: string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<number> {
  if (!isFileName(file)) throw new Error(`“${file}” is no name of a file.`);
  const handle = (await folder.getFileHandle(file, { create: true })) as FileSystemFileHandle & {
    createSyncAccessHandle(): Promise<SyncAccess>; // in workers, where this runs
  };
  const access = await handle.createSyncAccessHandle();
  let at = 0;
  try {
    for await (const piece of pieces) {
      const count = access.write(piece, { at });
      if (count < piece.byteLength) throw new DOMException("short write", "QuotaExceededError");
      at += count;
    }
    access.flush();
  } finally {
    access.close();
  }
  return at;
}

async function storeOf({ create = false } = {}): Promise<Directory> {
  const root = await globalThis.navigator?.storage?.getDirectory?.().catch(() => undefined);
  if (root === undefined) {
    throw new InputError({
      code: "lab/no-storage",
      message: "The browser gives this page no storage of its own to keep models in.",
      remedy: "Open the page over https or from this machine, and not in private browsing.",
    });
  }
  return await root.getDirectoryHandle(MADE_STORE, { create });
}

async function markOf(store: Directory, name: string): Promise<MadeModel | undefined> {
  const folder = await ifThere(store.getDirectoryHandle(name));
  const handle = folder && (await ifThere(folder.getFileHandle(MARK)));
  if (handle === undefined) return undefined;
  const file = await handle.getFile();
  if (file.size > MARK_CHARACTERS) return undefined;
  try {
    const { sha256, bytes, from } = Object(JSON.parse(await file.text()));
    const sound = typeof sha256 === "string" && Number.isSafeInteger(bytes) && Array.isArray(from);
    return sound ? { name, sha256, bytes, from: from.map(String) } : undefined;
  } catch {
    return undefined;
  }
}

function lockOf(name: string): string {
  return `${MADE_STORE}/${name}`;
}

function taken(name: string, how: string): InputError {
  return new InputError({
    code: "lab/made-already",
    message: `A model “${name}” ${how}.`,
    remedy: "Give another name, or delete that one first: nothing is replaced.",
    details: { name },
  });
}

function full(name: string, bytes: number, free: number): InputError {
  return new InputError({
    code: "lab/storage-full",
    message: `${name} takes ${bytes} bytes, and the browser gives this page ${Math.max(0, free)} more.`,
    remedy: "Delete models that are stored here, or merge by the command.",
    details: { needs: bytes, free },
  });
}

/** What went wrong with the storage, by its name. */
function named(name: string, error: unknown): unknown {
  if (isInputError(error) || Object(error).name !== "QuotaExceededError") return error;
  return new InputError({
    code: "lab/storage-full",
    message: `${name}: the browser gives this page no more room.`,
    remedy: "Delete models that are stored here, or merge by the command.",
    details: { name },
    cause: error,
  });
}

/** What the work gives, or undefined where there is no such file or folder. */
async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (Object(error).name === "NotFoundError") return undefined;
    throw error;
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
