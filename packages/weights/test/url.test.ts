import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint, urlFolder, urlSource, writeSafetensors } from "../src/index.ts";
import { codeOf } from "./make.ts";

const bytes = await writeSafetensors([
  { name: "a", dtype: "U8", shape: [5], bytes: Uint8Array.of(1, 2, 3, 4, 5) },
]);
/** More than comes with the first answer, and than one request brings. */
const large = Uint8Array.from({ length: 40_000_001 }, (_, i) => (i * 7) ^ (i >> 9));

/** A server of ranges, in memory; `change` alters its answers. */
function served(
  data: Uint8Array,
  change: (
    range: { start: number; end: number },
    headers: Record<string, string>,
  ) => Response | undefined = () => undefined,
) {
  const requests: string[] = [];
  return {
    requests,
    fetch: async (url: string, init: RequestInit): Promise<Response> => {
      const range = new Headers(init.headers).get("range") ?? "";
      requests.push(`${new URL(url).pathname} ${range}`);
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
      const start = Number(from);
      const end = Math.min(Number(to) + 1, data.length);
      if (start >= data.length) {
        return new Response(null, {
          status: 416,
          headers: { "content-range": `bytes */${data.length}` },
        });
      }
      const headers = { "content-range": `bytes ${start}-${end - 1}/${data.length}`, etag: '"1"' };
      return (
        change({ start, end }, headers) ??
        new Response(data.slice(start, end), { status: 206, headers })
      );
    },
  };
}

describe("a real server", () => {
  let server: Server;
  let address = "";
  beforeAll(async () => {
    server = createServer((request, response) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
      const path = request.url ?? "";
      const end = Math.min(Number(to) + 1, bytes.length);
      const headers = { "content-range": `bytes ${from}-${end - 1}/${bytes.length}` };
      if (path === "/slow") return void response.writeHead(206, headers).flushHeaders();
      if (path !== "/m%20x/model.safetensors?key=1") return void response.writeHead(404).end("no");
      response.writeHead(206, headers).end(bytes.subarray(Number(from), end));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const at = server.address();
    if (at !== null && typeof at === "object") address = `http://127.0.0.1:${at.port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test("a checkpoint is read by ranges, the query going along", async () => {
    const checkpoint = await openCheckpoint(urlFolder(`${address}/m x?key=1`));
    expect(await checkpoint.numbers("a", "f32")).toEqual(Float32Array.of(1, 2, 3, 4, 5));
    expect(checkpoint.name).toBe(`${address}/m%20x/`);
  });

  test("a folder inside another is read under its address, the query going along", async () => {
    const outer = urlFolder(`${address}/?key=1`);
    const checkpoint = await openCheckpoint(outer.inside?.("m x") ?? outer);
    expect(await checkpoint.numbers("a", "f32")).toEqual(Float32Array.of(1, 2, 3, 4, 5));
  });

  test("a folder without a checkpoint, a file that is not there, no server", async () => {
    expect(await codeOf(() => openCheckpoint(urlFolder(`${address}/none`)))).toBe(
      "weights/no-checkpoint",
    );
    expect(await codeOf(() => urlSource(`${address}/none`).size())).toBe("weights/no-file");
    expect(await codeOf(() => urlSource("http://127.0.0.1:1/").size())).toBe("weights/unreachable");
  });

  test("a signal ends a read that a server keeps waiting", async () => {
    const signal = AbortSignal.timeout(100);
    await expect(urlSource(`${address}/slow`).size({ signal })).rejects.toBe(
      await reasonOf(signal),
    );
  });
});

async function reasonOf(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) await new Promise((done) => signal.addEventListener("abort", done));
  return signal.reason;
}

test("one request tells the size and brings the first 64 KiB", async () => {
  const { fetch, requests } = served(large);
  const source = urlSource("https://example.org/f", { fetch });
  expect(await source.read(8, 16)).toEqual(large.subarray(8, 16));
  expect(await source.read(3, 3)).toEqual(new Uint8Array(0));
  expect(await source.size()).toBe(large.length);
  expect(await source.read(1, 65536)).toEqual(large.subarray(1, 65536));
  expect(requests).toEqual(["/f bytes=0-65535"]);
  expect(await codeOf(() => source.read(0, large.length + 1))).toBe("weights/bad-range");
});

describe("few large requests", () => {
  const MiB = 2 ** 20;

  test("many small reads of neighbours, in any order, are few requests, of each byte about once", async () => {
    const { fetch, requests } = served(large);
    const source = urlSource("https://example.org/f", { fetch });
    const step = 99_999;
    const starts = Array.from({ length: Math.floor(large.length / step) }, (_, i) => i * step);
    for (let i = 0; i + 1 < starts.length; i += 2) {
      for (const start of [starts[i + 1] ?? 0, starts[i] ?? 0]) {
        const got = await source.read(start, start + step);
        expect(Buffer.compare(got, large.subarray(start, start + step))).toBe(0);
      }
    }
    expect(requests.length).toBeLessThan(10);
    const sizes = requests.map((one) => {
      const [from = 0, to = 0] = one.match(/\d+/g)?.map(Number) ?? [];
      return to + 1 - from;
    });
    expect(Math.max(...sizes)).toBe(16 * MiB);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(1.05 * large.length);
  });

  test("who reads little gets little more than it", async () => {
    const { fetch, requests } = served(large);
    const source = urlSource("https://example.org/f", { fetch });
    await source.read(5 * MiB + 1, 5 * MiB + 9);
    expect(requests).toEqual(["/f bytes=0-65535", `/f bytes=${5 * MiB}-${6 * MiB - 1}`]);
  });

  test("what is longer than 16 MiB is one request of just those bytes", async () => {
    const { fetch, requests } = served(large);
    const source = urlSource("https://example.org/f", { fetch });
    const got = await source.read(7, 7 + 17 * MiB);
    expect(Buffer.compare(got, large.subarray(7, 7 + 17 * MiB))).toBe(0);
    expect(requests).toEqual(["/f bytes=0-65535", `/f bytes=7-${17 * MiB + 6}`]);
  });

  test("a reader that gives up does not take another's bytes with it, and failures are not kept", async () => {
    const abort = new AbortController();
    let first = true;
    const server = served(large);
    const fetch = async (url: string, init: RequestInit): Promise<Response> => {
      if (init.signal === abort.signal && first) {
        first = false;
        await new Promise((_, reject) =>
          init.signal?.addEventListener("abort", () => reject(init.signal?.reason)),
        );
      }
      return await server.fetch(url, init);
    };
    const source = urlSource("https://example.org/f", { fetch });
    await source.size();
    const given = source.read(MiB, MiB + 5, { signal: abort.signal });
    const kept = source.read(MiB + 2, MiB + 9);
    abort.abort();
    await expect(given).rejects.toBe(abort.signal.reason);
    expect(await kept).toEqual(large.slice(MiB + 2, MiB + 9));
    expect(await source.read(MiB, MiB + 5)).toEqual(large.slice(MiB, MiB + 5));
  });
});

test("of two first reads at once, that of another file than the other's is an error", async () => {
  let answers = 0;
  const { fetch } = served(bytes, ({ start, end }, headers) => {
    const etag = `"${++answers}"`;
    return new Response(bytes.slice(start, end), { status: 206, headers: { ...headers, etag } });
  });
  const source = urlSource("https://example.org/f", { fetch });
  const both = await Promise.allSettled([source.size(), source.size()]);
  expect(both[0]).toEqual({ status: "fulfilled", value: bytes.length });
  expect(both[1]).toMatchObject({ reason: { code: "weights/source-changed" } });
});

test("an empty file", async () => {
  const { fetch } = served(new Uint8Array(0));
  expect(await urlSource("https://example.org/f", { fetch }).size()).toBe(0);
});

test("secrets in the address do not get into names and messages", async () => {
  const fetch = async () => new Response(null, { status: 403 });
  const source = urlSource("https://user:secret@example.org/f?token=secret#secret", { fetch });
  expect(source.name).toBe("https://example.org/f");
  await expect(source.size()).rejects.toThrow(/^(?!.*secret).*got 403.*authorisation/);
});

test("a shard's name stays one name in the address", async () => {
  const { fetch, requests } = served(bytes);
  const folder = urlFolder("https://example.org/m/", { fetch });
  await folder.open("a%2f..%2fb?#.safetensors".replace("?", ""));
  expect(requests).toEqual(["/m/a%252f..%252fb%23.safetensors bytes=0-65535"]);
  expect(await folder.open("../x")).toBeUndefined();
});

describe("answers that are not what was asked", () => {
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
    });
  const broken = () =>
    new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("cut")) });
  const ok = 206;
  test.each<[string, string, Parameters<typeof served>[1]]>([
    ["weights/http-status", "500", () => new Response("", { status: 500 })],
    ["weights/http-status", "204", () => new Response(null, { status: 204 })],
    ["weights/no-file", "404", () => new Response("", { status: 404 })],
    ["weights/bad-range-response", "no Content-Range", () => new Response("x", { status: ok })],
    [
      "weights/bad-range-response",
      "another range",
      () => new Response("x", { status: ok, headers: { "content-range": "bytes 1-1/90" } }),
    ],
    [
      "weights/bad-range-response",
      "an unknown size",
      () => new Response("x", { status: ok, headers: { "content-range": "bytes 0-0/*" } }),
    ],
    [
      "weights/bad-range-response",
      "a size that is no number",
      () =>
        new Response("x", {
          status: ok,
          headers: { "content-range": "bytes 0-0/9999999999999999" },
        }),
    ],
    [
      "weights/bad-range-response",
      "a size of nothing",
      () => new Response("x", { status: ok, headers: { "content-range": "bytes 0-0/0" } }),
    ],
    [
      "weights/bad-range-response",
      "a body without end",
      (_range, headers) => new Response(endless(), { status: ok, headers }),
    ],
    [
      "weights/truncated",
      "a body too short",
      (_range, headers) => new Response("", { status: ok, headers }),
    ],
    [
      "weights/truncated",
      "no body",
      (_range, headers) => new Response(null, { status: ok, headers }),
    ],
    [
      "weights/unreachable",
      "a body that breaks off",
      (_range, headers) => new Response(broken(), { status: ok, headers }),
    ],
  ])("%s: %s", async (code, _what, change) => {
    const { fetch } = served(bytes, change);
    expect(await codeOf(() => urlSource("https://example.org/f", { fetch }).size())).toBe(code);
  });

  test.each(["etag", "content-range"])(
    "weights/source-changed: another %s than before",
    async (header) => {
      let answers = 0;
      const { fetch } = served(large, ({ start, end }, headers) => {
        const now =
          { etag: '"2"', "content-range": `bytes ${start}-${end - 1}/${2 ** 40}` }[header] ?? "";
        if (answers++ === 0) return undefined;
        return new Response(large.slice(start, end), {
          status: ok,
          headers: { ...headers, [header]: now },
        });
      });
      const source = urlSource("https://example.org/f", { fetch });
      expect(await source.read(0, 8)).toEqual(large.slice(0, 8)); // of the first answer
      expect(await codeOf(() => source.read(0, 70_000))).toBe("weights/source-changed");
    },
  );

  test("a size is trusted no further than memory reaches", async () => {
    const { fetch } = served(large, ({ start, end }) => {
      const to = start === 0 && end === 65536 ? end : 2 ** 52;
      return new Response(large.slice(start, end), {
        status: ok,
        headers: { "content-range": `bytes ${start}-${to - 1}/${2 ** 52}` },
      });
    });
    const source = urlSource("https://example.org/f", { fetch });
    expect(await codeOf(() => source.read(0, 2 ** 52))).toBe("weights/too-large-for-memory");
  });

  test("weights/bad-url", async () => {
    expect(await codeOf(() => urlSource("model.safetensors"))).toBe("weights/bad-url");
  });
});
