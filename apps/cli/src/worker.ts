import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { runProgram } from "./program.ts";
import { type TerminalFacts, terminalOf } from "./terminal.ts";

const port = parentPort as MessagePort; // bin/resolvent.js runs this file on a worker thread

const interrupted = new AbortController();
// What the main thread sends: bytes that were asked for, or that somebody interrupts.
let onInput = (_bytes: Uint8Array): void => {};
let onLine = (_line: string): void => {};
interface Sent {
  readonly input?: Uint8Array;
  readonly line?: string;
  readonly interrupt?: true;
}
port.on("message", ({ input, line, interrupt }: Sent) => {
  if (interrupt) interrupted.abort();
  if (input !== undefined) onInput(input);
  if (line !== undefined) onLine(line);
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
  readLine: () =>
    new Promise((resolve) => {
      port.ref();
      onLine = (line) => {
        port.unref();
        resolve(line);
      };
      port.postMessage({ readLine: true });
    }),
});

process.exitCode = await runProgram(process.argv.slice(2), terminal, {
  signal: interrupted.signal,
  places: { folder: process.cwd(), env: process.env },
});
