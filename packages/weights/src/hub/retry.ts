import type { InputError } from "@resolvent/tensor";

/** When failures that may pass are tried again. */
export interface RetryPolicy {
  /** Attempts in a row that bring nothing new before the failure is final. */
  readonly tries: number;
  /** The same where nobody answers at all: no such host, or nothing listens there. Default: as many. */
  readonly unansweredTries?: number;
  /** Wait after the first failure, in milliseconds; it doubles with each further one. */
  readonly firstMs: number;
  /** Longest wait of our own. */
  readonly mostMs: number;
  /** Longest wait that a server may ask for; one that asks for more has refused. */
  readonly patienceMs: number;
  /** Silence of a connection, in milliseconds, after which it is taken for lost. */
  readonly stallMs: number;
  /** Hears of each wait when it begins. */
  readonly onWait?: ((wait: HubWait) => void) | undefined;
}

/** A wait before what has failed is tried again. */
export interface HubWait {
  /** Milliseconds. */
  readonly ms: number;
  /** What is thrown where it does not pass. */
  readonly failure: InputError;
}

/** Half a second, one, two, four …: some 15 seconds in all. */
export const RETRY: RetryPolicy = {
  tries: 6,
  firstMs: 500,
  mostMs: 30_000,
  patienceMs: 120_000,
  stallMs: 60_000,
};

/** A failure that may pass: carries the error it becomes when it does not. */
export class Passing extends Error {
  readonly final: InputError;
  readonly waitMs: number;
  /** Nobody answered: no such host, or nothing listens there. */
  readonly unanswered: boolean;

  constructor(final: InputError, waitMs = 0, unanswered = false) {
    super(final.message);
    this.final = final;
    this.waitMs = waitMs;
    this.unanswered = unanswered;
  }
}

/** Milliseconds that a `Retry-After` header asks for: seconds, or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | null, now: number = Date.now()): number {
  if (header === null) return 0;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

/** Resolves after some milliseconds; rejects with the signal's reason. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, ms);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

/**
 * What `work` gives, tried again after failures that may pass. An attempt that got further than any before
 * (`progress` rose) starts the count anew.
 */
export async function retried<T>(
  policy: RetryPolicy,
  work: () => Promise<T>,
  signal?: AbortSignal,
  progress: () => number = () => 0,
): Promise<T> {
  let failures = 0;
  let furthest = progress();
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Passing)) throw error;
      if (progress() > furthest) failures = 0;
      furthest = Math.max(furthest, progress());
      failures++;
      const tries = (error.unanswered ? policy.unansweredTries : undefined) ?? policy.tries;
      if (failures >= tries || error.waitMs > policy.patienceMs) throw error.final;
      // Spread by a quarter, so that many who failed together do not come back together.
      const own = Math.min(policy.firstMs * 2 ** (failures - 1), policy.mostMs);
      const ms = Math.max(error.waitMs, own * (0.75 + Math.random() / 2));
      policy.onWait?.({ ms, failure: error.final });
      await pause(ms, signal);
    }
  }
}
