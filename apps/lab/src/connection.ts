import {
  type Asking,
  askOver,
  type Failure,
  PROTOCOL,
  type Request,
} from "@resolvent/analysis/remote";

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

/** What is said of work that was to be stopped, and whose worker was ended for it. */
const STOPPED: Failure = {
  ...({ kind: "cancelled", code: "remote/cancelled", remedy: null } as const),
  message: "Cancelled: what ran it was ended.",
};

/**
 * Asks a worker, which is started when it is first asked. One that does not heed a cancel within a second is ended, as
 * where an analysis never pauses; what else it was asked is asked of another, and so is the next request.
 */
export function workerConnection(
  start: () => WorkerLike,
  { patience = PATIENCE }: { readonly patience?: number } = {},
): Asking {
  let worker: WorkerLike | undefined;
  /** What is asked and not answered, in its order. */
  const open = new Map<number, Request>();
  const cancelled = new Map<number, ReturnType<typeof setTimeout>>();
  const end = (): void => {
    worker?.terminate();
    worker = undefined;
    for (const timer of cancelled.values()) clearTimeout(timer);
    cancelled.clear();
    open.clear();
  };
  /** Ends it for what it does not stop. */
  const stop = (): void => {
    const others = [...open.values()].filter(({ id }) => !cancelled.has(id));
    const stopped = [...cancelled.keys()];
    end();
    for (const to of stopped)
      asking.hear({ protocol: PROTOCOL, to, say: "failure", failure: STOPPED });
    for (const request of others) send(request);
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
        open.delete(to);
      }
      asking.hear(data);
    });
    started.addEventListener("error", ({ message }) =>
      fail(new Error(message ? `The worker has stopped: ${message}` : "The worker has stopped.")),
    );
    worker = started;
    return started;
  };
  const send = (request: Request): void => {
    const to = running();
    if (request.ask === "cancel") cancelled.set(request.request, setTimeout(stop, patience));
    else open.set(request.id, request);
    to.postMessage(request);
  };
  const asking = askOver(send);
  /** What answered is gone, or is to go. */
  const fail = (error: Error): void => {
    end();
    asking.fail(error);
  };
  return { ...asking, fail };
}
