import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { runProgram } from "./program.ts";
import { type TerminalFacts, terminalOf } from "./terminal.ts";

const port = parentPort as MessagePort; // bin/resolvent.js runs this file on a worker thread

const interrupted = new AbortController();
// What the main thread sends: bytes that were asked for, or that somebody interrupts.
let onInput = (_bytes: Uint8Array): void => {};
port.on("message", ({ input, interrupt }: { input?: Uint8Array; interrupt?: true }) => {
  if (interrupt) interrupted.abort();
  if (input !== undefined) onInput(input);
});
port.unref(); // listening alone is no reason to go on

const terminal = terminalOf(workerData as TerminalFacts, process.env, {
  stdout: { write: (text) => port.postMessage({ out: text }) },
  stderr: { write: (text) => port.postMessage({ err: text }) },
  readInput: (limit) =>
    new Promise((resolve) => {
      port.ref();
      onInput = (bytes) => {
        port.unref();
        resolve(bytes);
      };
      port.postMessage({ readInput: limit });
    }),
});

process.exitCode = await runProgram(process.argv.slice(2), terminal, {
  signal: interrupted.signal,
});
