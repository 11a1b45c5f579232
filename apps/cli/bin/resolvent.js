#!/usr/bin/env node
// The command itself runs on a worker thread: operations are synchronous, and this thread stays free to end
// everything on Ctrl-C, also in the middle of a long one.
import { readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { isatty } from "node:tty";
import { Worker } from "node:worker_threads";

if (process.argv.length === 3 && ["-V", "--version"].includes(process.argv[2])) sayVersion();

const worker = new Worker(new URL("../dist/worker.js", import.meta.url), {
  argv: process.argv.slice(2),
  stdout: true,
  workerData: {
    stdin: isatty(0),
    stdout: isatty(1),
    stderr: isatty(2),
    columns: process.stdout.columns,
  },
});

// What the command says comes as messages; what else is written there, as by console.log of a plug-in, is no data.
worker.stdout.pipe(process.stderr);

/** How long a command that is interrupted may take to come to its end, in milliseconds. */
const GRACE = 300;

let interruptedBy; // the exit code that this stands for
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.on(signal, () => {
    if (interruptedBy !== undefined) process.exit(code); // asked twice
    interruptedBy = code;
    worker.postMessage({ interrupt: true });
    setTimeout(() => process.exit(code), GRACE);
  });
}
process.stdout.on("error", (error) => {
  // A reader that has seen enough (`| head`) is no failure.
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`resolvent: standard output cannot be written: ${error.message}\n`);
  process.exit(1);
});
process.stderr.on("error", () => {}); // nobody listens
// What is written comes as messages, in one order for both streams; the worker's own streams keep two.
worker.on("message", async ({ out, err, readInput, readLine, readParts }) => {
  if (out !== undefined) process.stdout.write(out);
  if (err !== undefined) process.stderr.write(err);
  if (readLine) worker.postMessage({ line: await line() });
  if (readParts) {
    process.stdin.on("data", (part) => worker.postMessage({ part }));
    process.stdin.on("end", () => worker.postMessage({ part: null }));
    process.stdin.on("error", () => worker.postMessage({ part: null }));
  }
  if (readInput !== undefined) worker.postMessage({ input: await input(readInput) });
});
worker.on("error", (error) => {
  const full = error.code === "ERR_WORKER_OUT_OF_MEMORY";
  process.stderr.write(
    full
      ? `resolvent: there is not enough memory: ${error.message}\n`
      : `resolvent: this is a bug; please report it with what follows.\n${error?.stack ?? error}\n`,
  );
  process.exitCode = full ? 5 : 1;
});
worker.on("exit", (code) => {
  // Once what was written before is out.
  process.stdout.write("", () => process.exit(interruptedBy ?? process.exitCode ?? code));
});

/** The next line of standard input; nothing at its end. */
function line() {
  const lines = createInterface({ input: process.stdin });
  return new Promise((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(""));
  }).finally(() => lines.close());
}

/** The version, which needs nothing of all this, and the end. */
function sayVersion() {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  try {
    writeSync(1, `${version}\n`);
  } catch (error) {
    if (error.code !== "EPIPE") throw error; // a reader that has gone is no failure
  }
  process.exit(0);
}

/** Standard input, cut short once it is longer than `limit` bytes. */
async function input(limit) {
  const parts = [];
  let size = 0;
  for await (const part of process.stdin) {
    parts.push(part);
    size += part.length;
    if (size > limit) break;
  }
  return Buffer.concat(parts);
}
