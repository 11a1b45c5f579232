import { checkToken } from "../src/hub/options.ts";
import type { HubProgress } from "../src/hub/rate.ts";
import type { Hub } from "../src/hub/request.ts";
import type { RetryPolicy } from "../src/hub/retry.ts";
import { describeByHead } from "../src/hub/routes.ts";
import { type HubFolder, hubSnapshot } from "../src/hub/snapshot.ts";
import { type NodeCacheOptions, nodeCache } from "../src/node/hub-cache.ts";

/** As patient as a test can be. */
const QUICK: RetryPolicy = {
  tries: 4,
  firstMs: 2,
  mostMs: 20,
  patienceMs: 2000,
  stallMs: 5000,
};

export interface FetchOptions extends NodeCacheOptions {
  readonly endpoint: string;
  readonly cache: string;
  readonly repo?: string;
  readonly revision?: string;
  readonly folder?: string;
  readonly token?: string;
  readonly offline?: boolean;
  readonly retry?: Partial<RetryPolicy>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: HubProgress) => void;
}

export function testHub({ endpoint, token, retry }: FetchOptions): Hub {
  return {
    endpoint: new URL(endpoint),
    token: checkToken(token),
    fetch: (url, init) => fetch(url, init),
    redirects: "manual",
    retry: { ...QUICK, ...retry },
    tokenPlace: "here",
  };
}

/** `hubFolder` of Node with small pieces and little patience. */
export async function fetchModel(options: FetchOptions): Promise<HubFolder> {
  const hub = testHub(options);
  const repo = options.repo ?? "openai-community/gpt2";
  const { signal, onProgress } = options;
  return await hubSnapshot({
    hub,
    cache: nodeCache(options.cache, repo, { pieceBytes: 64 * 1024, ...options }),
    describe: describeByHead(hub, repo),
    repo,
    revision: options.revision ?? "main",
    ...(options.folder !== undefined && { folder: options.folder }),
    offline: options.offline ?? false,
    signal,
    onProgress,
  });
}
