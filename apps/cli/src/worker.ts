import { once } from "node:events";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { runProgram } from "./program.ts";
import { type TerminalFacts, terminalOf } from "./terminal.ts";

const port = parentPort as MessagePort; // bin/resolvent.js runs this file on a worker thread

const terminal = terminalOf(workerData as TerminalFacts, process.env, {
  stdout: { write: (text) => port.postMessage({ out: text }) },
  stderr: { write: (text) => port.postMessage({ err: text }) },
  readInput: async (limit) => {
    port.postMessage({ readInput: limit });
    const [bytes] = await once(port, "message");
    return bytes as Uint8Array; // what bin/resolvent.js answers
  },
});

process.exitCode = await runProgram(process.argv.slice(2), terminal);
