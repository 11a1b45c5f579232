// A worker that serves the files below a folder over HTTP, in ranges, and says at which port.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";

const server = createServer(async (request, response) => {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  const bytes = await readFile(join(String(workerData), path)).catch(() => undefined);
  if (bytes === undefined) return void response.writeHead(404).end();
  const [, from = "0", to = ""] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
  const last = Math.min(to === "" ? bytes.length : Number(to), bytes.length - 1);
  const part = bytes.subarray(Number(from), last + 1);
  const range = `bytes ${from}-${last}/${bytes.length}`;
  response.writeHead(206, { "content-range": range, "content-length": part.length }).end(part);
});
server.listen(0, "127.0.0.1", () => parentPort?.postMessage(Object(server.address()).port));
