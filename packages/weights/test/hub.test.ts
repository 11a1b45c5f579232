import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { describeByListing } from "../src/hub/listing.ts";
import type { HubProgress } from "../src/hub/rate.ts";
import { describeByHead } from "../src/hub/routes.ts";
import { hubSnapshot } from "../src/hub/snapshot.ts";
import { writeSafetensors } from "../src/index.ts";
import { nodeCache } from "../src/node/hub-cache.ts";
import { hubFolder } from "../src/node/index.ts";
import { type FetchOptions, fetchModel, testHub } from "./hub-fetch.ts";
import {
  COMMIT,
  etagOfFile,
  type HubServer,
  hubServer,
  modelFiles,
  noise,
  REPO,
  type Seen,
} from "./hub-server.ts";
import { codeOf } from "./make.ts";

let server: HubServer;
let cache: string;
let home: string;
beforeEach(async () => {
  server = await hubServer();
  cache = await mkdtemp(join(tmpdir(), "resolvent-hub-"));
  home = join(cache, "models--openai-community--gpt2");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.close();
  await rm(cache, { recursive: true, force: true });
});

const fetched = async (options: Partial<FetchOptions> = {}) =>
  await fetchModel({ endpoint: server.endpoint, cache, ...options });

const pathOf = (file: string) => join(home, "snapshots", COMMIT, file);
const fileNow = (file: string) => server.repos.get(REPO)?.files.get(file);
function bytesOf(file: string): Buffer {
  const found = fileNow(file);
  if (found === undefined) throw new Error(`no ${file}`);
  return found.bytes;
}
const stored = (file: string) => readFileSync(pathOf(file)).equals(bytesOf(file));
const unfinished = () => readdirSync(join(home, "blobs")).filter((f) => f.endsWith(".incomplete"));
const setFile = (file: string, bytes: Buffer, large = true) =>
  server.repos.get(REPO)?.files.set(file, { bytes, large });
const ofWeights = (seen: Seen) => seen.at === "cdn" && seen.method === "GET";

describe("what is fetched", () => {
  test("the files that a model needs, no others, in the layout that other tools read", async () => {
    const folder = await fetched();
    expect(folder).toMatchObject({ repo: REPO, revision: "main", commit: COMMIT });
    expect(folder.name).toBe("openai-community/gpt2@607a30d");
    expect(readdirSync(join(home, "snapshots", COMMIT)).sort()).toEqual([
      "config.json",
      "model.safetensors",
      "tokenizer.json",
    ]);
    for (const file of ["config.json", "model.safetensors", "tokenizer.json"]) {
      expect(stored(file)).toBe(true);
      const found = fileNow(file);
      expect(readlinkSync(pathOf(file))).toBe(`../../blobs/${found && etagOfFile(found)}`);
    }
    expect(readFileSync(join(home, "refs", "main"), "utf8")).toBe(COMMIT);
    expect(readdirSync(join(home, ".no_exist", COMMIT))).toEqual([
      "generation_config.json",
      "tokenizer_config.json",
    ]);
    expect(unfinished()).toEqual([]);
    expect(readdirSync(join(home, "blobs")).length).toBe(3);
    const source = await folder.open("model.safetensors");
    expect(await source?.size()).toBe(300_000);
    expect(await folder.open("tokenizer_config.json")).toBeUndefined();
    expect(await folder.open("../../../x")).toBeUndefined();
  });

  test("the parts of a tokenizer, where there is no tokenizer.json", async () => {
    server.repos.get(REPO)?.files.delete("tokenizer.json");
    for (const file of ["vocab.json", "merges.txt"]) setFile(file, Buffer.from("{}"), false);
    await fetched();
    expect(readdirSync(join(home, "snapshots", COMMIT)).sort()).toEqual([
      "config.json",
      "merges.txt",
      "model.safetensors",
      "vocab.json",
    ]);
  });

  test("large files go in ranges that cover each byte once", async () => {
    await fetched();
    const ranges = server.seen.filter(ofWeights).map((one) => one.range);
    const all = Array.from({ length: 5 }, (_, i) => {
      const end = Math.min((i + 1) * 65536, 300_000) - 1;
      return `bytes=${i * 65536}-${end}`;
    });
    expect(ranges.sort()).toEqual(all.sort());
  });

  test("the second time one question is asked, and for a commit none", async () => {
    await fetched();
    server.seen.length = 0;
    await fetched();
    expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `HEAD /${REPO}/resolve/main/config.json`,
      `HEAD /api/resolve-cache/models/${REPO}/${COMMIT}/config.json`,
    ]);
    server.seen.length = 0;
    await fetched({ revision: COMMIT });
    expect(server.seen).toEqual([]);
  });

  test("a new commit: files that are the same are not fetched again", async () => {
    await fetched();
    const commit = "a".repeat(40);
    const files = new Map(server.repos.get(REPO)?.files);
    files.set("config.json", { bytes: Buffer.from("{}  "), large: false });
    server.repos.set(REPO, { commit, files });
    server.seen.length = 0;
    const folder = await fetched();
    expect(folder.commit).toBe(commit);
    expect(server.fetched().map(({ path }) => path)).toEqual([
      `/api/resolve-cache/models/${REPO}/${commit}/config.json`,
    ]);
    expect(stored("model.safetensors")).toBe(true);
    expect(readFileSync(join(home, "refs", "main"), "utf8")).toBe(commit);
  });

  test("a renamed repository is followed, and cached under the name that was asked", async () => {
    const folder = await fetched({ repo: "gpt2" });
    expect(folder.commit).toBe(COMMIT);
    expect(existsSync(join(cache, "models--gpt2", "snapshots", COMMIT, "config.json"))).toBe(true);
  });

  test("a pull request's revision", async () => {
    await fetched({ revision: "refs/pr/1" });
    expect(readFileSync(join(home, "refs", "refs", "pr", "1"), "utf8")).toBe(COMMIT);
    expect(server.seen[0]?.path).toBe(`/${REPO}/resolve/refs%2Fpr%2F1/config.json`);
  });

  test("shards, as the index lists them", async () => {
    const shard = (name: string) => `model-0000${name}-of-00002.safetensors`;
    const index = { weight_map: { a: shard("1"), b: shard("2"), c: shard("1") } };
    server.repos.get(REPO)?.files.delete("model.safetensors");
    setFile("model.safetensors.index.json", Buffer.from(JSON.stringify(index)), false);
    setFile(shard("1"), noise(1000, 7));
    setFile(shard("2"), noise(1000, 8));
    setFile("model-00003-of-00003.safetensors", noise(1000, 9));
    await fetched();
    expect(readdirSync(join(home, "snapshots", COMMIT)).sort()).toEqual([
      "config.json",
      shard("1"),
      shard("2"),
      "model.safetensors.index.json",
      "tokenizer.json",
    ]);
    expect(stored(shard("2"))).toBe(true);
  });

  test.each([
    ["weights/missing-shard", { weight_map: { a: "model-1.safetensors" } }],
    ["weights/shard-outside-folder", { weight_map: { a: "../../x.safetensors" } }],
    ["weights/bad-index", { weight_map: {} }],
  ])("an index that cannot be: %s", async (code, index) => {
    server.repos.get(REPO)?.files.delete("model.safetensors");
    setFile("model.safetensors.index.json", Buffer.from(JSON.stringify(index)), false);
    expect(await codeOf(() => fetched())).toBe(code);
    expect(existsSync(join(home, "refs"))).toBe(false);
  });

  test("empty files", async () => {
    setFile("tokenizer.json", Buffer.alloc(0), false);
    setFile("model.safetensors", Buffer.alloc(0));
    await fetched();
    expect(stored("tokenizer.json") && stored("model.safetensors")).toBe(true);
  });

  test("progress: bytes of all files, never backwards, whole at the end", async () => {
    const told: HubProgress[] = [];
    await fetched({ onProgress: (one) => told.push(one) });
    const total = 300_000 + bytesOf("config.json").length + bytesOf("tokenizer.json").length;
    expect(told.at(-1)).toMatchObject({ file: "model.safetensors", done: total, total });
    expect(told.at(-1)?.rate).toBeGreaterThanOrEqual(0);
    expect(told.every((one, i) => i === 0 || one.done >= (told[i - 1]?.done ?? 0))).toBe(true);
  });
});

describe("the public function", () => {
  test("takes cache, endpoint and token from the environment", async () => {
    server.repos.set(REPO, { commit: COMMIT, files: modelFiles(1000), token: "hf_secret" });
    vi.stubEnv("HF_HOME", cache);
    vi.stubEnv("HF_HUB_CACHE", "");
    vi.stubEnv("HF_ENDPOINT", `${server.endpoint}/`);
    vi.stubEnv("HF_TOKEN", " hf_secret\n");
    const folder = await hubFolder(REPO);
    expect(folder.commit).toBe(COMMIT);
    expect(existsSync(join(cache, "hub", "models--openai-community--gpt2", "refs", "main"))).toBe(
      true,
    );
    vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:1");
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect((await hubFolder(REPO)).commit).toBe(COMMIT);
    expect(await codeOf(() => hubFolder("openai-community/other"))).toBe("weights/hub-offline");
  });

  test("the token of a login is found, and not where it is switched off", async () => {
    server.repos.set(REPO, { commit: COMMIT, files: modelFiles(1000), token: "hf_secret" });
    await writeFile(join(cache, "token"), "hf_secret\n");
    vi.stubEnv("HF_HOME", cache);
    vi.stubEnv("HF_TOKEN", "");
    vi.stubEnv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    const options = { endpoint: server.endpoint, cache: join(cache, "hub") };
    expect(await codeOf(() => hubFolder(REPO, options))).toBe("weights/hub-denied");
    vi.stubEnv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "");
    expect((await hubFolder(REPO, options)).commit).toBe(COMMIT);
  });

  test("a checkpoint is opened from it", async () => {
    const { openCheckpoint } = await import("../src/index.ts");
    const bytes = await writeSafetensors([
      { name: "a", dtype: "U8", shape: [3], bytes: Uint8Array.of(1, 2, 3) },
    ]);
    setFile("model.safetensors", Buffer.from(bytes));
    const checkpoint = await openCheckpoint(
      await hubFolder(REPO, { endpoint: server.endpoint, cache }),
    );
    expect(await checkpoint.numbers("a", "f32")).toEqual(Float32Array.of(1, 2, 3));
  });

  test.each([
    "../x",
    "a/b/c",
    "..%2f",
    "/etc/passwd",
    "a/..",
    "a\0b",
    "",
    "/",
    "a/",
    "a--b",
    "a..b",
    ".hidden",
    "-a",
    "a b",
    "a\\b",
    "C:x",
    "ä",
    "a\n",
    "x".repeat(97),
    "a/b.git",
    "https://huggingface.co/gpt2",
  ])("a name that no repository has: %j", async (name) => {
    const work = () => hubFolder(name, { endpoint: server.endpoint, cache });
    expect(await codeOf(work)).toBe("weights/hub-bad-name");
    expect(server.seen).toEqual([]);
    expect(readdirSync(cache)).toEqual([]);
  });

  test.each([
    "../main",
    "a/../b",
    "..",
    "/main",
    "main/",
    "",
    "a\0",
    "a b",
    "-x",
    "a.lock",
    "a\\b",
    "x".repeat(201),
    "%2e%2e",
  ])("a revision that cannot be: %j", async (revision) => {
    const work = () => hubFolder(REPO, { endpoint: server.endpoint, cache, revision });
    expect(await codeOf(work)).toBe("weights/hub-bad-revision");
    expect(server.seen).toEqual([]);
  });

  test("endpoints and tokens that cannot be are refused without being shown", async () => {
    for (const endpoint of ["ftp://x", "nonsense secret", "http://user:secret@127.0.0.1/"]) {
      const work = hubFolder(REPO, { endpoint, cache });
      await expect(work).rejects.toThrow(/^(?!.*secret).*endpoint/);
      expect(await codeOf(() => work)).toBe("weights/bad-url");
    }
    const work = hubFolder(REPO, { endpoint: server.endpoint, cache, token: "secret\r\nx: y" });
    await expect(work).rejects.toThrow(/^(?!.*secret).*token/);
    expect(await codeOf(() => work)).toBe("weights/hub-bad-token");
  });
});

describe("tokens", () => {
  test("go to the hub only, never to where it redirects", async () => {
    server.repos.set(REPO, { commit: COMMIT, files: modelFiles(300_000), token: "hf_secret" });
    await fetched({ token: "hf_secret" });
    const at = (place: Seen["at"]) =>
      new Set(server.seen.filter((one) => one.at === place).map((one) => one.authorization));
    expect(at("hub")).toEqual(new Set(["Bearer hf_secret"]));
    expect(at("cdn")).toEqual(new Set([undefined]));
    expect(server.seen.filter(ofWeights).length).toBe(5);
  });

  test("the same where the platform follows redirects, as in browsers", async () => {
    server.repos.set(REPO, { commit: COMMIT, files: modelFiles(300_000), token: "hf_secret" });
    const hub = {
      ...testHub({ endpoint: server.endpoint, cache, token: "hf_secret" }),
      redirects: "follow",
    } as const;
    const folder = await hubSnapshot({
      hub,
      cache: nodeCache(cache, REPO, { pieceBytes: 65536 }),
      describe: describeByListing(hub, REPO),
      repo: REPO,
      revision: "main",
      offline: false,
    });
    expect(folder.commit).toBe(COMMIT);
    expect(stored("model.safetensors") && stored("config.json")).toBe(true);
    expect(server.seen.filter(({ path }) => path.startsWith("/api/models")).length).toBe(1);
    const elsewhere = server.seen.filter((one) => one.at === "cdn");
    expect(elsewhere.length).toBe(5);
    expect(elsewhere.every((one) => one.authorization === undefined)).toBe(true);
  });

  test.each([
    [undefined, /no token was sent.*put a token that may read it here/],
    ["hf_wrong", /the token that was sent is refused/],
  ])("denied, with the token %s", async (token, message) => {
    server.repos.set(REPO, { commit: COMMIT, files: modelFiles(1000), token: "hf_secret" });
    const work = fetched(token === undefined ? {} : { token });
    await expect(work).rejects.toThrow(message);
    await expect(work).rejects.toThrow(/^(?!.*hf_)/);
    expect(await codeOf(() => work)).toBe("weights/hub-denied");
    expect(server.seen.length).toBe(1);
  });

  test("a gated repository says where to accept its terms", async () => {
    server.fault = (_, response) => {
      response.writeHead(403, { "x-error-code": "GatedRepo" }).end();
      return true;
    };
    await expect(fetched()).rejects.toThrow(
      `accept the terms at ${server.endpoint}/openai-community/gpt2,`,
    );
  });
});

test("repositories and revisions that are not there", async () => {
  const code = "weights/hub-not-found";
  const repo = fetched({ repo: "openai-community/gpt3" });
  await expect(repo).rejects.toMatchObject({ code, details: { missing: "repository" } });
  const revision = fetched({ revision: "nightly" });
  await expect(revision).rejects.toMatchObject({ code, details: { missing: "revision" } });
  expect(readdirSync(cache)).toEqual([]);
});

describe("offline", () => {
  test("only the cache; what is missing is named", async () => {
    const offline = { offline: true };
    await expect(fetched(offline)).rejects.toThrow(/this revision is not in the cache/);
    await fetched();
    server.seen.length = 0;
    expect((await fetched(offline)).commit).toBe(COMMIT);
    expect((await fetched({ offline: true, revision: COMMIT })).commit).toBe(COMMIT);
    await rm(pathOf("model.safetensors"));
    await expect(fetched(offline)).rejects.toThrow(/model\.safetensors is not in the cache/);
    await rm(pathOf("config.json"));
    const work = fetched(offline);
    await expect(work).rejects.toMatchObject({
      code: "weights/hub-offline",
      details: { file: "config.json", commit: COMMIT },
    });
    expect(server.seen).toEqual([]);
  });

  test("without a network, what is whole in the cache is used; what is not is an error", async () => {
    await fetched();
    server.close();
    expect((await fetched()).commit).toBe(COMMIT);
    await rm(pathOf("model.safetensors"));
    expect(await codeOf(() => fetched())).toBe("weights/unreachable");
  });

  test("where nothing listens, one quick retry and no more, and the error says so", async () => {
    server.close();
    const asked: string[] = [];
    const real = globalThis.fetch;
    const spy = vi.spyOn(globalThis, "fetch").mockImplementation(async (url, init) => {
      asked.push(String(url));
      return await real(url, init);
    });
    // With more patience than the test has time for.
    const work = fetched({ retry: { tries: 8, firstMs: 200, mostMs: 60_000 } });
    await expect(work).rejects.toMatchObject({
      code: "weights/unreachable",
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ could not be reached.*ECONNREFUSED/),
      details: { system: "ECONNREFUSED" },
    });
    spy.mockRestore();
    expect(asked).toHaveLength(2);
  });
});

describe("the cache of other tools", () => {
  async function byHand(): Promise<void> {
    const files = { "config.json": "{}", "model.safetensors": "weights" };
    await mkdir(join(home, "blobs"), { recursive: true });
    await mkdir(join(home, "snapshots", COMMIT), { recursive: true });
    await mkdir(join(home, "refs"), { recursive: true });
    await writeFile(join(home, "refs", "main"), COMMIT);
    let digit = 0;
    for (const [file, text] of Object.entries(files)) {
      const etag = String(digit++).repeat(40);
      await writeFile(join(home, "blobs", etag), text);
      await symlink(`../../blobs/${etag}`, pathOf(file));
    }
  }

  test("is used as it is, offline too", async () => {
    await byHand();
    const folder = await fetched({ offline: true });
    const source = await folder.open("model.safetensors");
    expect(Buffer.from((await source?.read(0, 7)) ?? []).toString()).toBe("weights");
    expect(await folder.open("tokenizer.json")).toBeUndefined();
  });

  test("only what it lacks is fetched, and its partial downloads are left alone", async () => {
    await byHand();
    await rm(pathOf("model.safetensors"));
    const weights = fileNow("model.safetensors");
    const foreign = join(home, "blobs", `${weights && etagOfFile(weights)}.incomplete`);
    await writeFile(foreign, "left by another tool");
    await fetched();
    expect(stored("model.safetensors")).toBe(true);
    expect(readFileSync(pathOf("config.json"), "utf8")).toBe("{}");
    expect(readFileSync(foreign, "utf8")).toBe("left by another tool");
  });

  test("absence is remembered as other tools do", async () => {
    await mkdir(join(home, ".no_exist", COMMIT), { recursive: true });
    await writeFile(join(home, ".no_exist", COMMIT, "tokenizer.json"), "");
    await fetched();
    expect(existsSync(pathOf("tokenizer.json"))).toBe(false);
  });

  test("a broken link and a blob of the wrong length are replaced", async () => {
    await fetched();
    const weights = fileNow("model.safetensors");
    const blob = join(home, "blobs", weights ? etagOfFile(weights) : "");
    await rm(blob);
    await fetched();
    expect(stored("model.safetensors")).toBe(true);
    await rm(pathOf("model.safetensors"));
    await writeFile(blob, "short");
    await fetched();
    expect(stored("model.safetensors")).toBe(true);
  });

  test("where links are not possible, the files themselves are there", async () => {
    const noLinks = async () => {
      throw Object.assign(new Error("no links"), { code: "EPERM" });
    };
    await fetched({ symlink: noLinks });
    expect(lstatSync(pathOf("model.safetensors")).isFile()).toBe(true);
    expect(stored("model.safetensors")).toBe(true);
    expect(readdirSync(join(home, "blobs"))).toEqual([]);
    server.seen.length = 0;
    await fetched({ symlink: noLinks });
    expect(server.fetched()).toEqual([]);
  });
});

test("too little room is said before anything is fetched, with both numbers", async () => {
  const hub = testHub({ endpoint: server.endpoint, cache });
  const work = hubSnapshot({
    hub,
    cache: { ...nodeCache(cache, REPO), free: async () => 1234 },
    describe: describeByHead(hub, REPO),
    repo: REPO,
    revision: "main",
    offline: false,
  });
  await expect(work).rejects.toThrow(
    /: 300023 bytes are still to be fetched.* has 1234 bytes free/,
  );
  expect(await codeOf(() => work)).toBe("weights/hub-disk-full");
  expect(server.fetched()).toEqual([]);
  expect(await nodeCache(cache, REPO).free()).toBeGreaterThan(1234);
});

test("a cache folder that cannot be written", async () => {
  await writeFile(join(cache, "file"), "");
  const work = fetched({ cache: join(cache, "file") });
  expect(await codeOf(() => work)).toBe("weights/unwritable");
});
