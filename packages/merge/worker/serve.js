// A thread that computes stretches of tensors for src/node/threads.ts, one after the other.
import { parentPort, workerData } from "node:worker_threads";
import { runnerOf } from "./run.js";

const run = runnerOf(workerData.module, workerData.memory);
parentPort.on("message", ({ job, base }) => {
  try {
    parentPort.postMessage({ outcome: run(job, base) });
  } catch (error) {
    parentPort.postMessage({ failure: error instanceof Error ? error.message : String(error) });
  }
});
