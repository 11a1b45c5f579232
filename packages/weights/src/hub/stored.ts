import { InputError, isInputError } from "@resolvent/tensor";
import { hubFolder } from "./folder.ts";
import { cacheName, checkRepo } from "./names.ts";
import { WHOLE } from "./opfs-partial.ts";
import { ifThere } from "./opfs-storage.ts";
import { HUB_STORE, privateStorage, repoLock } from "./private-storage.ts";

/** A repository of which something is in the browser's private storage. */
export interface StoredRepo {
  readonly repo: string;
  /** Bytes that it takes, those of downloads that have not ended included. */
  readonly bytes: number;
  readonly commits: readonly StoredCommit[];
}

/** A commit of which files are stored. */
export interface StoredCommit {
  readonly commit: string;
  /** The branches and tags as which it was fetched last. */
  readonly revisions: readonly string[];
  /** Whether all files of a model are there; what is missing is fetched by `hubFolder`, from where it had ended. */
  readonly whole: boolean;
}

/** What `hubFolder` has put into the browser's private storage, by repository. */
export async function storedRepos(): Promise<readonly StoredRepo[]> {
  const root = await storeIn(await privateStorage());
  const found: StoredRepo[] = [];
  if (root === undefined) return found;
  for await (const [name, folder] of root.entries()) {
    if (folder.kind !== "directory" || !name.startsWith("models--")) continue;
    const one = await ifThere(storedRepo(folder as FileSystemDirectoryHandle, repoOf(name)));
    // It may have been removed meanwhile, as by another tab.
    const there = await ifThere(root.getDirectoryHandle(name));
    if (one !== undefined && there !== undefined) found.push(one);
  }
  return found.sort((a, b) => (a.repo < b.repo ? -1 : 1));
}

/**
 * Removes all that is stored of a repository; where there is nothing, does nothing.
 *
 * @throws InputError `weights/hub-being-fetched` while this or another tab fetches some of it
 */
export async function removeStoredRepo(repo: string): Promise<void> {
  checkRepo(repo);
  const root = await storeIn(await privateStorage());
  const folder = root && (await ifThere(root.getDirectoryHandle(cacheName(repo))));
  if (root === undefined || folder === undefined) return;
  const alone = async (work: () => Promise<void>): Promise<void> => {
    const waits = AbortSignal.timeout(LETTING_GO_MS);
    await navigator.locks.request(repoLock(repo), { signal: waits }, work).catch((error) => {
      throw error === waits.reason ? beingFetched(repo) : error;
    });
  };
  await alone(async () => {
    // First what says that blobs are whole: should this end half-way, none is taken for what it was.
    for (const blob of await foldersIn(folder, "blobs")) await ifThere(blob.removeEntry(WHOLE));
    await ifThere(root.removeEntry(cacheName(repo), { recursive: true }));
  });
}

/** Time in which whoever was just told to stop fetching lets go of what it has, in milliseconds. */
const LETTING_GO_MS = 1000;

function beingFetched(repo: string): InputError {
  return new InputError({
    code: "weights/hub-being-fetched",
    message: `${repo} is being fetched, by this tab or another.`,
    remedy: "Cancel that first, or wait until it has ended.",
    details: { repo },
  });
}

async function storeIn(
  storage: FileSystemDirectoryHandle,
): Promise<FileSystemDirectoryHandle | undefined> {
  return await ifThere(storage.getDirectoryHandle(HUB_STORE));
}

/** The repository of a folder's name: names of repositories have no two hyphens in a row. */
function repoOf(name: string): string {
  return name.slice("models--".length).replace("--", "/");
}

async function storedRepo(folder: FileSystemDirectoryHandle, repo: string): Promise<StoredRepo> {
  let bytes = 0;
  for (const blob of await foldersIn(folder, "blobs")) {
    for await (const piece of blob.values())
      bytes += (await ifThere((piece as FileSystemFileHandle).getFile()))?.size ?? 0; // blobs hold files only
  }
  const refs = await ifThere(folder.getDirectoryHandle("refs"));
  const revisions: { readonly revision: string; readonly commit: string }[] = [];
  if (refs !== undefined) {
    for await (const [name, file] of refs.entries()) {
      const commit = await (await (file as FileSystemFileHandle).getFile()).text(); // refs are files
      revisions.push({ revision: decodeURIComponent(name), commit });
    }
  }
  const commits: StoredCommit[] = [];
  for (const { name: commit } of await foldersIn(folder, "snapshots")) {
    const own = revisions.filter((one) => one.commit === commit);
    const whole = await isWhole(repo, commit);
    commits.push({ commit, revisions: own.map(({ revision }) => revision), whole });
  }
  return { repo, bytes, commits };
}

async function isWhole(repo: string, commit: string): Promise<boolean> {
  try {
    await hubFolder(repo, { revision: commit, offline: true });
    return true;
  } catch (error) {
    if (isInputError(error)) return false; // files are missing, or their index is none
    throw error;
  }
}

async function foldersIn(
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<readonly FileSystemDirectoryHandle[]> {
  const inside = await ifThere(folder.getDirectoryHandle(name));
  const folders: FileSystemDirectoryHandle[] = [];
  if (inside === undefined) return folders;
  for await (const one of inside.values())
    if (one.kind === "directory") folders.push(one as FileSystemDirectoryHandle);
  return folders;
}
