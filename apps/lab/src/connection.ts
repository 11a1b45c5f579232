import { type Asking, askOver, type Request } from "@resolvent/analysis/remote";

/** How long a worker has to heed that something is cancelled, in milliseconds. */
const PATIENCE = 1000;

/** The part of a worker that a connection uses. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  terminate(): void;
  addEventListener(
    type: "message" | "error",
    hear: (event: { readonly data?: unknown; readonly message?: string }) => void,
  ): void;
}

/**
 * Asks a worker, which is started when it is first asked. One that does not heed a cancel within a second is ended, as
 * where an analysis never pauses; the next request starts another.
 */
export function workerConnection(
  start: () => WorkerLike,
  { patience = PATIENCE }: { readonly patience?: number } = {},
): Asking {
  let worker: WorkerLike | undefined;
  const cancelled = new Map<number, ReturnType<typeof setTimeout>>();
  const end = (error: Error): void => {
    worker?.terminate();
    worker = undefined;
    for (const timer of cancelled.values()) clearTimeout(timer);
    cancelled.clear();
    asking.fail(error);
  };
  const running = (): WorkerLike => {
    if (worker !== undefined) return worker;
    const started = start();
    started.addEventListener("message", ({ data }) => {
      const { to, say } = Object(data);
      // Its last reply: others come while it is at work.
      if (!["progress", "partial", "warnings"].includes(say)) {
        clearTimeout(cancelled.get(to));
        cancelled.delete(to);
      }
      asking.hear(data);
    });
    started.addEventListener("error", ({ message }) =>
      end(new Error(message ? `The worker has stopped: ${message}` : "The worker has stopped.")),
    );
    worker = started;
    return started;
  };
  const send = (request: Request): void => {
    const to = running();
    if (request.ask === "cancel") {
      const stop = (): void =>
        end(new Error("The worker was ended: it did not stop when it was told to. Ask again."));
      cancelled.set(request.request, setTimeout(stop, patience));
    }
    to.postMessage(request);
  };
  const asking = askOver(send);
  return asking;
}
