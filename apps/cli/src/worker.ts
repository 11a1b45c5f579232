import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { runProgram } from "./program.ts";
import { type TerminalFacts, terminalOf } from "./terminal.ts";

const port = parentPort as MessagePort; // bin/resolvent.js runs this file on a worker thread

const interrupted = new AbortController();
// What the main thread sends: bytes that were asked for, or that somebody interrupts.
let onInput = (_bytes: Uint8Array): void => {};
let onLine = (_line: string): void => {};
let onPart = (_part: Uint8Array | null): void => {};
interface Sent {
  readonly input?: Uint8Array;
  readonly line?: string;
  /** Null at the end. */
  readonly part?: Uint8Array | null;
  readonly interrupt?: true;
}
port.on("message", ({ input, line, part, interrupt }: Sent) => {
  if (interrupt) interrupted.abort();
  if (input !== undefined) onInput(input);
  if (line !== undefined) onLine(line);
  if (part !== undefined) onPart(part);
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
  readParts: (hear) =>
    new Promise((resolve) => {
      port.ref();
      onPart = (part) => {
        if (part !== null) return hear(part);
        port.unref();
        resolve();
      };
      port.postMessage({ readParts: true });
    }),
});

process.exitCode = await runProgram(process.argv.slice(2), terminal, {
  signal: interrupted.signal,
  places: { folder: process.cwd(), env: process.env },
});
