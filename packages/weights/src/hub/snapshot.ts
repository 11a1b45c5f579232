import { InputError, isInputError } from "@resolvent/tensor";
import { SINGLE_FILE } from "../checkpoint.ts";
import { type Folder, isFileName } from "../folder.ts";
import { HUB_QUESTIONS_AT_ONCE } from "../limits.ts";
import { INDEX_FILE, missingShard, readIndex, shardNames } from "../shards.ts";
import type { ByteSource } from "../source.ts";
import type { HubCache, HubFile } from "./cache.ts";
import { download } from "./download.ts";
import { isCommit } from "./names.ts";
import { type HubProgress, type Meter, meter } from "./rate.ts";
import type { Hub } from "./request.ts";
import { badAnswer, type Describe } from "./routes.ts";

/** The first file that is asked for: every model has it. */
const CONFIG_FILE = "config.json";

/** What a model needs besides its weights. */
const SMALL_FILES: readonly string[] = [
  ...[CONFIG_FILE, "generation_config.json", "tokenizer.json", "tokenizer_config.json"],
];

/** What stands for tokenizer.json where that is absent. */
const TOKENIZER_PARTS: readonly string[] = [
  "vocab.json",
  "merges.txt",
  "added_tokens.json",
  "special_tokens_map.json",
];

/** The files of a model at one commit, in the cache. */
export interface HubFolder extends Folder {
  /** The repository, as it was asked for. */
  readonly repo: string;
  /** The revision, as it was asked for. */
  readonly revision: string;
  /** The commit that the revision is at. */
  readonly commit: string;
}

/** A place to fetch from, and what to fetch. */
export interface Wanted {
  readonly hub: Hub;
  readonly cache: HubCache;
  readonly describe: Describe;
  readonly repo: string;
  readonly revision: string;
  /** A folder whose files are fetched when they are opened; absent where a model's files are fetched at once. */
  readonly folder?: string;
  readonly offline: boolean;
  readonly onProgress?: ((progress: HubProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

function folder({ cache, repo, revision }: Wanted, commit: string): HubFolder {
  return {
    name: `${repo}@${commit.slice(0, 7)}`,
    repo,
    revision,
    commit,
    open: async (file, options) => {
      if (!isFileName(file)) return undefined;
      const source = await cache.open(commit, file, options);
      // Where what every model has is not here either, this is not about one file.
      if (source === undefined && !(await isKnown(cache, commit, CONFIG_FILE)))
        throw removed(cache, repo, commit);
      return source;
    },
  };
}

/** Whether the cache has the file, or knows that there is none. */
async function isKnown(cache: HubCache, commit: string, file: string): Promise<boolean> {
  return (await cache.open(commit, file)) !== undefined || (await cache.isAbsent(commit, file));
}

/** `weights/hub-removed`: it was here when its folder was opened. */
function removed(cache: HubCache, repo: string, commit: string): InputError {
  return new InputError({
    code: "weights/hub-removed",
    message: `${repo}@${commit.slice(0, 7)} was removed from the cache (${cache.name}) since it was opened.`,
    remedy: "Open it again, and it is fetched again.",
    details: { repo, commit, cache: cache.name },
  });
}

/** `weights/hub-offline`: the cache has not got what is needed, and nothing may be fetched. */
function notCached({ cache, repo, revision }: Wanted, what: string, details: object): InputError {
  return new InputError({
    code: "weights/hub-offline",
    message: `${repo} at ${revision}: ${what} is not in the cache (${cache.name}), and offline mode is on.`,
    remedy:
      "Fetch it once with offline mode off (HF_HUB_OFFLINE unset), or check the cache folder.",
    details: { repo, revision, cache: cache.name, ...details },
  });
}

/** The first needed file that the cache has not got, or undefined where all are there. */
async function missingFile({ cache }: Wanted, commit: string): Promise<string | undefined> {
  const has = async (file: string): Promise<boolean> =>
    (await cache.open(commit, file)) !== undefined;
  if (!(await isKnown(cache, commit, CONFIG_FILE))) return CONFIG_FILE;
  if (await has(SINGLE_FILE)) return undefined;
  const index = await cache.open(commit, INDEX_FILE);
  if (index === undefined) {
    const known =
      (await cache.isAbsent(commit, SINGLE_FILE)) && (await cache.isAbsent(commit, INDEX_FILE));
    return known ? undefined : SINGLE_FILE;
  }
  for (const shard of shardNames(await readIndex(index), index.name)) {
    if (!(await has(shard))) return shard;
  }
  return undefined;
}

async function fromCache(wanted: Wanted): Promise<HubFolder> {
  const { cache, revision } = wanted;
  const commit = isCommit(revision) ? revision : await cache.commitOf(revision);
  if (commit === undefined) throw notCached(wanted, "this revision", {});
  const file = await missingFile(wanted, commit);
  if (file !== undefined) throw notCached(wanted, file, { file, commit });
  return folder(wanted, commit);
}

/** The results of `work` on each item, in order, some at a time. */
async function eachOf<T, U>(
  items: readonly T[],
  work: (item: T) => Promise<U>,
): Promise<readonly U[]> {
  const out: U[] = [];
  for (let i = 0; i < items.length; i += HUB_QUESTIONS_AT_ONCE) {
    out.push(...(await Promise.all(items.slice(i, i + HUB_QUESTIONS_AT_ONCE).map(work))));
  }
  return out;
}

/** What stands between the cache and a file: nothing, a download, or that there is no such file. */
type State = "here" | "absent" | HubFile;

async function stateOf(wanted: Wanted, commit: string, file: string): Promise<State> {
  const { cache, describe, hub, repo, signal } = wanted;
  if ((await cache.open(commit, file)) !== undefined) return "here";
  if (await cache.isAbsent(commit, file)) return "absent";
  const found = await describe(file, commit, signal);
  if (found.commit !== commit) {
    const subject = { repo, revision: commit, file };
    throw badAnswer(hub, subject, `the hub answers for another commit, ${found.commit}`);
  }
  if (found.blob !== undefined) return { commit, file, blob: found.blob };
  await cache.setAbsent(commit, file);
  return "absent";
}

/** Fetches files one after the other (each in parallel ranges), the free space checked before. */
async function fetchAll(wanted: Wanted, states: readonly State[], progress: Meter): Promise<void> {
  const { hub, cache, repo, signal } = wanted;
  const files = states.filter((state) => typeof state === "object");
  let needed = 0;
  for (const { blob } of files) {
    needed += blob.size - Math.min(blob.size, await cache.started(blob));
    progress.expect(blob.size);
  }
  const free = await cache.free();
  if (free !== undefined && needed > free) {
    throw new InputError({
      code: "weights/hub-disk-full",
      message: `${repo}: ${needed} bytes are still to be fetched, and ${cache.name} has ${free} bytes free.`,
      remedy: "Make room, or choose another cache folder.",
      details: { repo, needed, free, cache: cache.name },
    });
  }
  for (const file of files) await download(hub, cache, repo, file, { meter: progress, signal });
}

/** The files with the weights; an index is fetched to know them. */
async function weightStates(wanted: Wanted, commit: string, progress: Meter): Promise<State[]> {
  const single = await stateOf(wanted, commit, SINGLE_FILE);
  if (single !== "absent") return [single];
  const index = await stateOf(wanted, commit, INDEX_FILE);
  if (index === "absent") return [];
  await fetchAll(wanted, [index], progress);
  const source = (await wanted.cache.open(commit, INDEX_FILE)) as ByteSource; // just fetched, or here before
  const shards = shardNames(await readIndex(source, { signal: wanted.signal }), source.name);
  return [
    ...(await eachOf(shards, async (shard) => {
      const state = await stateOf(wanted, commit, shard);
      if (state === "absent") throw missingShard(wanted.repo, shard);
      return state;
    })),
  ];
}

async function fetchSnapshot(wanted: Wanted, commit: string): Promise<HubFolder> {
  const { cache, revision, signal } = wanted;
  const progress = meter(wanted.onProgress);
  const small = [...(await eachOf(SMALL_FILES, (file) => stateOf(wanted, commit, file)))];
  if (small[SMALL_FILES.indexOf("tokenizer.json")] === "absent") {
    small.push(...(await eachOf(TOKENIZER_PARTS, (file) => stateOf(wanted, commit, file))));
  }
  const weights = await weightStates(wanted, commit, progress);
  await fetchAll(wanted, [...small, ...weights], progress);
  signal?.throwIfAborted();
  // Last, so that without a network the revision still means the last commit that is here as a whole.
  if (revision !== commit) await cache.setCommit(revision, commit);
  return folder(wanted, commit);
}

/** A folder inside a repository at a commit: each file is fetched when it is first opened. */
function onDemand(wanted: Wanted, commit: string, path: string): HubFolder {
  const { cache, repo, revision, offline } = wanted;
  const at = (name: string): string => (path === "" ? name : `${path}/${name}`);
  return {
    name: `${repo}@${commit.slice(0, 7)}${path === "" ? "" : `/${path}`}`,
    repo,
    revision,
    commit,
    open: async (name, options) => {
      if (!isFileName(name)) return undefined;
      const file = at(name);
      const here = await cache.open(commit, file, options);
      if (here !== undefined || (await cache.isAbsent(commit, file))) return here;
      if (offline) throw notCached(wanted, file, { file, commit });
      const asked = { ...wanted, signal: options?.signal ?? wanted.signal };
      const state = await stateOf(asked, commit, file);
      if (state === "absent") return undefined;
      await fetchAll(asked, [state], meter(wanted.onProgress));
      // Without a network the revision means the commit of what was fetched last.
      if (revision !== commit) await cache.setCommit(revision, commit);
      return await cache.open(commit, file, options);
    },
    inside: (name) => onDemand(wanted, commit, at(name)),
  };
}

/** Failures of the network and of the server, as opposed to answers about the model. */
const OUTAGES: readonly unknown[] = ["weights/unreachable", "weights/hub-busy"];

/** The commit that a revision is at now; where the hub cannot be reached, undefined if the cache knows the last. */
async function commitNow(wanted: Wanted): Promise<string | undefined> {
  const { cache, describe, revision, signal } = wanted;
  try {
    return (await describe(CONFIG_FILE, revision, signal)).commit;
  } catch (error) {
    signal?.throwIfAborted();
    if (!(isInputError(error) && OUTAGES.includes(error.code))) throw error;
    if ((await cache.commitOf(revision)) === undefined) throw error;
    return undefined;
  }
}

/** A folder of a repository, nothing of it fetched yet. */
async function folderOnDemand(wanted: Wanted, path: string): Promise<HubFolder> {
  const { cache, revision, offline } = wanted;
  if (isCommit(revision)) return onDemand(wanted, revision, path);
  const now = offline ? undefined : await commitNow(wanted);
  if (now !== undefined) return onDemand(wanted, now, path);
  const last = await cache.commitOf(revision);
  if (last === undefined) throw notCached(wanted, "this revision", {});
  return onDemand({ ...wanted, offline: true }, last, path);
}

/**
 * The folder of a model, every file that is needed in the cache. Where the hub cannot be reached to ask what a
 * branch or tag is at now, and the cache has the model whole as it last was, that is used.
 */
export async function hubSnapshot(wanted: Wanted): Promise<HubFolder> {
  const { cache, describe, folder: path, revision, signal } = wanted;
  signal?.throwIfAborted();
  if (path !== undefined) return await folderOnDemand(wanted, path);
  if (wanted.offline) return await fromCache(wanted);
  if (isCommit(revision)) return await fetchSnapshot(wanted, revision);
  let commit: string;
  try {
    commit = (await describe(CONFIG_FILE, revision, signal)).commit;
  } catch (error) {
    signal?.throwIfAborted();
    if (!(isInputError(error) && OUTAGES.includes(error.code))) throw error;
    const last = await cache.commitOf(revision);
    if (last === undefined || (await missingFile(wanted, last)) !== undefined) throw error;
    return folder(wanted, last);
  }
  return await fetchSnapshot(wanted, commit);
}
