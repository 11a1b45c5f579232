import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { describeByHead } from "../src/hub/routes.ts";
import { hubSnapshot } from "../src/hub/snapshot.ts";
import { nodeCache } from "../src/node/hub-cache.ts";
import { hubFolder } from "../src/node/index.ts";
import { fetchThrough, proxiesOf } from "../src/node/proxy.ts";
import { testHub } from "./hub-fetch.ts";
import { COMMIT, type HubServer, hubServer, REPO } from "./hub-server.ts";
import { codeOf } from "./make.ts";

/** A proxy that passes every request on to a hub, wherever it leads; `asked` are the targets. */
interface Proxy {
  readonly port: number;
  readonly asked: string[];
  /** The `Proxy-Authorization` that it wants, and what it answers without. */
  wants: string | undefined;
  refuses: number;
  close(): void;
}

async function proxyTo(hub: HubServer): Promise<Proxy> {
  const asked: string[] = [];
  const to = new URL(hub.endpoint);
  const allowed = (authorization: string | undefined): boolean =>
    self.wants === undefined || authorization === self.wants;
  const server: Server = createServer((incoming, answer) => {
    const url = new URL(incoming.url ?? "");
    asked.push(url.host);
    if (!allowed(incoming.headers["proxy-authorization"])) {
      answer.writeHead(self.refuses).end();
      return;
    }
    // What a redirect leads to is there as it is; the hub's own name leads nowhere but here.
    const target = url.hostname === "hub.invalid" ? to : url;
    const { method, headers } = incoming;
    const options = {
      host: target.hostname,
      port: target.port,
      path: url.pathname + url.search,
      method,
    };
    request({ ...options, headers: { ...headers, host: target.host } }, (reply) => {
      answer.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(answer);
    }).end();
  });
  server.on("connect", (incoming, socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    if (!allowed(incoming.headers["proxy-authorization"])) {
      socket.end(`HTTP/1.1 ${self.refuses} No\r\n\r\n`);
      return;
    }
    const inner = connect(Number(to.port), to.hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      inner.pipe(socket);
      socket.pipe(inner);
    });
    inner.on("error", () => socket.destroy());
    socket.on("error", () => inner.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const at = server.address();
  if (at === null || typeof at !== "object") throw new Error("no address");
  const self: Proxy = {
    ...{ port: at.port, asked, wants: undefined, refuses: 407 },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return self;
}

let server: HubServer;
let proxy: Proxy;
let cache: string;
beforeEach(async () => {
  server = await hubServer();
  proxy = await proxyTo(server);
  cache = await mkdtemp(join(tmpdir(), "resolvent-proxy-"));
  for (const name of ["HTTP", "HTTPS", "ALL", "NO"]) {
    vi.stubEnv(`${name}_PROXY`, "");
    vi.stubEnv(`${name.toLowerCase()}_proxy`, "");
  }
  for (const name of ["HF_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]) vi.stubEnv(name, "");
  vi.stubEnv("HF_HOME", cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  proxy.close();
  server.close();
  await rm(cache, { recursive: true, force: true });
});

const basic = `Basic ${Buffer.from("anna:s3cret").toString("base64")}`;

describe("hubFolder through a proxy", () => {
  const fetched = async (endpoint = "http://hub.invalid") => await hubFolder(REPO, { endpoint });

  test.each(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])("by %s", async (variable) => {
    vi.stubEnv(variable, `http://127.0.0.1:${proxy.port}`);
    expect((await fetched()).commit).toBe(COMMIT);
    expect(new Set(proxy.asked)).toContain("hub.invalid");
    expect(proxy.asked.some((target) => target.startsWith("CONNECT"))).toBe(false);
  });

  test("named by host and port alone", async () => {
    vi.stubEnv("HTTP_PROXY", `127.0.0.1:${proxy.port}`);
    expect((await fetched()).commit).toBe(COMMIT);
    expect(proxy.asked.length).toBeGreaterThan(0);
  });

  test("with user and password", async () => {
    proxy.wants = basic;
    vi.stubEnv("HTTP_PROXY", `http://anna:s3cret@127.0.0.1:${proxy.port}`);
    expect((await fetched()).commit).toBe(COMMIT);
  });

  test("small letters come first", async () => {
    vi.stubEnv("http_proxy", `http://127.0.0.1:${proxy.port}`);
    vi.stubEnv("HTTP_PROXY", "http://127.0.0.1:1");
    vi.stubEnv("ALL_PROXY", "http://127.0.0.1:1");
    expect((await fetched()).commit).toBe(COMMIT);
  });

  test.each(["127.0.0.1", "*", "localhost,127.0.0.1"])("not for NO_PROXY=%s", async (except) => {
    vi.stubEnv("HTTP_PROXY", "http://127.0.0.1:1"); // nothing listens there
    vi.stubEnv("NO_PROXY", except);
    expect((await fetched(server.endpoint)).commit).toBe(COMMIT);
    expect(proxy.asked).toEqual([]);
  });

  test("nothing is asked offline, nor of a proxy whose address is none", async () => {
    vi.stubEnv("HTTP_PROXY", `http://127.0.0.1:${proxy.port}`);
    await fetched();
    vi.stubEnv("HTTP_PROXY", "socks5://anna:s3cret@127.0.0.1:1080");
    const error: unknown = await fetched().catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "weights/bad-proxy" });
    expect(String(error)).toContain("HTTP_PROXY");
    expect(String(error)).not.toMatch(/anna|s3cret/);
    expect((await hubFolder(REPO, { offline: true })).commit).toBe(COMMIT);
  });

  test("of one for http alone, https is not asked", async () => {
    const proxies = proxiesOf({ HTTP_PROXY: `127.0.0.1:${proxy.port}` });
    if (proxies === undefined) throw new Error("no proxies");
    const through = await fetchThrough(proxies);
    await expect(through("https://hub.invalid/x", {})).rejects.toThrow();
    expect(proxy.asked).toEqual([]);
    expect((await through("http://hub.invalid/x", {})).status).toBe(404);
    expect(proxy.asked).toEqual(["hub.invalid"]);
  });

  test("another fetch that is given is taken as it is", async () => {
    vi.stubEnv("HTTP_PROXY", "http://127.0.0.1:1");
    const folder = await hubFolder(REPO, {
      endpoint: server.endpoint,
      fetch: (url, init) => fetch(url, init),
    });
    expect(folder.commit).toBe(COMMIT);
  });

  test.each([407, 403])("a tunnel refused with %i: the proxy is named", async (status) => {
    proxy.wants = basic;
    proxy.refuses = status;
    vi.stubEnv("HTTPS_PROXY", `http://anna:wrong@127.0.0.1:${proxy.port}`);
    const error: unknown = await fetched("https://hub.invalid").catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "weights/proxy-refused", details: { status } });
    expect(String(error)).toContain(`(HTTPS_PROXY, http://127.0.0.1:${proxy.port})`);
    expect(String(error)).not.toMatch(/anna|wrong/);
    expect(proxy.asked).toEqual(["CONNECT hub.invalid:443"]); // not again and again
  });
});

describe("a proxy that does not serve is named, its password is not", () => {
  const errorBy = async (port: number): Promise<unknown> => {
    const proxies = proxiesOf({ HTTP_PROXY: `http://anna:wrong@127.0.0.1:${port}` });
    if (proxies === undefined) throw new Error("no proxies");
    const hub = {
      ...testHub({ endpoint: "http://hub.invalid", cache, retry: { tries: 2 } }),
      ...{ fetch: await fetchThrough(proxies), proxyFor: () => proxies.http?.shown },
    };
    return await hubSnapshot({
      ...{ hub, cache: nodeCache(cache, REPO), describe: describeByHead(hub, REPO) },
      ...{ repo: REPO, revision: "main", offline: false },
    }).catch((e: unknown) => e);
  };

  test.each(["is not there", "wants a password"])("that %s", async (what) => {
    proxy.wants = basic;
    const port = what === "is not there" ? 1 : proxy.port;
    const error = await errorBy(port);
    expect(error).toMatchObject({ code: "weights/unreachable" });
    expect(String(error)).toContain(`through the proxy (HTTP_PROXY, http://127.0.0.1:${port})`);
    expect(String(error)).toContain("does it want a user and a password");
    expect(String(error)).not.toMatch(/anna|wrong/);
  });
});

describe("proxiesOf", () => {
  test.each<[environment: Record<string, string>, proxies: object | undefined]>([
    [{}, undefined],
    [{ HTTP_PROXY: "", http_proxy: " " }, undefined],
    [{ NO_PROXY: "*" }, undefined],
    [{ HTTPS_PROXY: "http://a:1" }, { http: undefined, https: { address: "http://a:1" } }],
    [{ HTTP_PROXY: "http://a:1" }, { http: { address: "http://a:1" }, https: undefined }],
    [{ ALL_PROXY: "a:1" }, { http: { address: "http://a:1" }, https: { address: "http://a:1" } }],
    [
      { ALL_PROXY: "a:1", https_proxy: "b:2" },
      { https: { address: "http://b:2" }, except: "" },
    ],
    [{ HTTP_PROXY: "a:1", NO_PROXY: "x", no_proxy: "y" }, { except: "y" }],
    [{ HTTP_PROXY: "http://u:p@a:1" }, { http: { shown: "HTTP_PROXY, http://a:1" } }],
    [{ all_proxy: "https://u:p@b:2" }, { https: { shown: "all_proxy, https://b:2" } }],
  ])("%o", (environment, proxies) => {
    const found = proxiesOf(environment);
    if (proxies === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(proxies);
  });

  test.each(["socks5://a:1", "ftp://a", "http://", "a b", "file:///x"])(
    "%s is none",
    async (address) => {
      expect(await codeOf(async () => proxiesOf({ HTTP_PROXY: address }))).toBe(
        "weights/bad-proxy",
      );
    },
  );
});
