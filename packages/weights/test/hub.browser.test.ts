import { beforeEach, describe, expect, test } from "vitest";
import { hubFolder, removeStoredRepo, storedRepos } from "../src/hub/index.ts";
import { describeByListing } from "../src/hub/listing.ts";
import { opfsCache } from "../src/hub/opfs.ts";
import type { HubProgress } from "../src/hub/rate.ts";
import type { Hub } from "../src/hub/request.ts";
import { type HubFolder, hubSnapshot } from "../src/hub/snapshot.ts";
import { encodeNumbers, openCheckpoint, writeSafetensors } from "../src/index.ts";
import { codeOf } from "./make.ts";

const COMMIT = "607a30d783dfa663caf39e06633721c8d4cfcd7e";
const REPO = "openai-community/gpt2";
const PIECE = 4096;
const PIECES = 8;

const weights = new Uint8Array(
  await writeSafetensors([
    {
      name: "a",
      dtype: "F32",
      shape: [7000],
      bytes: encodeNumbers(
        Float64Array.from({ length: 7000 }, (_, i) => i),
        "F32",
      ),
    },
  ]),
);
const config = new TextEncoder().encode("{}");

async function digest(algorithm: string, bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest(algorithm, new Uint8Array(bytes)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
const gitBlob = new Uint8Array([...new TextEncoder().encode(`blob ${config.length}\0`), ...config]);
const listing = {
  sha: COMMIT,
  siblings: [
    { rfilename: "config.json", size: config.length, blobId: await digest("SHA-1", gitBlob) },
    {
      rfilename: "model.safetensors",
      size: weights.length,
      blobId: "0".repeat(40),
      lfs: { sha256: await digest("SHA-256", weights), size: weights.length },
    },
    { rfilename: "pytorch_model.bin", size: 9, blobId: "1".repeat(40) },
  ],
};

let requests: string[] = [];
let fault: (path: string, range: string | null) => Response | undefined = () => undefined;

/** A hub as a browser sees it: redirects are followed already. */
async function served(url: string, init: RequestInit): Promise<Response> {
  const { pathname } = new URL(url);
  const range = new Headers(init.headers).get("range");
  init.signal?.throwIfAborted();
  requests.push(`${pathname} ${range ?? ""}`.trim());
  const changed = fault(pathname, range);
  if (changed !== undefined) return changed;
  if (pathname === `/api/models/${REPO}/revision/main`) return Response.json(listing);
  const bytes = pathname.endsWith("/config.json") ? config : weights;
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  if (from === undefined) return new Response(bytes);
  const part = bytes.slice(Number(from), Number(to) + 1);
  return new Response(part, { status: 206 });
}

async function fetched(
  options: {
    folder?: string;
    signal?: AbortSignal;
    onProgress?: (progress: HubProgress) => void;
  } = {},
): Promise<HubFolder> {
  const hub: Hub = {
    endpoint: new URL("https://hub.example"),
    token: undefined,
    fetch: served,
    redirects: "follow",
    retry: { tries: 3, firstMs: 2, mostMs: 20, patienceMs: 100, stallMs: 1000 },
    tokenPlace: "here",
  };
  return await hubSnapshot({
    hub,
    cache: opfsCache(await navigator.storage.getDirectory(), REPO, { pieceBytes: PIECE }),
    describe: describeByListing(hub, REPO),
    repo: REPO,
    revision: "main",
    offline: false,
    ...options,
  });
}

beforeEach(async () => {
  requests = [];
  fault = () => undefined;
  const root = await navigator.storage.getDirectory();
  await root.removeEntry("resolvent-hub", { recursive: true }).catch(() => {});
});

const ofWeights = () => requests.filter((one) => one.includes("model.safetensors"));

async function entry(folder: HubFolder): Promise<number | undefined> {
  const checkpoint = await openCheckpoint(folder);
  return (await checkpoint.numbers("a", "f32")).at(-1);
}

describe("models in the browser's private storage", () => {
  test("are fetched in ranges, kept, and read from there", async () => {
    const told: HubProgress[] = [];
    const folder = await fetched({ onProgress: (one) => told.push(one) });
    expect(ofWeights().length).toBe(Math.ceil(weights.length / PIECE));
    expect(folder.commit).toBe(COMMIT);
    expect(await entry(folder)).toBe(6999);
    expect(await folder.open("tokenizer.json")).toBeUndefined();
    const total = weights.length + config.length;
    expect(told.at(-1)).toMatchObject({ done: total, total });
    requests = [];
    expect(await entry(await fetched())).toBe(6999);
    expect(requests).toEqual([`/api/models/${REPO}/revision/main`]);
  });

  test("the public function keeps them, and needs no network once they are there", async () => {
    const options = { fetch: served, endpoint: "https://hub.example" };
    expect(await entry(await hubFolder(REPO, options))).toBe(6999);
    requests = [];
    expect(await entry(await hubFolder(REPO, { ...options, offline: true }))).toBe(6999);
    expect(requests).toEqual([]);
    // Another tab may delete it while it is open here.
    const open = await hubFolder(REPO, { ...options, offline: true });
    await removeStoredRepo(REPO);
    expect(await codeOf(() => open.open("config.json"))).toBe("weights/hub-removed");
    const other = hubFolder("openai-community/other", { ...options, offline: true });
    expect(await codeOf(() => other)).toBe("weights/hub-offline");
    expect(await codeOf(() => hubFolder("../x", options))).toBe("weights/hub-bad-name");
  });

  test("files of a folder are fetched when they are opened, and kept", async () => {
    const inner = {
      ...listing,
      siblings: [{ ...listing.siblings[1], rfilename: "layer_0/x/p.npz" }],
    };
    fault = (path) =>
      path === `/api/models/${REPO}/revision/main` ? Response.json(inner) : undefined;
    const folder = await fetched({ folder: "layer_0" });
    expect(requests.filter((one) => one.includes("/resolve/"))).toEqual([]);
    const inside = folder.inside?.("x");
    expect(await inside?.open("none")).toBeUndefined();
    const source = await inside?.open("p.npz");
    expect(await source?.read(0, weights.length)).toEqual(weights);
    const before = requests.length;
    expect(await (await folder.inside?.("x")?.open("p.npz"))?.size()).toBe(weights.length);
    expect(requests.length).toBe(before);
  });

  test("a download that was stopped is continued", async () => {
    const controller = new AbortController();
    let answers = 0;
    fault = (path) => {
      if (!path.endsWith("model.safetensors") || ++answers <= PIECES / 2) return undefined;
      controller.abort(new Error("enough"));
      return undefined;
    };
    await expect(fetched({ signal: controller.signal })).rejects.toThrow("enough");
    fault = () => undefined;
    requests = [];
    expect(await entry(await fetched())).toBe(6999);
    expect(ofWeights().length).toBeLessThan(PIECES - 1);
  });

  test("bodies that end too early are continued where they ended", async () => {
    let short = 0;
    fault = (path, range) => {
      const [, from] = /^bytes=(\d+)-/.exec(range ?? "") ?? [];
      if (!path.endsWith("model.safetensors") || from === undefined || short++ >= 3)
        return undefined;
      return new Response(weights.slice(Number(from), Number(from) + 100), { status: 206 });
    };
    expect(await entry(await fetched())).toBe(6999);
    expect(ofWeights().filter((one) => /=\d*[^0]?\d*-/.test(one)).length).toBeGreaterThan(
      PIECES - 1,
    );
  });

  test("wrong bytes are an error and are not kept", async () => {
    fault = (path, range) => {
      if (!path.endsWith("model.safetensors")) return undefined;
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
      return new Response(new Uint8Array(Number(to) + 1 - Number(from)), { status: 206 });
    };
    expect(await codeOf(() => fetched())).toBe("weights/hub-hash");
    fault = () => undefined;
    requests = [];
    expect(await entry(await fetched())).toBe(6999);
    expect(ofWeights().length).toBe(Math.ceil(weights.length / PIECE));
  });

  test("several calls at once fetch each file once", async () => {
    await Promise.all([fetched(), fetched(), fetched()]);
    expect(ofWeights().length).toBe(Math.ceil(weights.length / PIECE));
  });

  test("what is being fetched is not removed", async () => {
    const etag = await digest("SHA-256", weights);
    const cache = opfsCache(await navigator.storage.getDirectory(), REPO, { pieceBytes: PIECE });
    const partial = await cache.begin({
      ...{ commit: COMMIT, file: "model.safetensors" },
      blob: { etag, size: weights.length },
    });
    expect(await codeOf(() => removeStoredRepo(REPO))).toBe("weights/hub-being-fetched");
    await partial?.close();
    await removeStoredRepo(REPO);
    expect(await storedRepos()).toEqual([]);
  });

  test("what is removed while it is listed is not listed", async () => {
    await fetched();
    const { prototype } = FileSystemFileHandle;
    const { getFile } = prototype;
    prototype.getFile = async function () {
      prototype.getFile = getFile;
      await removeStoredRepo(REPO);
      return await getFile.call(this);
    };
    try {
      expect(await storedRepos()).toEqual([]);
    } finally {
      prototype.getFile = getFile;
    }
  });

  test("a removal that ends half-way leaves nothing that counts as whole", async () => {
    await fetched();
    const { prototype } = FileSystemDirectoryHandle;
    const { removeEntry } = prototype;
    prototype.removeEntry = async function (name, options) {
      if (options?.recursive !== true) return await removeEntry.call(this, name, options);
      const blobs = await (await this.getDirectoryHandle(name)).getDirectoryHandle("blobs");
      for await (const blob of blobs.values())
        await removeEntry.call(blob as FileSystemDirectoryHandle, "0"); // blobs are folders
      throw new DOMException("the tab was closed", "AbortError");
    };
    try {
      await expect(removeStoredRepo(REPO)).rejects.toThrow("the tab was closed");
    } finally {
      prototype.removeEntry = removeEntry;
    }
    requests = [];
    expect(await entry(await fetched())).toBe(6999);
    expect(ofWeights().length).toBe(1);
  });

  test("a full storage is named", async () => {
    const root = await navigator.storage.getDirectory();
    const cache = opfsCache(root, REPO, { pieceBytes: PIECE });
    const blob = { etag: "a".repeat(64), size: 100 };
    const partial = await cache.begin({ commit: COMMIT, file: "model.safetensors", blob });
    const { createWritable } = FileSystemFileHandle.prototype;
    FileSystemFileHandle.prototype.createWritable = async () => {
      throw new DOMException("no room", "QuotaExceededError");
    };
    try {
      const work = async () => await partial?.append(0, new Uint8Array(10));
      expect(await codeOf(work)).toBe("weights/hub-disk-full");
    } finally {
      FileSystemFileHandle.prototype.createWritable = createWritable;
      await partial?.close();
    }
    expect(await cache.free()).toBeGreaterThan(0);
  });
});
