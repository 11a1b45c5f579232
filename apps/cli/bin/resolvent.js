#!/usr/bin/env node
// The command itself runs on a worker thread: operations are synchronous, and this thread stays free to end
// everything at once on Ctrl-C.
import { Worker } from "node:worker_threads";

const worker = new Worker(new URL("../dist/worker.js", import.meta.url), {
  argv: process.argv.slice(2),
  stdin: true,
  workerData: {
    stdin: process.stdin.isTTY === true,
    stdout: process.stdout.isTTY === true,
    stderr: process.stderr.isTTY === true,
    columns: process.stdout.columns,
  },
});

process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error) => process.exit(error.code === "EPIPE" ? 0 : 1));
worker.on("message", (message) => {
  if (message === "stdin") process.stdin.pipe(worker.stdin);
});
worker.on("error", (error) => {
  process.stderr.write(`resolvent: ${error?.stack ?? error}\n`);
  process.exitCode = 1;
});
worker.on("exit", (code) => process.exit(process.exitCode ?? code));
