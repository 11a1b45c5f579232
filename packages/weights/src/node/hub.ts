import { checkFolder, checkRepo, checkRevision } from "../hub/names.ts";
import { checkEndpoint, checkToken, type HubOptions } from "../hub/options.ts";
import { RETRY } from "../hub/retry.ts";
import { describeByHead } from "../hub/routes.ts";
import { type HubFolder, hubSnapshot } from "../hub/snapshot.ts";
import { nodeCache } from "./hub-cache.ts";
import { hubSettings, tokenOf } from "./hub-settings.ts";
import { fetchThrough, proxiesOf, proxyFor } from "./proxy.ts";

/** How a model is fetched from a hub into a cache folder. */
export interface NodeHubOptions extends HubOptions {
  /** The folder of the cache; default what `HF_HUB_CACHE` or `HF_HOME` says, else `~/.cache/huggingface/hub`. */
  readonly cache?: string;
}

/**
 * The folder of a model on the Hugging Face Hub, its files fetched into the cache that is shared with other tools
 * unless they are there: `config.json`, `generation_config.json`, `tokenizer.json` (`vocab.json`, `merges.txt` and what
 * goes with them where that is absent), `tokenizer_config.json` and the safetensors, no others.
 *
 * ```ts
 * const folder = await hubFolder("openai-community/gpt2");
 * const checkpoint = await openCheckpoint(folder);
 * ```
 *
 * Downloads go in parallel ranges, continue where an earlier attempt has ended, and are checked against the hash
 * that the hub announces before they get a name. The environment says the rest, as for other tools: `HF_TOKEN`,
 * `HF_TOKEN_PATH`, `HF_ENDPOINT`, `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE`, and the proxies `HTTP_PROXY`,
 * `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`. The token goes to the endpoint only,
 * never where it redirects to. Without a network, what the cache has of the revision is used.
 *
 * With `folder`, of a dictionary say, nothing is fetched at once: files come when they are opened.
 *
 * Throws `weights/bad-proxy`, `weights/hub-bad-name`, `weights/hub-bad-revision`, `weights/hub-bad-token`, `weights/bad-url`,
 * `weights/hub-denied`, `weights/hub-not-found`, `weights/hub-busy`, `weights/unreachable`, `weights/http-status`,
 * `weights/hub-bad-answer`, `weights/hub-offline`, `weights/hub-hash`, `weights/hub-disk-full`,
 * `weights/unwritable`, and what indexes of shards throw.
 */
export async function hubFolder(repo: string, options: NodeHubOptions = {}): Promise<HubFolder> {
  const revision = options.revision ?? "main";
  checkRepo(repo);
  checkRevision(revision);
  const settings = hubSettings(process.env);
  const offline = options.offline ?? settings.offline;
  const proxies = offline || options.fetch ? undefined : proxiesOf(process.env);
  const hub = {
    endpoint: checkEndpoint(options.endpoint ?? settings.endpoint),
    token: checkToken(options.token ?? (await tokenOf(settings))),
    fetch:
      options.fetch ??
      (proxies === undefined
        ? (url: string, init: RequestInit) => fetch(url, init)
        : await fetchThrough(proxies)),
    ...(proxies !== undefined && { proxyFor: (url: URL) => proxyFor(proxies, url)?.shown }),
    redirects: "manual",
    retry: { ...RETRY, onWait: options.onWait },
    tokenPlace: `into HF_TOKEN or the file ${settings.tokenFile || "of HF_TOKEN_PATH"}`,
  } as const;
  return await hubSnapshot({
    hub,
    cache: nodeCache(options.cache ?? settings.cache, repo),
    describe: describeByHead(hub, repo),
    repo,
    revision,
    ...(options.folder !== undefined && { folder: checkFolder(options.folder) }),
    offline,
    onProgress: options.onProgress,
    signal: options.signal,
  });
}
