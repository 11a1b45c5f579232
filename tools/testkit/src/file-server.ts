import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** How a server answers. */
export interface Manners {
  readonly etag?: string;
  /** Instead of 206. */
  readonly status?: number;
  /** Whether it answers at all. */
  readonly silent?: boolean;
  /** Whether it ends the connection amid a body. */
  readonly breaksOff?: boolean;
}

/** Files on a server of its own thread, for tests whose thread waits. */
export interface FileServer {
  /** `http://127.0.0.1:12345`. */
  readonly address: string;
  /** Answers so from now on; gives the ranges asked for so far, of which there were none before: `"/a 0-7"`. */
  turn(manners?: Manners): Promise<string[]>;
  close(): Promise<void>;
}

/** Serves ranges of files, by name. */
export async function serveFiles(files: ReadonlyMap<string, Uint8Array>): Promise<FileServer> {
  const worker = new Worker(`(${serve})()`, { eval: true, execArgv: [], workerData: files });
  const [port]: unknown[] = await once(worker, "message");
  return {
    address: `http://127.0.0.1:${port}`,
    turn: async (manners = {}) => {
      worker.postMessage(manners);
      const [asked] = await once(worker, "message");
      return asked;
    },
    close: async () => {
      await worker.terminate();
    },
  };
}

/** Runs in the worker, from its text: uses nothing of this file. */
function serve(): void {
  const { createServer } = process.getBuiltinModule("node:http");
  const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
  let manners: Manners = {};
  let asked: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "", "http://host").pathname);
    const bytes: Uint8Array | undefined = workerData.get(path.slice(1));
    const [, from, until] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    asked.push(`${path} ${from}-${until}`);
    const to = Math.min(Number(until), (bytes?.length ?? 1) - 1);
    if (manners.silent) return;
    const { status = bytes === undefined ? 404 : 206, etag = '"1"', breaksOff = false } = manners;
    const range = { "content-range": `bytes ${from}-${to}/${bytes?.length}`, etag };
    const part = bytes?.subarray(Number(from), to + 1) ?? "";
    response.writeHead(status, { ...range, "content-length": part.length });
    if (!breaksOff) response.end(part);
    else response.write(part.slice(0, part.length / 2), () => response.destroy());
  });
  server.listen(0, "127.0.0.1", () => {
    const at = server.address();
    parentPort?.postMessage(typeof at === "object" && at?.port);
  });
  parentPort?.on("message", (next) => {
    manners = next;
    parentPort.postMessage(asked);
    asked = [];
  });
}
