import { createReadStream, existsSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromiumArgs, chromiumPath } from "@resolvent/testkit/chromium";
import { type Browser, chromium } from "playwright";
import { build } from "vite";
import type { Contestant } from "../torch/contestant.ts";
import type { How } from "./contender.ts";
import type { ContenderName } from "./field.ts";
import type { EngineTask } from "./task.ts";

/** Chromium, and the server that its pages come from. */
export interface Served {
  readonly version: string;
  /** A contestant in a page of its own. */
  inPage(title: string, name: ContenderName, how: How): Contestant;
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** Both headers together make a page cross-origin isolated, which SharedArrayBuffer needs. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Milliseconds until a page must be there: other programs may take the processors. */
const PATIENCE = 120_000;

/** Starts the system's browser. `folders` are served as they are, by the first part of their address. */
export async function browserWith(folders: Readonly<Record<string, string>>): Promise<Served> {
  const page = await mkdtemp(join(tmpdir(), "resolvent-bench-page-"));
  await build({
    root: fileURLToPath(new URL("../..", import.meta.url)),
    configFile: false,
    logLevel: "error",
    build: { outDir: page, rollupOptions: { input: "engines.html" }, target: "esnext" },
    worker: { format: "es" },
  });
  const server = serve({ ...folders, "": page });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: [
      ...[...chromiumArgs, "--enable-unsafe-webgpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ],
  });
  const { port } = server.address() as AddressInfo; // it listens on a port
  const address = `http://127.0.0.1:${port}/engines.html`;
  return {
    version: browser.version(),
    inPage: (title, name, how) => ({
      name: title,
      start: (task) => start(browser, address, name, task as EngineTask, how), // the tasks of this contest
    }),
    close: async () => {
      await browser.close();
      server.close();
      await rm(page, { recursive: true });
    },
  };
}

async function start(
  browser: Browser,
  address: string,
  name: ContenderName,
  task: EngineTask,
  how: How,
): ReturnType<Contestant["start"]> {
  const context = await browser.newContext();
  const end = (): Promise<void> => context.close();
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("pageerror", (error) => process.stderr.write(`${name}: ${error}\n`));
    await page.goto(address);
    await page.waitForFunction(() => globalThis.bench !== undefined);
    const is = await page.evaluate(
      ({ name, task, how }) => globalThis.bench.prepare(name, task, how),
      { name, task, how },
    );
    return {
      introduction: { is, blas: null, threads: how.threads },
      result: async () => Float32Array.from(await page.evaluate(() => globalThis.bench.result())),
      time: async () => ({
        ms: await page.evaluate(() => globalThis.bench.time()),
        cpu: Number.NaN,
      }),
      peak: async () => Number.NaN,
      counts: async () => (await page.evaluate(() => globalThis.bench.counts())) ?? {},
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function serve(folders: Readonly<Record<string, string>>): Server {
  return createServer(({ url = "" }, response) => {
    const [, first = "", ...rest] = new URL(url, "http://localhost").pathname.split("/");
    const [folder = "", inside] =
      first in folders
        ? [folders[first], normalize(rest.join("/"))]
        : [folders[""], normalize([first, ...rest].join("/"))];
    const file = join(folder, inside);
    if (inside.startsWith("..") || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      ...headers,
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "content-length": statSync(file).size,
    });
    createReadStream(file).pipe(response);
  });
}
