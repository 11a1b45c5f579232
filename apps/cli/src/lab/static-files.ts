import { createReadStream, readdirSync, readFileSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { HEADERS } from "../machine/headers.ts";
import { statOf } from "../place.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
};

/** The one file that the page frames: plug-ins run in it. */
const FRAME = "/plugins/frame.html";

/** The page, whose policy is that of its workers too. */
const PAGE = "/index.html";

/** A folder of files, sent by their names. */
export interface StaticFiles {
  /** Answers a request for a path; false where there is no such file. */
  send(path: string, request: IncomingMessage, response: ServerResponse): boolean;
}

/**
 * The files of a folder as they are now, and files that are elsewhere by their names here: a path is looked up among
 * them, and leads nowhere else.
 */
export function staticFiles(
  folder: string,
  elsewhere: ReadonlyMap<string, string> = new Map(),
): StaticFiles {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => statSync(join(folder, name)).isFile());
  const files = new Map(
    [...elsewhere, ...names.map((name) => [name, join(folder, name)] as const)].map(
      ([name, file]) => [`/${name}`, file],
    ),
  );
  const policy = policyOf(files.get(PAGE));
  return {
    send: (path, { method }, response) => {
      const file = files.get(path === "/" ? PAGE : path);
      const stats = file === undefined ? undefined : statOf(file);
      if (file === undefined || stats === undefined) return false;
      response.writeHead(200, {
        ...HEADERS,
        "content-security-policy":
          path === FRAME ? "frame-ancestors 'self'" : `${policy}frame-ancestors 'none'`,
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "content-length": stats.size,
        // Assets are called by what is in them. Another release of the rest may be served from the same port.
        "cache-control": path.startsWith("/assets/") ? "max-age=31536000, immutable" : "no-cache",
      });
      if (method === "HEAD") response.end();
      else
        createReadStream(file)
          .on("error", () => response.destroy())
          .pipe(response);
      return true;
    },
  };
}

/**
 * The policy that a page has in itself, with a semicolon after it. A worker has none of its page: its own is what comes with
 * its script.
 */
function policyOf(page: string | undefined): string {
  const text = page === undefined ? "" : readFileSync(page, "utf8");
  const [, policy] = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(text) ?? [];
  return policy === undefined ? "" : `${policy}; `;
}
