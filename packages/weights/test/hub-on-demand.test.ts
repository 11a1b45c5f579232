import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hubFolder } from "../src/node/index.ts";
import { type FetchOptions, fetchModel } from "./hub-fetch.ts";
import { COMMIT, type HubServer, hubServer, noise, REPO } from "./hub-server.ts";
import { codeOf } from "./make.ts";

const params = noise(200_000, 7);
const config = Buffer.from('{"type":"sae"}');

let server: HubServer;
let cache: string;
beforeEach(async () => {
  server = await hubServer();
  cache = await mkdtemp(join(tmpdir(), "resolvent-hub-"));
  const files = server.repos.get(REPO)?.files;
  files?.set("layer_1/width 16/params.npz", { bytes: params, large: true });
  files?.set("layer_1/width 16/config.json", { bytes: config, large: false });
});
afterEach(async () => {
  server.close();
  await rm(cache, { recursive: true, force: true });
});

const fetched = async (options: Partial<FetchOptions> = {}) =>
  await fetchModel({ endpoint: server.endpoint, cache, folder: "layer_1/width 16", ...options });
const home = () => join(cache, "models--openai-community--gpt2");

test("nothing is fetched before it is opened, and then that file alone, once", async () => {
  const folder = await fetched();
  expect(folder.name).toBe("openai-community/gpt2@607a30d/layer_1/width 16");
  expect(server.fetched()).toEqual([]);
  const source = await folder.open("params.npz");
  expect(Buffer.compare((await source?.read(0, params.length)) ?? Buffer.alloc(0), params)).toBe(0);
  const place = join(home(), "snapshots", COMMIT, "layer_1", "width 16");
  expect(readdirSync(place)).toEqual(["params.npz"]);
  // Other tools find it there: a link to the blob, two folders further up.
  expect(readlinkSync(join(place, "params.npz"))).toMatch(
    /^\.\.\/\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/,
  );
  expect(readFileSync(join(place, "params.npz")).equals(params)).toBe(true);
  expect(existsSync(join(home(), "snapshots", COMMIT, "model.safetensors"))).toBe(false);

  const requests = server.seen.length;
  expect(await (await folder.open("params.npz"))?.size()).toBe(params.length);
  expect(server.seen.length).toBe(requests);
});

test("folders inside it, names that are not there, names that are none", async () => {
  const root = await fetched({ folder: "" });
  const inside = root.inside?.("layer_1")?.inside?.("width 16");
  expect(await (await inside?.open("config.json"))?.size()).toBe(config.length);
  expect(await inside?.open("cfg.json")).toBeUndefined();
  const requests = server.seen.length;
  expect(await inside?.open("cfg.json")).toBeUndefined(); // remembered
  expect(server.seen.length).toBe(requests);
  expect(await inside?.open("../config.json")).toBeUndefined();
  for (const folder of ["..", "a/../b", "a//b", "a\\b"]) {
    const options = { endpoint: server.endpoint, cache, folder };
    expect(await codeOf(() => hubFolder(REPO, options)), folder).toBe("weights/hub-bad-name");
  }
});

test("offline, what was fetched is there, and what was not is named", async () => {
  expect(await codeOf(() => fetched({ offline: true }))).toBe("weights/hub-offline");
  await (await fetched()).open("config.json");
  const requests = server.seen.length;
  const folder = await fetched({ offline: true });
  expect(await (await folder.open("config.json"))?.size()).toBe(config.length);
  expect(await codeOf(() => folder.open("params.npz"))).toBe("weights/hub-offline");
  expect(server.seen.length).toBe(requests);
  server.close();
  const last = await fetched();
  expect(await (await last.open("config.json"))?.size()).toBe(config.length);
  expect(await codeOf(() => last.open("params.npz"))).toBe("weights/hub-offline");
});

test("wrong bytes get no name", async () => {
  server.fault = (seen, response, { bytes, status, headers }) => {
    if (seen.at !== "cdn" || seen.method !== "GET") return false;
    const wrong = Buffer.from(bytes);
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    response.writeHead(status, headers).end(wrong);
    return true;
  };
  const folder = await fetched();
  expect(await codeOf(() => folder.open("params.npz"))).toBe("weights/hub-hash");
  expect(existsSync(join(home(), "snapshots", COMMIT, "layer_1"))).toBe(false);
});
