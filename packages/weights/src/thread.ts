import { InputError } from "@resolvent/tensor";
import type { Folder } from "./folder.ts";
import { STALL_MS } from "./limits.ts";
import {
  type Answer,
  type ByteRange,
  type ByteSource,
  type Elsewhere,
  type Part,
  tooLarge,
} from "./source.ts";

// A request's memory: two 32-bit words, the answers as JSON, and from HEAD the bytes; the same as in worker/read.js.
const DONE = 0;
const LENGTH = 1;
const TEXT = 8;
const HEAD = 65536;

export interface ThreadOptions {
  /** Refuses further reads with the signal's reason. One under way is not interrupted: its thread hears nothing. */
  readonly signal?: AbortSignal;
  /** How long a read may wait while nothing at all arrives, in milliseconds; default 60,000. */
  readonly stallMs?: number;
}

/** A folder whose files can be read at once, by a thread that lives until it is closed. */
export interface ThreadFolder extends Folder {
  /** Ends the thread. Reads at once then throw `weights/closed`; others go on as before. */
  close(): Promise<void>;
}

/** A worker, in Node or in a browser. */
interface Thread {
  post(message: unknown): void;
  end(): unknown;
}

/** Starts a worker; it calls `ready` once it serves, `failed` where it does not, or no longer. */
export type StartThread = (ready: () => void, failed: (cause: unknown) => void) => Thread;

interface Request {
  readonly parts: readonly Part[];
  readonly buffer: SharedArrayBuffer;
}

/** `readOnThread`, over the threads of Node or a browser. */
export async function readOn(
  start: StartThread,
  folder: Folder,
  { signal, stallMs = STALL_MS }: ThreadOptions,
): Promise<ThreadFolder> {
  checkMayWait(folder.name);
  const pulse = new Int32Array(new SharedArrayBuffer(4)); // rises whenever something arrives
  let ended: InputError | undefined;
  const thread = await new Promise<Thread>((resolve, reject) => {
    const started = start(
      () => resolve(started),
      (cause) => {
        ended ??= failed(folder.name, cause);
        started.end();
        reject(ended);
      },
    );
    // Chromium holds messages back until the starting thread, awake, has heard that the worker's script has run: an answer
    // to one of them says that it has.
    started.post("serve");
  });
  const ask = (name: string, at: Elsewhere, { start, end }: ByteRange): Request => {
    const request = { parts: at.parts(start, end), buffer: shared(HEAD + end - start, name) };
    thread.post({ ...request, pulse });
    return request;
  };
  const answersTo = ({ buffer }: Request, name: string): Answer[] => {
    const words = new Int32Array(buffer, 0, 2);
    for (;;) {
      const seen = Atomics.load(pulse, 0);
      if (Atomics.load(words, DONE) !== 0) break;
      if (Atomics.wait(pulse, 0, seen, stallMs) === "timed-out") throw stalled(name, stallMs);
    }
    const text = new Uint8Array(buffer, TEXT, words[LENGTH]).slice(); // decoders refuse shared memory
    return JSON.parse(new TextDecoder().decode(text)) as Answer[]; // worker/read.js has written it
  };
  const atOnce = (source: ByteSource, at: Elsewhere): ByteSource => {
    const { name } = source;
    let asked = new Map<string, Request>();
    const key = ({ start, end }: ByteRange): string => `${start}-${end}`;
    const goesOn = (): void => {
      signal?.throwIfAborted();
      if (ended !== undefined) throw ended;
    };
    return {
      ...source,
      readNow: (start, end) => {
        goesOn();
        const range = { start, end };
        const request = asked.get(key(range)) ?? ask(name, at, range);
        asked.delete(key(range));
        const answers = answersTo(request, name);
        for (const [i, answer] of answers.entries()) at.check(request.parts[i] as Part, answer); // one a part
        const got = answers.reduce((sum, answer) => sum + answer.got, 0);
        return new Uint8Array(request.buffer, HEAD, got);
      },
      ahead: (ranges) => {
        if (signal?.aborted || ended !== undefined) return;
        asked = new Map(
          ranges.map((range) => [key(range), asked.get(key(range)) ?? ask(name, at, range)]),
        );
      },
    };
  };
  return {
    name: folder.name,
    open: async (file, options) => {
      const source = await folder.open(file, options);
      if (source?.elsewhere === undefined || source.readNow !== undefined) return source;
      return atOnce(source, source.elsewhere);
    },
    close: async () => {
      ended ??= closed(folder.name);
      await thread.end();
    },
  };
}

/**
 * The same folder, with files that can be read at once, as models need that stream their weights: a thread of its own
 * reads Blobs, the browser's storage, and addresses that need no `fetch` of their own, while the caller sleeps. In
 * browsers the caller is a worker, of a page that is cross-origin isolated. `@resolvent/weights/node` has it for Node.
 *
 * ```ts
 * const folder = await readOnThread(urlFolder("https://example.org/gpt2"));
 * const model = await loadModel(cpu, folder, { stream: true });
 * …
 * await folder.close();
 * ```
 *
 * Throws `weights/not-isolated`, `weights/may-not-wait`, `weights/no-thread`; and where a file is read at once what the
 * source throws, `weights/stalled`, `weights/no-thread` where the thread has died, and `weights/closed`.
 */
export async function readOnThread(
  folder: Folder,
  options: ThreadOptions = {},
): Promise<ThreadFolder> {
  return await readOn(startInBrowser, folder, options);
}

const startInBrowser: StartThread = (ready, failed) => {
  const worker = new Worker(new URL("../worker/read.js", import.meta.url), { type: "module" });
  worker.onmessage = ready;
  worker.onerror = (event) => failed(event.message);
  return { post: (message) => worker.postMessage(message), end: () => worker.terminate() };
};

function shared(length: number, name: string): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(length);
  } catch (cause) {
    throw tooLarge(name, length, cause);
  }
}

/** Threads may sleep in Node and in workers, on memory that a page may share. */
function checkMayWait(name: string): void {
  if (typeof SharedArrayBuffer === "undefined") {
    throw new InputError({
      code: "weights/not-isolated",
      message: `${name}: this page may not share memory with a thread that reads.`,
      remedy:
        "Serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.",
      details: { name },
    });
  }
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1); // 0 is not 1: no wait
  } catch (cause) {
    throw new InputError({
      code: "weights/may-not-wait",
      message: `${name}: a page's main thread may not wait for bytes.`,
      remedy: "Run this in a worker, or load the model as a whole.",
      details: { name },
      cause,
    });
  }
}

function failed(name: string, cause: unknown): InputError {
  return new InputError({
    code: "weights/no-thread",
    message: `${name}: the thread that reads it did not start, or has died.`,
    remedy: "Serve the package's worker folder beside its code, or load the model as a whole.",
    details: { name },
    cause,
  });
}

function stalled(name: string, stallMs: number): InputError {
  return new InputError({
    code: "weights/stalled",
    message: `${name}: nothing has arrived for ${stallMs} ms.`,
    remedy: "Check the network, or let reads wait longer with `stallMs`.",
    details: { name, stallMs },
  });
}

function closed(name: string): InputError {
  return new InputError({
    code: "weights/closed",
    message: `${name}: the thread that reads it is closed.`,
    remedy: "Close it after the last use of what streams from it.",
    details: { name },
  });
}
