import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { COMMIT, type HubServer, hubServer, modelFiles, REPO } from "./hub-server.ts";

const BYTES = 3_000_000;
const KILLS = 25;

let server: HubServer;
let folder: string;
let script: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "resolvent-hub-kill-"));
  await build({
    configFile: false,
    logLevel: "silent",
    resolve: { conditions: ["@resolvent/source"] },
    ssr: { noExternal: true, resolve: { conditions: ["@resolvent/source"] } },
    build: {
      ssr: fileURLToPath(new URL("hub-child.ts", import.meta.url)),
      outDir: join(folder, "child"),
      rolldownOptions: { output: { entryFileNames: "child.mjs" } },
    },
  });
  script = join(folder, "child", "child.mjs");
  server = await hubServer();
  server.repos.set(REPO, { commit: COMMIT, files: modelFiles(BYTES) });
  // Drips: a download takes a quarter of a second, so that most kills find one under way.
  server.fault = (seen, response, { status, headers, bytes }) => {
    if (seen.at !== "cdn") return false;
    response.writeHead(status, headers);
    let at = 0;
    const drip = (): void => {
      if (response.destroyed) return;
      response.write(bytes.subarray(at, at + 16_384));
      at += 16_384;
      if (at >= bytes.length) response.end();
      else setTimeout(drip, 4);
    };
    drip();
    return true;
  };
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

function child(cache: string): ChildProcess {
  return spawn(process.execPath, [script, server.endpoint, cache], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

const started = async (one: ChildProcess): Promise<void> =>
  await new Promise((done) => one.stdout?.once("data", () => done()));
const ended = async (one: ChildProcess): Promise<number | null> =>
  await new Promise((done) => one.once("exit", done));

/** Everything that has a final name in the cache is whole: blobs by their hash, files of snapshots by their bytes. */
function checkCache(cache: string): void {
  const home = join(cache, "models--openai-community--gpt2");
  const list = (path: string) => (existsSync(path) ? readdirSync(path) : []);
  for (const name of list(join(home, "blobs")).filter((one) => !one.endsWith(".incomplete"))) {
    const bytes = readFileSync(join(home, "blobs", name));
    const git = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
    const hash = name.length === 40 ? git : createHash("sha256").update(bytes).digest("hex");
    expect(hash).toBe(name);
  }
  for (const name of list(join(home, "snapshots", COMMIT))) {
    const expected = server.repos.get(REPO)?.files.get(name)?.bytes;
    expect(expected && readFileSync(join(home, "snapshots", COMMIT, name)).equals(expected)).toBe(
      true,
    );
  }
  if (existsSync(join(home, "refs", "main"))) {
    expect(readFileSync(join(home, "refs", "main"), "utf8")).toBe(COMMIT);
    expect(list(join(home, "snapshots", COMMIT)).length).toBe(3);
  }
}

const weightsOf = (cache: string) =>
  join(cache, "models--openai-community--gpt2", "snapshots", COMMIT, "model.safetensors");
const partials = (cache: string) =>
  readdirSync(join(cache, "models--openai-community--gpt2", "blobs")).filter((one) =>
    one.endsWith(".incomplete"),
  );
const bytesServed = () =>
  server.seen
    .filter(({ at, method }) => at === "cdn" && method === "GET")
    .map(({ range }) => /(\d+)-(\d+)$/.exec(range ?? "") ?? [])
    .reduce((sum, [, from, to]) => sum + Number(to) - Number(from) + 1, 0);

test(`downloads killed at ${KILLS} random moments leave nothing that is taken for whole, and are finished by the next`, async () => {
  let killedUnderWay = 0;
  let cache = join(folder, "0");
  for (let i = 0; i < KILLS; i++) {
    const one = child(cache);
    await started(one);
    const exit = ended(one);
    await new Promise((done) => setTimeout(done, Math.random() * 350));
    one.kill("SIGKILL");
    if ((await exit) === null) killedUnderWay++;
    checkCache(cache);
    if (!existsSync(weightsOf(cache))) continue;
    cache = join(folder, String(i + 1)); // it got through: from the beginning
  }
  expect(killedUnderWay).toBeGreaterThan(KILLS / 2);
  expect(await ended(child(cache))).toBe(0);
  checkCache(cache);
  expect(existsSync(weightsOf(cache))).toBe(true);
  expect(partials(cache)).toEqual([]);
}, 120_000);

test("what a killed process had fetched is not fetched again", async () => {
  const cache = join(folder, "resume");
  const first = child(cache);
  await started(first);
  await expect.poll(() => (existsSync(cache) ? bytesServed() : 0)).toBeGreaterThan(0);
  const path = join(cache, "models--openai-community--gpt2", "blobs");
  const recorded = (): number => {
    const names = existsSync(path) ? readdirSync(path) : [];
    const name = names.find((one) => /^[0-9a-f]{64}\..*incomplete$/.test(one));
    const bytes = name === undefined ? Buffer.alloc(0) : readFileSync(join(path, name));
    if (bytes.length <= BYTES) return 0;
    let sum = 0;
    for (let at = BYTES; at < bytes.length - 4; at += 4) sum += bytes.readUInt32LE(at);
    return sum;
  };
  await expect
    .poll(recorded, { interval: 10, timeout: 120_000 })
    .toBeGreaterThan(4 * 256 * 1024 - 1);
  const exit = ended(first);
  first.kill("SIGKILL");
  await exit;
  server.seen.length = 0;
  const kept = recorded();
  expect(await ended(child(cache))).toBe(0);
  expect(bytesServed()).toBe(BYTES - kept);
  checkCache(cache);
});

test("two processes at once fetch each byte once", async () => {
  const cache = join(folder, "two");
  server.seen.length = 0;
  expect(await Promise.all([ended(child(cache)), ended(child(cache))])).toEqual([0, 0]);
  checkCache(cache);
  expect(existsSync(weightsOf(cache))).toBe(true);
  expect(partials(cache)).toEqual([]);
  expect(bytesServed()).toBe(BYTES);
});

test("one of two processes is killed: the other goes on with what there is", async () => {
  const cache = join(folder, "survivor");
  server.seen.length = 0;
  const [one, two] = [child(cache), child(cache)];
  await Promise.all([started(one), started(two)]);
  await expect
    .poll(() => bytesServed(), { interval: 10, timeout: 120_000 })
    .toBeGreaterThan(4 * 256 * 1024);
  const exits = [ended(one), ended(two)] as const;
  one.kill("SIGKILL");
  expect(await exits[1]).toBe(0);
  checkCache(cache);
  expect(existsSync(weightsOf(cache))).toBe(true);
});
