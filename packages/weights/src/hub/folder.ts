import type { HubCache } from "./cache.ts";
import { describeByListing } from "./listing.ts";
import { memoryCache } from "./memory-cache.ts";
import { checkFolder, checkRepo, checkRevision } from "./names.ts";
import { opfsCache } from "./opfs.ts";
import { checkEndpoint, checkToken, HUB_ENDPOINT, type HubOptions } from "./options.ts";
import { privateStorage } from "./private-storage.ts";
import { RETRY } from "./retry.ts";
import { type HubFolder, hubSnapshot } from "./snapshot.ts";

/**
 * The folder of a model on the Hugging Face Hub, its files fetched into the browser's private storage (OPFS)
 * unless they are there: `config.json`, `generation_config.json`, `tokenizer.json` (`vocab.json`, `merges.txt` and what
 * goes with them where that is absent), `tokenizer_config.json` and the safetensors, no others.
 * Works in pages and workers. `@resolvent/weights/node` has the same for Node, over the cache that is shared with
 * other tools.
 *
 * ```ts
 * const folder = await hubFolder("openai-community/gpt2", { onProgress: ({ done, total }) => show(done / total) });
 * const checkpoint = await openCheckpoint(folder);
 * ```
 *
 * Downloads go in parallel ranges, continue where an earlier attempt has ended, and are checked against the hash
 * that the hub announces before they get a name.
 *
 * With `folder`, of a dictionary say, nothing is fetched at once: files come when they are opened.
 *
 * Throws `weights/hub-bad-name`, `weights/hub-bad-revision`, `weights/hub-bad-token`, `weights/bad-url`,
 * `weights/hub-no-storage`, `weights/hub-denied`, `weights/hub-not-found`, `weights/hub-busy`,
 * `weights/unreachable`, `weights/http-status`, `weights/hub-bad-answer`, `weights/hub-offline`,
 * `weights/hub-hash`, `weights/hub-disk-full`, `weights/unwritable`, and what indexes of shards throw.
 */
export async function hubFolder(repo: string, options: HubOptions = {}): Promise<HubFolder> {
  checkRepo(repo);
  return await folderIn(opfsCache(await privateStorage(), repo), repo, options);
}

/** The files of a model in memory, and the commit that they are of. */
export interface HubBlobs {
  readonly commit: string;
  /** By file name; a browser may hold large ones on its disk. */
  readonly files: ReadonlyMap<string, Blob>;
}

/**
 * The files that `hubFolder` stores, held in memory instead: for a model that is larger than what the browser lets a
 * page store (`weights/hub-disk-full`). They are fetched and checked in the same way, and gone with whoever holds
 * them; what was fetched before an error or an abort is too.
 *
 * @throws InputError what `hubFolder` throws but for storage; `weights/too-large` where there is no memory
 */
export async function hubBlobs(
  repo: string,
  options: Omit<HubOptions, "folder" | "offline"> = {},
): Promise<HubBlobs> {
  checkRepo(repo);
  const cache = memoryCache(repo);
  const { commit } = await folderIn(cache, repo, options);
  return { commit, files: cache.files(commit) };
}

async function folderIn(cache: HubCache, repo: string, options: HubOptions): Promise<HubFolder> {
  const revision = options.revision ?? "main";
  checkRevision(revision);
  const hub = {
    endpoint: checkEndpoint(options.endpoint ?? HUB_ENDPOINT),
    token: checkToken(options.token),
    fetch: options.fetch ?? ((url: string, init: RequestInit) => fetch(url, init)),
    redirects: "follow",
    retry: { ...RETRY, onWait: options.onWait },
    tokenPlace: "into the option `token`",
  } as const;
  return await hubSnapshot({
    hub,
    cache,
    describe: describeByListing(hub, repo),
    repo,
    revision,
    ...(options.folder !== undefined && { folder: checkFolder(options.folder) }),
    offline: options.offline ?? false,
    onProgress: options.onProgress,
    signal: options.signal,
  });
}
