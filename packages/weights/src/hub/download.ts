import { InputError } from "@resolvent/tensor";
import { unreachable } from "../answer.ts";
import { HUB_CONNECTIONS } from "../limits.ts";
import { truncated } from "../source.ts";
import type { HubCache, HubFile, PartialBlob } from "./cache.ts";
import { etagOf } from "./names.ts";
import type { Meter } from "./rate.ts";
import { type Answer, ask, drop, type Hub, patience, refusal } from "./request.ts";
import { Passing, retried } from "./retry.ts";
import { fileUrl } from "./routes.ts";
import { blobHash, wrongHash } from "./verify.ts";

/** The server sends everything, whatever part is asked for. */
class NoRanges extends Error {}

interface Job {
  readonly hub: Hub;
  readonly repo: string;
  readonly wanted: HubFile;
  readonly partial: PartialBlob;
  readonly meter: Meter;
}

function nameOf({ repo, wanted }: Job): string {
  return `${repo}/${wanted.file}`;
}

function pieceLength({ wanted, partial }: Job, piece: number): number {
  return Math.min(partial.pieceBytes, wanted.blob.size - piece * partial.pieceBytes);
}

function piecesOf({ wanted, partial }: Job): number[] {
  return Array.from({ length: Math.ceil(wanted.blob.size / partial.pieceBytes) }, (_, i) => i);
}

function filled(job: Job): number {
  return piecesOf(job).reduce((sum, piece) => sum + job.partial.filled(piece), 0);
}

function tooLong(job: Job, length: number): InputError {
  return new InputError({
    code: "weights/bad-range-response",
    message: `${nameOf(job)}: the server sends more than the ${length} bytes that were asked for.`,
    remedy: "The server, or a proxy before it, is broken: try another.",
    details: { name: nameOf(job), length },
  });
}

/** Throws unless the answer is the file that was described, and the range that was asked for. */
function checkAnswer(job: Job, answer: Answer, range?: { start: number; end: number }): void {
  const { response, facts } = answer;
  const { commit, file, blob } = job.wanted;
  const { status } = response;
  if (range !== undefined && (status === 200 || status === 416)) throw new NoRanges();
  if (status !== (range === undefined ? 200 : 206)) {
    throw refusal(job.hub, answer, { repo: job.repo, revision: commit, file });
  }
  // Where redirects are hidden, an ETag may be the content network's own.
  const linked = facts.get("x-linked-etag") ?? (answer.own ? facts.get("etag") : null);
  const etag = job.hub.redirects === "manual" ? etagOf(linked) : undefined;
  if (etag !== undefined && etag !== blob.etag) {
    throw new InputError({
      code: "weights/source-changed",
      message: `${nameOf(job)}: changed while it was being fetched (${blob.etag} before, ${etag} now).`,
      remedy: "Fetch it again.",
      details: { name: nameOf(job), before: blob.etag, now: etag },
    });
  }
  // Not every content network lets a browser read this header; the hash at the end decides.
  const got = response.headers.get("content-range");
  if (range === undefined || got === null) return;
  if (got === `bytes ${range.start}-${range.end - 1}/${blob.size}`) return;
  throw new InputError({
    code: "weights/bad-range-response",
    message: `${nameOf(job)}: bytes ${range.start} to ${range.end} of ${blob.size} were asked for, and the server's Content-Range is "${got}".`,
    remedy: "The server's range support is broken: try another.",
    details: { name: nameOf(job), ...range, size: blob.size, got },
  });
}

/** One request; what arrives is given to `onBytes` at once, so that no more is held than the network buffers. */
async function stream(
  job: Job,
  range: { start: number; end: number } | undefined,
  signal: AbortSignal,
  onBytes: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const { hub, repo, wanted } = job;
  const wait = patience(hub.retry.stallMs, signal);
  try {
    const answer = await ask(hub, fileUrl(hub, repo, wanted.commit, wanted.file), {
      method: "GET",
      ...(range && { range: `bytes=${range.start}-${range.end - 1}` }),
      wait,
    });
    try {
      checkAnswer(job, answer, range);
      const reader = answer.response.body?.getReader();
      while (reader !== undefined) {
        wait.heard();
        const { done, value } = await wait.until(reader.read()).catch((cause: unknown) => {
          reader.cancel().catch(() => {});
          throw new Passing(unreachable(nameOf(job), cause));
        });
        if (done) break;
        try {
          await onBytes(value);
        } catch (error) {
          reader.cancel().catch(() => {});
          throw error;
        }
      }
    } finally {
      drop(answer.response);
    }
  } finally {
    wait.end();
  }
}

async function append(job: Job, piece: number, bytes: Uint8Array): Promise<void> {
  await job.partial.append(piece, bytes);
  job.meter.add(job.wanted.file, bytes.byteLength, true);
}

/** Fills one piece, from where it ends. */
async function fillPiece(job: Job, piece: number, signal: AbortSignal): Promise<void> {
  const { hub, partial, wanted } = job;
  const offset = piece * partial.pieceBytes;
  const length = pieceLength(job, piece);
  const work = async (): Promise<void> => {
    const from = partial.filled(piece);
    if (from === length) return;
    const whole = from === 0 && length === wanted.blob.size;
    const range = whole ? undefined : { start: offset + from, end: offset + length };
    await stream(job, range, signal, async (bytes) => {
      if (partial.filled(piece) + bytes.byteLength > length) throw tooLong(job, length - from);
      await append(job, piece, bytes);
    });
    const now = partial.filled(piece);
    if (now !== length) throw new Passing(truncated(nameOf(job), length, now));
  };
  await retried(hub.retry, work, signal, () => partial.filled(piece));
}

/** Fills all pieces from one stream, as of a server without ranges; what is there already is skipped. */
async function fillFromStart(job: Job, signal: AbortSignal): Promise<void> {
  const { hub, partial, wanted } = job;
  const { size } = wanted.blob;
  const work = async (): Promise<void> => {
    let at = 0;
    await stream(job, undefined, signal, async (bytes) => {
      if (at + bytes.byteLength > size) throw tooLong(job, size);
      for (let i = 0; i < bytes.byteLength; ) {
        const piece = Math.floor(at / partial.pieceBytes);
        const inPiece = at - piece * partial.pieceBytes;
        const count = Math.min(bytes.byteLength - i, pieceLength(job, piece) - inPiece);
        const known = Math.min(count, Math.max(0, partial.filled(piece) - inPiece));
        if (known < count) await append(job, piece, bytes.subarray(i + known, i + count));
        i += count;
        at += count;
      }
    });
    if (at !== size) throw new Passing(truncated(nameOf(job), size, at));
  };
  await retried(hub.retry, work, signal, () => filled(job));
}

/** Fills all pieces, some at a time. */
async function fill(job: Job, signal?: AbortSignal): Promise<void> {
  const todo = piecesOf(job).filter((piece) => job.partial.filled(piece) < pieceLength(job, piece));
  const controller = new AbortController();
  const forward = (): void => controller.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener("abort", forward, { once: true });
  try {
    const connection = async (): Promise<void> => {
      for (let piece = todo.shift(); piece !== undefined; piece = todo.shift()) {
        await fillPiece(job, piece, controller.signal);
      }
    };
    let failure: { readonly error: unknown } | undefined;
    const connections = Array.from({ length: Math.min(HUB_CONNECTIONS, todo.length) }, () =>
      connection().catch((error: unknown) => {
        failure ??= { error };
        controller.abort(error); // the others stop, and have stopped when we go on
      }),
    );
    await Promise.all(connections);
    signal?.throwIfAborted();
    if (failure === undefined) return;
    if (!(failure.error instanceof NoRanges)) throw failure.error;
  } finally {
    signal?.removeEventListener("abort", forward);
  }
  await fillFromStart(job, signal ?? new AbortController().signal);
}

/** Fills, checks and publishes; false where it has to be begun again. */
async function complete(job: Job, cache: HubCache, signal?: AbortSignal): Promise<boolean> {
  const { blob, file } = job.wanted;
  const resumed = filled(job);
  job.meter.add(file, resumed, false);
  await fill(job, signal);
  let hash = await blobHash(cache, blob, job.partial, signal);
  if (hash !== blob.etag && resumed > 0) {
    // What an earlier attempt left may have been harmed by a crash of the machine: once more, from nothing.
    await job.partial.restart();
    job.meter.add(file, -blob.size, false);
    await fill(job, signal);
    hash = await blobHash(cache, blob, job.partial, signal);
  }
  if (hash !== blob.etag) {
    await job.partial.discard();
    throw wrongHash(nameOf(job), blob.etag, hash);
  }
  const finished = await job.partial.finish();
  if (!finished) job.meter.add(file, -blob.size, false);
  return finished;
}

/**
 * Fetches a file into the cache: in ranges, some at a time, continued where an earlier attempt has ended, checked
 * against its hash, and given its name at the end. Throws `weights/hub-hash`, `weights/truncated`,
 * `weights/unreachable`, `weights/hub-busy`, `weights/hub-denied`, `weights/bad-range-response`,
 * `weights/source-changed`, and what the cache throws.
 */
export async function download(
  hub: Hub,
  cache: HubCache,
  repo: string,
  wanted: HubFile,
  options: { readonly meter: Meter; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { meter, signal } = options;
  for (;;) {
    signal?.throwIfAborted();
    if (await cache.link(wanted)) return meter.add(wanted.file, wanted.blob.size, false);
    const partial = await cache.begin(wanted, signal);
    if (partial === undefined) continue;
    try {
      const job = { hub, repo, wanted, partial, meter };
      if ((await complete(job, cache, signal)) && (await cache.link(wanted))) {
        return meter.flush(wanted.file);
      }
    } finally {
      await partial.close();
    }
  }
}
