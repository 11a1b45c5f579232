// A thread that computes stretches of tensors for src/node/threads.ts, one after the other.
import { parentPort, workerData } from "node:worker_threads";
import { runnerOf } from "./run.js";

const run = runnerOf(workerData);
parentPort.on("message", (job) => {
  try {
    parentPort.postMessage({ outcome: run(job) });
  } catch (error) {
    parentPort.postMessage({ failure: error instanceof Error ? error.message : String(error) });
  }
});
