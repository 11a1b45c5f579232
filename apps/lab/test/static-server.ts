import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** What isolates a page, so that its worker may use threads. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
} as const;

/** A server of a folder below a path, as a host of static files is: no ranges, and headers that isolate a page where asked. */
export interface StaticServer {
  readonly address: string;
  close(): Promise<void>;
}

export async function serveFolder(
  folder: string,
  path: string,
  { isolated = false }: { readonly isolated?: boolean } = {},
): Promise<StaticServer> {
  const server = createServer(({ url = "" }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    const inside = normalize(decodeURIComponent(pathname.slice(path.length)) || "index.html");
    const file = join(folder, inside);
    const found = pathname.startsWith(path) && existsSync(file) && statSync(file).isFile();
    if (!found || inside.startsWith("..")) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      ...(isolated && ISOLATED),
    });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  return {
    address: `http://127.0.0.1:${port}${path}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
