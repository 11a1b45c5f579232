import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type HubWait, RETRY, retryAfterMs } from "../src/hub/retry.ts";
import { nodeCache } from "../src/node/hub-cache.ts";
import { claim, partialName } from "../src/node/hub-claim.ts";
import { onDisk } from "../src/node/hub-partial.ts";
import { type FetchOptions, fetchModel } from "./hub-fetch.ts";
import { COMMIT, etagOfFile, type HubServer, hubServer, REPO, type Seen } from "./hub-server.ts";
import { codeOf } from "./make.ts";

let server: HubServer;
let cache: string;
beforeEach(async () => {
  server = await hubServer();
  cache = await mkdtemp(join(tmpdir(), "resolvent-hub-"));
});
afterEach(async () => {
  server.close();
  await rm(cache, { recursive: true, force: true });
});

const fetched = async (options: Partial<FetchOptions> = {}) =>
  await fetchModel({ endpoint: server.endpoint, cache, ...options });

const home = () => join(cache, "models--openai-community--gpt2");
const weightsPath = () => join(home(), "snapshots", COMMIT, "model.safetensors");
const blobs = () => (existsSync(join(home(), "blobs")) ? readdirSync(join(home(), "blobs")) : []);
const unfinished = () => blobs().filter((name) => name.endsWith(".incomplete"));
function weights(): { bytes: Buffer; large: boolean } {
  const found = server.repos.get(REPO)?.files.get("model.safetensors");
  if (found === undefined) throw new Error("no weights");
  return found;
}
const whole = () => readFileSync(weightsPath()).equals(weights().bytes);
const cdnGet = (seen: Seen) => seen.at === "cdn" && seen.method === "GET";
const cdnRequests = () => server.seen.filter(cdnGet).length;

/** Sends the first bytes of an answer, and then cuts the connection. */
function cut(
  response: ServerResponse,
  answer: { status: number; headers: Record<string, string>; bytes: Buffer },
  length: number,
): true {
  response.writeHead(answer.status, answer.headers);
  response.write(answer.bytes.subarray(0, length), () => setTimeout(() => response.destroy(), 10));
  return true;
}

describe("what passes", () => {
  test("connections that break off in mid-file are continued where they broke", async () => {
    const cuts = new Map<string, number>();
    server.fault = (seen, response, answer) => {
      const piece = seen.range?.replace(/.*-/, "") ?? "";
      if (!cdnGet(seen) || (cuts.get(piece) ?? 0) >= 3) return false;
      cuts.set(piece, (cuts.get(piece) ?? 0) + 1);
      return cut(response, answer, 5000);
    };
    await fetched();
    expect(whole()).toBe(true);
    const lastPiece = server.seen.filter((one) => cdnGet(one) && one.range?.endsWith("-299999"));
    expect(lastPiece.map((one) => one.range)).toEqual([
      "bytes=262144-299999",
      "bytes=267144-299999",
      "bytes=272144-299999",
      "bytes=277144-299999",
    ]);
  });

  test.each([429, 500, 502, 503, 504, 408])("HTTP %d, twice at each place", async (status) => {
    const failures = new Map<string, number>();
    server.fault = (seen, response) => {
      const key = `${seen.method} ${seen.path} ${seen.range}`;
      if ((failures.get(key) ?? 0) >= 2) return false;
      failures.set(key, (failures.get(key) ?? 0) + 1);
      response.writeHead(status).end();
      return true;
    };
    await fetched({ retry: { tries: 6 } }); // two redirects make a place four failures long
    expect(whole()).toBe(true);
    expect(failures.size).toBeGreaterThan(10);
  });

  test("the server's Retry-After is waited for, and told", async () => {
    let refused = 0;
    let asked = 0;
    server.fault = (_, response) => {
      asked ||= performance.now();
      if (refused++ > 0) return false;
      response.writeHead(429, { "retry-after": "1" }).end();
      return true;
    };
    const waits: HubWait[] = [];
    await fetched({ retry: { onWait: (wait) => waits.push(wait) } });
    expect(waits.map(({ ms, failure }) => [ms, failure.code])).toEqual([
      [1000, "weights/hub-busy"],
    ]);
    expect(refused).toBeGreaterThan(1);
    expect(performance.now() - asked).toBeGreaterThan(990);
  });

  test("a signed address that has grown old is asked for again", async () => {
    let refused = 0;
    server.fault = (seen, response) => {
      if (!cdnGet(seen) || refused++ >= 3) return false;
      response.writeHead(403).end("expired");
      return true;
    };
    await fetched();
    expect(whole()).toBe(true);
  });

  test("bodies that end too early, with and without saying so", async () => {
    let short = 0;
    server.fault = (seen, response, { status, headers, bytes }) => {
      if (!cdnGet(seen) || short++ >= 4) return false;
      const { "content-length": _, ...rest } = headers; // chunked: its end looks like any other
      response.writeHead(status, rest).end(bytes.subarray(0, 100));
      return true;
    };
    await fetched();
    expect(whole()).toBe(true);
  });

  test("a silent connection is given up and taken up again", async () => {
    let silent = 0;
    server.fault = (seen, response, { status, headers, bytes }) => {
      if (!cdnGet(seen) || silent++ > 0) return false;
      response.writeHead(status, headers).write(bytes.subarray(0, 100));
      return true;
    };
    await fetched({ retry: { stallMs: 200 } });
    expect(whole()).toBe(true);
  });

  test("a server that ignores ranges sends the file once, cut or not", async () => {
    let cuts = 0;
    server.fault = (seen, response, { headers }) => {
      if (!cdnGet(seen)) return false;
      const { "content-range": _, ...rest } = headers;
      const { bytes } = weights();
      const all = { status: 200, headers: { ...rest, "content-length": "300000" }, bytes };
      if (seen.range === undefined && cuts++ === 0) return cut(response, all, 100_000);
      response.writeHead(200, all.headers).end(bytes);
      return true;
    };
    await fetched();
    expect(whole()).toBe(true);
    expect(server.seen.filter((one) => cdnGet(one) && one.range === undefined).length).toBe(2);
  });

  test("416 to a range that there should be", async () => {
    server.fault = (seen, response) => {
      if (!cdnGet(seen) || seen.range === undefined) return false;
      response.writeHead(416, { "content-range": "bytes */1" }).end();
      return true;
    };
    await fetched();
    expect(whole()).toBe(true);
  });
});

describe("what does not pass", () => {
  test.each([
    ["weights/hub-busy", 503, {}],
    ["weights/hub-busy", 429, { "retry-after": "3600" }],
    ["weights/http-status", 418, {}],
    ["weights/hub-bad-answer", 302, {}],
    ["weights/hub-bad-answer", 302, { location: "file:///etc/passwd" }],
    ["weights/hub-bad-answer", 302, { location: "http://" }],
    ["weights/hub-bad-answer", 200, {}],
    ["weights/hub-bad-answer", 200, { "x-repo-commit": "../../x" }],
    ["weights/hub-bad-answer", 200, { "x-repo-commit": COMMIT }],
    ["weights/hub-bad-answer", 200, { "x-repo-commit": COMMIT, etag: '"../../x"' }],
    ["weights/hub-bad-answer", 200, { "x-repo-commit": COMMIT, etag: `"${COMMIT}"` }],
    [
      "weights/hub-bad-answer",
      200,
      { "x-repo-commit": COMMIT, etag: `"${COMMIT}"`, "x-linked-size": "99999999999999" },
    ],
  ])("%s: HTTP %d %j", async (code, status, headers) => {
    server.fault = (_, response) => {
      response.writeHead(status, { "transfer-encoding": "chunked", ...headers }).end();
      return true;
    };
    expect(await codeOf(() => fetched())).toBe(code);
    expect(existsSync(home())).toBe(false);
    // To one that says "in an hour", once is enough.
    if ("retry-after" in headers) expect(server.seen.length).toBe(1);
    if (status === 503) expect(server.seen.length).toBe(4);
  });

  test("redirects without end", async () => {
    server.fault = (seen, response) => {
      response.writeHead(302, { location: `${seen.path}x` }).end();
      return true;
    };
    expect(await codeOf(() => fetched())).toBe("weights/hub-bad-answer");
    expect(server.seen.length).toBe(6);
  });

  test("wrong bytes: both hashes are named, the download is gone, the next is whole", async () => {
    server.fault = (seen, response, { status, headers, bytes }) => {
      if (!cdnGet(seen)) return false;
      response.writeHead(status, headers).end(Buffer.from(bytes).fill(0, 0, 1));
      return true;
    };
    const work = fetched();
    await expect(work).rejects.toThrow(/SHA-256 should be [0-9a-f]{64} and is [0-9a-f]{64}/);
    await expect(work).rejects.toMatchObject({
      code: "weights/hub-hash",
      details: { expected: etagOfFile(weights()) },
    });
    expect(unfinished()).toEqual([]);
    expect(existsSync(weightsPath())).toBe(false);
    expect(cdnRequests()).toBe(5);
    server.fault = () => false;
    await fetched();
    expect(whole()).toBe(true);
  });

  test("wrong bytes of a small file, which has git's hash", async () => {
    server.fault = (seen, response, { status, headers, bytes }) => {
      const config = seen.method === "GET" && seen.path.endsWith(`${COMMIT}/config.json`);
      if (!config || status !== 200) return false;
      response.writeHead(status, headers).end(Buffer.from(bytes).fill(0, 0, 1));
      return true;
    };
    await expect(fetched()).rejects.toThrow(/git SHA-1 should be [0-9a-f]{40} and is [0-9a-f]{40}/);
    expect(unfinished()).toEqual([]);
  });

  test.each<[string, (headers: Record<string, string>, bytes: Buffer) => [typeof headers, Buffer]]>(
    [
      [
        "weights/bad-range-response",
        (headers, bytes) => [{ ...headers, "content-range": "bytes 1-2/300000" }, bytes],
      ],
      [
        "weights/bad-range-response",
        ({ "content-length": _, ...headers }, bytes) => [headers, Buffer.concat([bytes, bytes])],
      ],
      ["weights/truncated", ({ "content-length": _, ...headers }) => [headers, Buffer.alloc(0)]],
    ],
  )("%s", async (code, change) => {
    server.fault = (seen, response, { status, headers, bytes }) => {
      if (!cdnGet(seen)) return false;
      const [changed, body] = change(headers, bytes);
      response.writeHead(status, changed).end(body);
      return true;
    };
    expect(await codeOf(() => fetched())).toBe(code);
    expect(existsSync(weightsPath())).toBe(false);
  });

  test("a file that is another than the one described", async () => {
    server.fault = (seen, response, { status, headers }) => {
      if (seen.method !== "GET" || status !== 302) return false;
      response.writeHead(302, { ...headers, "x-linked-etag": `"${"0".repeat(64)}"` }).end();
      return true;
    };
    expect(await codeOf(() => fetched())).toBe("weights/source-changed");
  });

  test("signatures of the content network do not get into messages", async () => {
    server.fault = (seen, response) => {
      if (seen.at !== "cdn") return false;
      response.destroy();
      return true;
    };
    const work = fetched();
    await expect(work).rejects.toThrow(/^(?!.*secret)/);
    expect(await codeOf(() => work)).toBe("weights/unreachable");
  });
});

describe("stopping", () => {
  test("a slow download stops at once, with the signal's reason, and is continued", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    server.fault = (seen, response, { status, headers, bytes }) => {
      if (!cdnGet(seen)) return false;
      const sent = () => setTimeout(() => controller.abort(reason), 500);
      response.writeHead(status, headers).write(bytes.subarray(0, 20_000), sent);
      return true; // and never goes on
    };
    await expect(fetched({ signal: controller.signal })).rejects.toBe(reason);
    expect(unfinished().length).toBe(1);
    expect(existsSync(weightsPath())).toBe(false);
    server.fault = () => false;
    server.seen.length = 0;
    await fetched();
    expect(whole()).toBe(true);
    const ranges = server.seen.filter(cdnGet).map((one) => one.range);
    expect(ranges).toContain("bytes=20000-65535");
    expect(ranges.filter((range) => range?.startsWith("bytes=0-"))).toEqual([]);
    expect(unfinished()).toEqual([]);
  });

  test("so does a wait for a busy server", { timeout: 60_000 }, async () => {
    server.fault = (_, response) => {
      response.writeHead(429, { "retry-after": "100" }).end();
      return true;
    };
    const work = fetched({ signal: AbortSignal.timeout(100), retry: { patienceMs: 200_000 } });
    await expect(work).rejects.toMatchObject({ name: "TimeoutError" });
  });

  test("what is left of another content is not continued", async () => {
    server.fault = (seen, response, answer) =>
      cdnGet(seen) ? cut(response, answer, 20_000) : false;
    await codeOf(() => fetched({ retry: { tries: 1 } }));
    expect(unfinished().length).toBe(1);
    server.fault = () => false;
    server.repos.get(REPO)?.files.set("model.safetensors", {
      bytes: Buffer.alloc(300_000, 7),
      large: true,
    });
    server.seen.length = 0;
    await fetched();
    expect(whole()).toBe(true);
    expect(server.seen.filter(cdnGet).map((one) => one.range)).toContain("bytes=0-65535");
  });

  test("an unfinished file that was harmed is fetched anew, without an error", async () => {
    server.fault = (seen, response, answer) =>
      cdnGet(seen) && seen.range === "bytes=65536-131071" ? cut(response, answer, 9) : false;
    await codeOf(() => fetched({ retry: { tries: 1 } }));
    const [name = ""] = unfinished();
    const path = join(home(), "blobs", name);
    const bytes = readFileSync(path);
    bytes.fill(0, 1000, 2000);
    await writeFile(path, bytes);
    server.fault = () => false;
    await fetched();
    expect(whole()).toBe(true);
  });

  test("an unfinished file whose record is nonsense is begun anew", async () => {
    const blob = { etag: etagOfFile(weights()), size: 300_000 };
    await codeOf(() => fetched());
    await rm(join(home(), "blobs", blob.etag));
    for (const bytes of [Buffer.alloc(5), Buffer.alloc(300_024, 255), Buffer.alloc(300_000)]) {
      const path = join(home(), "blobs", `${blob.etag}.free-0-00000000.incomplete`);
      await writeFile(path, bytes);
      await fetched();
      expect(whole()).toBe(true);
      expect(unfinished()).toEqual([]);
      await rm(join(home(), "blobs", blob.etag));
    }
  });
});

describe("others at the same file", () => {
  const owned = (owner: string) =>
    join(home(), "blobs", `${etagOfFile(weights())}.${owner}.incomplete`);

  async function leave(owner: string, secondsAgo: number): Promise<string> {
    await fetched();
    await rm(join(home(), "blobs", etagOfFile(weights())));
    const record = Buffer.alloc(24);
    record.writeUInt32LE(65536, 0);
    record.writeUInt32LE(65536, 20);
    await writeFile(owned(owner), Buffer.concat([weights().bytes, record]));
    const then = new Date(Date.now() - secondsAgo * 1000);
    await utimes(owned(owner), then, then);
    server.seen.length = 0;
    return owned(owner);
  }

  test("one on another machine that is silent for long: we go on with a copy", async () => {
    const path = await leave("0123abcd-1-00000000", 90);
    await fetched();
    expect(whole()).toBe(true);
    expect(existsSync(path)).toBe(false);
    expect(cdnRequests()).toBe(4); // the first piece was there
  });

  test("one on another machine that is at work: we wait until it has finished", async () => {
    const path = await leave("0123abcd-1-00000000", 0);
    const work = fetched();
    await new Promise((done) => setTimeout(done, 400));
    expect(cdnRequests()).toBe(0);
    await writeFile(join(home(), "blobs", etagOfFile(weights())), weights().bytes);
    await rm(path);
    await work;
    expect(cdnRequests()).toBe(0);
    expect(whole()).toBe(true);
  });

  test("a wait for another can be stopped", async () => {
    await leave("0123abcd-1-00000000", 0);
    const work = fetched({ signal: AbortSignal.timeout(300) });
    await expect(work).rejects.toMatchObject({ name: "TimeoutError" });
  });

  test("several calls in one process fetch each file once", async () => {
    await Promise.all(Array.from({ length: 5 }, () => fetched()));
    expect(whole()).toBe(true);
    expect(cdnRequests()).toBe(5);
    expect(unfinished()).toEqual([]);
  });

  /** What a dead process has left, so long ago. */
  async function leftByDead(secondsAgo = 0): Promise<string> {
    const path = join(home(), "blobs", partialName(etagOfFile(weights()), false));
    await mkdir(join(home(), "blobs"), { recursive: true });
    await writeFile(path, "part of it");
    const then = new Date(Date.now() - secondsAgo * 1000);
    await utimes(path, then, then);
    return path;
  }

  const claimed = async (isHere = async () => false, signal?: AbortSignal) =>
    await claim(join(home(), "blobs"), etagOfFile(weights()), { isHere, silentMs: 1, signal });
  /** Waits for another. */
  const waits = async () =>
    await expect(claimed(undefined, AbortSignal.timeout(300))).rejects.toMatchObject({
      name: "TimeoutError",
    });

  test.each([false, true])(
    "another that finishes between our look for the blob and our beginning is heeded (something left by a dead one: %s)",
    async (left) => {
      if (left) await leftByDead();
      let looks = 0;
      expect(await claimed(async () => ++looks > 1)).toBe(undefined);
      expect(looks).toBe(2);
      expect(blobs()).toEqual([]);
    },
  );

  test("where two dead ones have left something, one of two who come goes on, and the other waits", async () => {
    await leftByDead();
    await leftByDead();
    const mine = await claimed();
    expect(mine).toBeDefined();
    expect(blobs().length).toBe(1); // the other is of no use
    const another = await leftByDead(); // of one that was ended as it looked around
    await waits();
    expect(blobs().length).toBe(2);
    expect(await claimed(async () => true)).toBe(undefined);
    expect(existsSync(another)).toBe(false);
  });

  test("of two who take what two dead ones have left at one moment, one goes on", async () => {
    await leftByDead();
    await leftByDead();
    const stop = new AbortController();
    const both = [claimed(undefined, stop.signal), claimed(undefined, stop.signal)];
    await Promise.race(both);
    await waits();
    stop.abort();
    const ends = await Promise.allSettled(both);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  test("whoever goes on with what is a day old is at work from the first moment", async () => {
    await leftByDead(86_400);
    expect(await claimed()).toBeDefined();
    await waits();
    expect(blobs().length).toBe(1);
  });

  test("what was touched in the future, by a clock that was set since, is not waited for until then", async () => {
    await leave("0123abcd-1-00000000", -86_400);
    await fetched();
    expect(whole()).toBe(true);
  });

  test("what cannot be opened is let go of: nobody waits for it", async () => {
    const file = {
      ...{ commit: COMMIT, file: "model.safetensors" },
      blob: { etag: etagOfFile(weights()), size: 300_000 },
    };
    const path = await leftByDead();
    await rm(path);
    await mkdir(path);
    expect(await codeOf(() => nodeCache(cache, REPO).begin(file))).toBe("weights/unwritable");
    expect(blobs()).toEqual([expect.stringContaining(".free-")]);
  });

  test.each([
    ["this name", "model.safetensors", true],
    ["that of a file with the same bytes", "copy.safetensors", false],
  ])(
    "without links, another may give the blob %s between our look and our move",
    async (_, name, here) => {
      const file = {
        ...{ commit: COMMIT, file: "model.safetensors" },
        blob: { etag: etagOfFile(weights()), size: 300_000 },
      };
      await fetched();
      await rm(weightsPath());
      const symlink = async (): Promise<never> => {
        await rename(
          join(home(), "blobs", file.blob.etag),
          join(home(), "snapshots", COMMIT, name),
        );
        throw new Error("no links here");
      };
      expect(await nodeCache(cache, REPO, { symlink }).link(file)).toBe(here);
    },
  );

  test("a file that was taken away meanwhile is begun again", async () => {
    const file = {
      commit: COMMIT,
      file: "model.safetensors",
      blob: { etag: etagOfFile(weights()), size: 300_000 },
    };
    const store = nodeCache(cache, REPO);
    const partial = await store.begin(file);
    await partial?.append(0, weights().bytes);
    await rm(join(home(), "blobs", unfinished()[0] ?? ""));
    expect(await partial?.finish()).toBe(false);
    await partial?.close();
    expect(await store.link(file)).toBe(false);
  });
});

test.each([
  ["ENOSPC", "weights/hub-disk-full"],
  ["EDQUOT", "weights/hub-disk-full"],
  ["EROFS", "weights/unwritable"],
])("a disk that says %s", (code, expected) => {
  const error = onDisk("blob", Object.assign(new Error("x"), { code }));
  expect(error.code).toBe(expected);
  expect(error.message).toContain(code);
});

test("Retry-After in seconds, as a date, and as nonsense", () => {
  const now = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");
  expect(retryAfterMs("7", now)).toBe(7000);
  expect(retryAfterMs("Wed, 21 Oct 2026 07:28:30 GMT", now)).toBe(30_000);
  expect(retryAfterMs("Wed, 21 Oct 2026 07:27:30 GMT", now)).toBe(0);
  expect(retryAfterMs("soon", now)).toBe(0);
  expect(retryAfterMs(null, now)).toBe(0);
  expect(RETRY.tries).toBe(6);
});
