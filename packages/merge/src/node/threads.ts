import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { InternalError } from "@resolvent/tensor";
import type { Job, Outcome } from "../../worker/run.js";
import { type Arithmetic, loadKernels, placeOf, roomOf } from "../arithmetic.ts";
import type { MethodName } from "../method.ts";

/** More threads than this wait for each other's bytes. */
const MOST = 8;

/**
 * Methods that do so little with an entry that two threads take more of two cores than they save: the system's own threads
 * read and write at the same time.
 */
const LIGHT: readonly MethodName[] = [
  ...(["linear", "task_arithmetic", "slerp", "nuslerp", "multislerp", "karcher"] as const),
  ...(["model_stock", "nearswap", "passthrough"] as const),
];

/** So many threads by default: one for each core, but no more than reading and writing can keep busy. */
export function usualThreads(method: MethodName, cores: number = availableParallelism()): number {
  return cores <= 2 && LIGHT.includes(method) ? 1 : Math.max(1, Math.min(MOST, cores));
}

interface Waiting {
  readonly job: Job;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (cause: unknown) => void;
}

/** Computes on threads of their own, which live until it is closed. */
export async function onThreads(threads: number): Promise<Arithmetic> {
  const module = await loadKernels();
  const room = roomOf();
  const places = new Map<Worker, (bytes: number) => number>();
  const queue: Waiting[] = [];
  const idle: Worker[] = [];
  const busy = new Map<Worker, Waiting>();
  let ended: unknown;
  const fail = (cause: unknown): void => {
    ended ??= cause;
    for (const { reject } of [...busy.values(), ...queue.splice(0)]) reject(ended);
    busy.clear();
  };
  const next = (): void => {
    while (idle.length > 0 && queue.length > 0) {
      const [worker, waiting] = [idle.pop() as Worker, queue.shift() as Waiting]; // neither is empty
      busy.set(worker, waiting);
      worker.ref(); // who waits for it waits
      const { job } = waiting;
      worker.postMessage({ job, base: places.get(worker)?.(job.program.bytes) ?? 0 }); // each has one
    }
  };
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL("../../worker/serve.js", import.meta.url), {
      workerData: { module, memory: room.memory },
      execArgv: [],
    });
    worker.unref(); // a program that forgets close() can end all the same
    worker.on("message", ({ outcome, failure }: { outcome?: Outcome; failure?: string }) => {
      const waiting = busy.get(worker);
      busy.delete(worker);
      worker.unref();
      idle.push(worker);
      if (outcome !== undefined) waiting?.resolve(outcome);
      else waiting?.reject(stopped(failure));
      next();
    });
    worker.on("error", (cause) => fail(stopped(cause)));
    worker.on("exit", () => fail(stopped("it has ended")));
    places.set(worker, placeOf(room));
    idle.push(worker);
    return worker;
  });
  return {
    threads,
    room,
    run: (job) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        queue.push({ job, resolve, reject });
        next();
      }),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function stopped(cause: unknown): InternalError {
  return new InternalError({
    code: "merge/thread",
    message: `A thread that merges has stopped: ${cause instanceof Error ? cause.message : String(cause)}.`,
    cause,
  });
}
