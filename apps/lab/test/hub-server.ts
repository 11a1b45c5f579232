import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

export const COMMIT = "607a30d783dfa663caf39e06633721c8d4cfcd7e";
/** What `main` is at once a repository has moved on. */
export const NEXT_COMMIT = "e7da7f221d5bf496a48136c0cd264e630fe9fcc8";

/** The lab and a hub of one origin. */
export interface HubServer {
  readonly address: string;
  /** Requests for files of the hub: the file, and the range asked for. */
  readonly asked: string[];
  /** Paths of all requests. */
  readonly paths: string[];
  /** How many bytes of weights are sent before the connection all but stands still; undefined for all. */
  stallAfter: number | undefined;
  /** Where in the file such answers begin; those before it are sent whole. */
  stallFrom: number;
  /** How many requests for files are refused with the wish to be asked again a second later. */
  busy: number;
  /** Bytes that the page says models may have; undefined where it says nothing. */
  memory: number | undefined;
  /** Gives a repository other files at its next commit. */
  move(repo: string, files: Readonly<Record<string, Buffer>>): void;
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** As a server sends them that lets pages use threads. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/**
 * Serves a folder, its page isolated and told that the hub is at `/hub`, and repositories there; `lie` gives one wrong
 * hashes.
 */
export async function serveWithHub(
  dist: string,
  repos: Readonly<Record<string, Readonly<Record<string, Buffer>>>>,
  lie: string,
): Promise<HubServer> {
  const digest = (kind: string, ...parts: (string | Buffer)[]): string =>
    parts.reduce((hash, part) => hash.update(part), createHash(kind)).digest("hex");
  const moved = new Map<string, Readonly<Record<string, Buffer>>>();
  const filesAt = (repo: string, revision: string) =>
    revision === COMMIT ? repos[repo] : (moved.get(repo) ?? repos[repo]);
  const listing = (repo: string, revision: string): string => {
    const siblings = Object.entries(filesAt(repo, revision) ?? {}).map(([rfilename, bytes]) => ({
      rfilename,
      size: bytes.length,
      blobId: digest("sha1", `blob ${bytes.length}\0`, bytes),
      ...(rfilename.endsWith(".safetensors") && {
        lfs: {
          sha256: digest("sha256", bytes, repo === lie ? "else" : ""),
          size: bytes.length,
        },
      }),
    }));
    const sha = revision === COMMIT || !moved.has(repo) ? COMMIT : NEXT_COMMIT;
    return JSON.stringify({ sha, siblings });
  };
  const sendFile = (
    response: ServerResponse,
    name: string,
    bytes: Buffer,
    range: string | undefined,
  ): void => {
    served.asked.push(`${name} ${range ?? "whole"}`);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    const start = Number(from ?? 0);
    const end = to === undefined ? bytes.length : Math.min(Number(to) + 1, bytes.length);
    response.writeHead(range === undefined ? 200 : 206, {
      "content-length": end - start,
      ...(range !== undefined && { "content-range": `bytes ${start}-${end - 1}/${bytes.length}` }),
    });
    const { stallAfter } = served;
    // Headers of a file are its first 64 KiB: what is asked for beyond them is a download.
    const stalls = stallAfter !== undefined && start >= served.stallFrom;
    if (stalls && name.endsWith(".safetensors") && end - start > 65536) {
      let sent = start + stallAfter;
      response.write(bytes.subarray(start, sent));
      // A byte at a time, so that what was counted before is told.
      const drip = setInterval(() => response.write(bytes.subarray(sent, ++sent)), 500);
      response.on("close", () => clearInterval(drip));
    } else response.end(bytes.subarray(start, end));
  };
  const server = createServer(({ url = "", headers }, response) => {
    const path = decodeURIComponent(new URL(url, "http://localhost").pathname);
    served.paths.push(path);
    const hub =
      /^\/hub\/(api\/models\/)?([^/]+\/[^/]+)\/(?:resolve|revision)\/([^/]+)\/?(.*)$/.exec(path);
    if (hub !== null) {
      const [, api, repo = "", revision = "", file = ""] = hub;
      const bytes = filesAt(repo, revision)?.[file];
      if (api === undefined && revision === COMMIT && served.busy > 0) {
        served.busy--;
        response.writeHead(429, { "retry-after": "1" }).end();
      } else if (api !== undefined && repo in repos) response.end(listing(repo, revision));
      else if (bytes !== undefined) sendFile(response, file, bytes, headers.range);
      else response.writeHead(404).end();
      return;
    }
    const inside = normalize(path.slice(1) || "index.html");
    const file = join(dist, inside);
    if (inside.startsWith("..") || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    const bytes = readFileSync(file);
    response.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      ...ISOLATED,
    });
    response.end(
      inside === "index.html"
        ? bytes
            .toString()
            .replace('name="hub" content="https://huggingface.co"', 'name="hub" content="/hub"')
            .replace("<title>", (start) =>
              served.memory === undefined
                ? start
                : `<meta name="memory" content="${served.memory}" />${start}`,
            )
        : bytes,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  const served: HubServer = {
    address: `http://127.0.0.1:${port}/`,
    asked: [],
    paths: [],
    stallAfter: undefined,
    ...{ busy: 0, memory: undefined },
    stallFrom: 0,
    move: (repo, files) => void moved.set(repo, files),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return served;
}
