import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** A file of a served repository; large files are redirected to another origin, as large-file storage is. */
export interface Served {
  readonly bytes: Buffer;
  readonly large: boolean;
}

export interface Seen {
  readonly method: string;
  /** Which server was asked. */
  readonly at: "hub" | "cdn";
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** Answers instead of the server where it returns true; `bytes` is what the server was about to send. */
type Fault = (
  seen: Seen,
  response: ServerResponse,
  answer: { status: number; headers: Record<string, string>; bytes: Buffer },
) => boolean;

export interface HubServer {
  readonly endpoint: string;
  readonly seen: Seen[];
  /** Requests for bytes: `GET`s whose answer was a file. */
  readonly fetched: () => Seen[];
  fault: Fault;
  /** Repositories by name, each with one commit. */
  readonly repos: Map<string, { commit: string; files: Map<string, Served>; token?: string }>;
  readonly renamed: Map<string, string>;
  close(): void;
}

export const COMMIT = "607a30d783dfa663caf39e06633721c8d4cfcd7e";
export const REPO = "openai-community/gpt2";

const etags = new WeakMap<Buffer, string>();

export function etagOfFile({ bytes, large }: Served): string {
  if (large) {
    const etag = etags.get(bytes) ?? createHash("sha256").update(bytes).digest("hex");
    etags.set(bytes, etag);
    return etag;
  }
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

/** Bytes that no two places share. */
export function noise(length: number, seed = 1): Buffer {
  const out = Buffer.alloc(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    out[i] = state >>> 16;
  }
  return out;
}

/** The files of a small model; weights of `length` bytes. */
export function modelFiles(length: number): Map<string, Served> {
  return new Map([
    ["config.json", { bytes: Buffer.from('{"model_type":"gpt2"}'), large: false }],
    ["tokenizer.json", { bytes: Buffer.from("{}"), large: false }],
    ["model.safetensors", { bytes: noise(length), large: true }],
    ["pytorch_model.bin", { bytes: noise(100), large: true }],
  ]);
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const at = server.address();
  if (at === null || typeof at !== "object") throw new Error("no address");
  return `http://127.0.0.1:${at.port}`;
}

/** A hub on one port and its content network on another: routes, headers and redirects of the Hugging Face Hub. */
export async function hubServer(): Promise<HubServer> {
  const seen: Seen[] = [];
  const served = new Set<Seen>();
  let cdn = "";
  const self: HubServer = {
    endpoint: "",
    seen,
    fetched: () => seen.filter((one) => served.has(one)),
    fault: () => false,
    repos: new Map([[REPO, { commit: COMMIT, files: modelFiles(300_000) }]]),
    renamed: new Map([["gpt2", REPO]]),
    close: () => {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };

  const send = (
    one: Seen,
    response: ServerResponse,
    status: number,
    headers: Record<string, string>,
    bytes: Buffer,
  ): void => {
    const answer = { status, headers: { "content-length": `${bytes.length}`, ...headers }, bytes };
    if (self.fault(one, response, answer)) return;
    response.writeHead(status, answer.headers);
    response.end(one.method === "HEAD" ? undefined : bytes);
  };

  const sendFile = (
    one: Seen,
    response: ServerResponse,
    { bytes }: Served,
    headers: Record<string, string>,
  ): void => {
    if (one.method === "GET") served.add(one);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(one.range ?? "") ?? [];
    if (from === undefined || to === undefined)
      return void send(one, response, 200, headers, bytes);
    const range = `bytes ${from}-${to}/${bytes.length}`;
    const part = bytes.subarray(Number(from), Number(to) + 1);
    send(one, response, 206, { ...headers, "content-range": range }, part);
  };

  const none = Buffer.alloc(0);
  const answer = (one: Seen, response: ServerResponse): void => {
    if (one.at === "cdn") {
      const [, etag] = /^\/blobs\/([0-9a-f]{64})\?signature=secret$/.exec(one.path) ?? [];
      const files = [...self.repos.values()].flatMap(({ files }) => [...files.values()]);
      const file = files.find((some) => etagOfFile(some) === etag);
      if (file === undefined) return void send(one, response, 403, {}, none);
      return void sendFile(one, response, file, { etag: '"of-the-network"' });
    }
    const cached = /^\/api\/resolve-cache\/models\/(.+)\/([0-9a-f]{40})\/(.+)$/.exec(one.path);
    const listed = /^\/api\/models\/(.+)\/revision\/([^/]+)\?blobs=true$/.exec(one.path);
    const resolved = /^\/(.+)\/resolve\/([^/]+)\/(.+)$/.exec(one.path);
    const [, name = "", revision = "", part = ""] = cached ?? listed ?? resolved ?? [];
    const now = self.renamed.get(name);
    if (now !== undefined) {
      const location = one.path.replace(name, now);
      return void send(one, response, 307, { location }, none);
    }
    const repo = self.repos.get(name);
    if (repo === undefined) {
      return void send(one, response, 404, { "x-error-code": "RepoNotFound" }, none);
    }
    if (repo.token !== undefined && one.authorization !== `Bearer ${repo.token}`) {
      return void send(one, response, 401, { "x-error-code": "RepoNotFound" }, none);
    }
    const known = ["main", "refs/pr/1", repo.commit].includes(decodeURIComponent(revision));
    if (!known) return void send(one, response, 404, { "x-error-code": "RevisionNotFound" }, none);
    if (listed) {
      const siblings = [...repo.files].map(([rfilename, file]) => ({
        rfilename,
        size: file.bytes.length,
        blobId: file.large ? "0".repeat(40) : etagOfFile(file),
        ...(file.large && { lfs: { sha256: etagOfFile(file), size: file.bytes.length } }),
      }));
      const text = Buffer.from(JSON.stringify({ id: name, sha: repo.commit, siblings }));
      return void send(one, response, 200, { "content-type": "application/json" }, text);
    }
    const headers = { "x-repo-commit": repo.commit };
    const file = repo.files.get(decodeURIComponent(part));
    if (file === undefined) {
      return void send(one, response, 404, { ...headers, "x-error-code": "EntryNotFound" }, none);
    }
    const etag = etagOfFile(file);
    if (file.large) {
      const location = `${cdn}/blobs/${etag}?signature=secret`;
      const linked = { "x-linked-etag": `"${etag}"`, "x-linked-size": `${file.bytes.length}` };
      return void send(
        one,
        response,
        302,
        { ...headers, ...linked, location },
        Buffer.from("moved"),
      );
    }
    if (resolved) {
      const location = `/api/resolve-cache/models/${name}/${repo.commit}/${part}`;
      return void send(one, response, 307, { ...headers, location }, Buffer.from("moved"));
    }
    sendFile(one, response, file, { ...headers, etag: `W/"${etag}"` });
  };

  const listener =
    (at: Seen["at"]) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      const one: Seen = {
        method: request.method ?? "",
        at,
        path: request.url ?? "",
        range: request.headers.range,
        authorization: request.headers.authorization,
      };
      seen.push(one);
      answer(one, response);
    };
  const servers = [createServer(listener("hub")), createServer(listener("cdn"))] as const;
  cdn = await listening(servers[1]);
  return Object.assign(self, { endpoint: await listening(servers[0]) });
}
