import { createServer, type RequestListener, type Server } from "node:http";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { openCheckpoint, urlFolder, urlSource, type WholeFile } from "../src/index.ts";
import { readOnThread } from "../src/node/index.ts";
import { writeSafetensors } from "../src/write.ts";
import { codeOf } from "./make.ts";

// More than comes with the first answer.
const numbers = Float32Array.from({ length: 50_000 }, (_, i) => i / 7);
const bytes = await writeSafetensors([
  { name: "a", dtype: "F32", shape: [50_000], bytes: new Uint8Array(numbers.buffer) },
]);
const page = "<!doctype html><title>an app</title>";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** The address of a server that answers so; and what it was asked for. */
async function serve(listener: RequestListener): Promise<{ address: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.range}`);
    listener(request, response);
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const at = server.address();
  return { address: `http://127.0.0.1:${typeof at === "object" && at?.port}`, asked };
}

/** The file whole, whatever is asked for. */
const whole: RequestListener = (request, response) => {
  if (request.url !== "/model.safetensors") return void response.writeHead(404).end();
  response.writeHead(200, { "content-length": bytes.length }).end(bytes);
};

describe("a server without ranges", () => {
  test("sends the file once, and that is told", async () => {
    const { address, asked } = await serve(whole);
    const told: WholeFile[] = [];
    const folder = urlFolder(address, { onWhole: (file) => told.push(file) });
    const checkpoint = await openCheckpoint(folder);
    expect(await checkpoint.numbers("a", "f32")).toEqual(numbers);
    expect(await checkpoint.numbers("a", "f32")).toEqual(numbers);
    expect(asked).toEqual(["GET /model.safetensors bytes=0-65535"]);
    const name = `${address}/model.safetensors`;
    expect(told[0]).toEqual({ name, done: 0, total: bytes.length });
    expect(told.at(-1)).toEqual({ name, done: bytes.length, total: bytes.length });
  });

  test("is read at once on a thread too, from what has come", async () => {
    const { address, asked } = await serve(whole);
    const folder = await readOnThread(urlFolder(address));
    const source = await folder.open("model.safetensors");
    expect(source?.readNow?.(100, 150_000)).toEqual(bytes.slice(100, 150_000));
    expect(asked).toHaveLength(1);
    await folder.close();
  });

  test("may not say how long the file is, or pack it", async () => {
    const { address } = await serve((request, response) => {
      const packed = request.url === "/packed";
      const body = packed ? gzipSync(bytes) : bytes;
      response.writeHead(200, packed ? { "content-encoding": "gzip" } : {});
      response.write(body.subarray(0, 1000)); // in two pieces: chunked, without a length
      response.end(body.subarray(1000));
    });
    for (const file of ["plain", "packed"]) {
      const told: WholeFile[] = [];
      const source = urlSource(`${address}/${file}`, { onWhole: (one) => told.push(one) });
      expect(Buffer.compare(await source.read(0, bytes.length), bytes)).toBe(0);
      expect(await source.size()).toBe(bytes.length);
      expect(told.at(-1)).toMatchObject({ done: bytes.length, total: undefined });
    }
  });

  test("gets no more memory than a limit", async () => {
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(2 ** 20)),
    });
    const headers = { "content-length": String(2 ** 40) };
    const fetch = async () => new Response(endless, { headers });
    const source = urlSource("https://example.org/f", { fetch });
    expect(await codeOf(() => source.size())).toBe("weights/no-range-support");
  });

  test("and one that stops sending parts while it is read", async () => {
    let answers = 0;
    const fetch = async () =>
      answers++ > 0
        ? new Response(bytes.slice())
        : new Response(bytes.slice(0, 65536), {
            status: 206,
            headers: { "content-range": `bytes 0-65535/${bytes.length}` },
          });
    const source = urlSource("https://example.org/f", { fetch });
    expect(await codeOf(() => source.read(0, bytes.length))).toBe("weights/no-range-support");
  });
});

describe("a server of a single-page app", () => {
  test.each([200, 206])("sends its page with %d for a file that is not there", async (status) => {
    const { address } = await serve((request, response) => {
      if (request.url === "/model.safetensors") return whole(request, response);
      const headers = { "content-type": "text/html;charset=utf-8" };
      const range = { "content-range": `bytes 0-${page.length - 1}/${page.length}` };
      response.writeHead(status, { ...headers, ...(status === 206 && range) }).end(page);
    });
    const folder = urlFolder(address);
    expect(await folder.open("config.json")).toBeUndefined();
    expect((await openCheckpoint(folder)).names).toEqual(["a"]);
    const source = urlSource(`${address}/config.json`);
    await expect(source.size()).rejects.toThrow(/no such file: the server answered with a page/);
    expect(await urlSource(`${address}/index.html`).size()).toBe(page.length); // a page that was asked for
  });
});

test("a server that refuses ranges beyond the end is asked again, once", async () => {
  const small = bytes.slice(0, 1000);
  const { address, asked } = await serve((request, response) => {
    const [from = 0, to = 0] = request.headers.range?.match(/\d+/g)?.map(Number) ?? [];
    const refused = to >= small.length;
    response.writeHead(refused ? 416 : 206, {
      "content-range": refused ? `bytes */${small.length}` : `bytes ${from}-${to}/${small.length}`,
    });
    response.end(refused ? "" : small.subarray(from, to + 1));
  });
  const source = urlSource(`${address}/f`);
  expect(await source.read(0, 1000)).toEqual(small);
  expect(asked).toEqual(["GET /f bytes=0-65535", "GET /f bytes=0-999"]);
  const liar = async () =>
    new Response(null, { status: 416, headers: { "content-range": "bytes */7" } });
  const lied = urlSource("https://example.org/f", { fetch: liar });
  expect(await codeOf(() => lied.size())).toBe("weights/http-status");
});

test("files with an address each, as bundlers give them", async () => {
  const { address } = await serve(whole);
  const told: WholeFile[] = [];
  const folder = urlFolder(
    {
      "config.json": "data:application/json;base64,eyJhIjoxfQ==",
      "model.safetensors": new URL(`${address}/model.safetensors`),
      "gone.json": `${address}/gone.json`,
    },
    { onWhole: (file) => told.push(file) },
  );
  const config = await folder.open("config.json");
  expect(new TextDecoder().decode(await config?.read(0, 7))).toBe('{"a":1}');
  expect(told).toEqual([]); // nothing is said of what is no server
  expect((await openCheckpoint(folder)).names).toEqual(["a"]);
  expect(await folder.open("gone.json")).toBeUndefined();
  expect(await folder.open("constructor")).toBeUndefined();
  expect(await codeOf(() => urlFolder({ a: "no address" }))).toBe("weights/bad-url");
});
