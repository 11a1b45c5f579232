import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** The built app. */
export const DIST: string = fileURLToPath(new URL("../../../../apps/lab/dist/", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
} as const;

export interface Served {
  readonly address: string;
  /** What the page shows first in place of what it was built with: findings, as JSON. */
  first: string | null;
  close(): Promise<void>;
}

/** A page with nothing but a sentence: what a browser needs to paint anything. */
export const EMPTY = "empty";

/**
 * The built app on this machine, scripts and styles compressed as servers of static files have them; isolated, which
 * threads need and which Chromium makes another process for, or as any server of static files sends it.
 */
export async function served(isolated: boolean): Promise<Served> {
  const isolating = isolated ? ISOLATED : {};
  const found: { first: string | null } = { first: null };
  // As it is sent, so that no page waits for another part of this machine to make it.
  const kept = new Map<string, Buffer>();
  const server = createServer(({ url = "" }, response) => {
    const inside = normalize(new URL(url, "http://localhost").pathname.slice(1)) || "index.html";
    if (inside === EMPTY) {
      response.writeHead(200, { "content-type": "text/html", ...isolating });
      response.end("<!doctype html><title>Empty</title><p>One sentence</p>");
      return;
    }
    const file = join(DIST, inside === "." ? "index.html" : inside);
    if (inside.startsWith("..") || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    const head = { "content-type": type, ...isolating };
    if (type.startsWith("text/html") && found.first !== null) {
      response.writeHead(200, head).end(withFirst(readFileSync(file, "utf8"), found.first));
      return;
    }
    const packed = type.startsWith("text/");
    const body = kept.get(file) ?? (packed ? gzipSync(readFileSync(file)) : readFileSync(file));
    kept.set(file, body);
    const coded = packed ? { "content-encoding": "gzip" } : {};
    response.writeHead(200, { ...head, "content-length": body.byteLength, ...coded }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  return Object.assign(found, {
    address: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}

/** The page with other findings, which its scripts draw: it has no screen before they run. */
function withFirst(page: string, first: string): string {
  const json = first.replaceAll("<", "\\u003c");
  return page
    .replace(/(id="first">)[^<]*/, (_, start: string) => `${start}${json}`)
    .replace(/(<div id="app">)[\s\S]*(<\/div>\s*<\/body>)/, (_, a: string, b: string) => a + b);
}
