import { parentPort, workerData } from "node:worker_threads";
import { runProgram } from "./program.ts";
import { type TerminalFacts, terminalOf } from "./terminal.ts";

const terminal = terminalOf(workerData as TerminalFacts, process.env, {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  openInput: () => parentPort?.postMessage("stdin"),
});

process.exitCode = await runProgram(process.argv.slice(2), terminal);
