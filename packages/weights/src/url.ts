import { InputError, isInputError } from "@resolvent/tensor";
import {
  allocate,
  type ByteSource,
  checkRange,
  type Elsewhere,
  type ReadOptions,
  sizeOfSource,
  truncated,
} from "./source.ts";

export interface UrlOptions {
  /** Headers of every request: authorisation. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What requests; default the global `fetch`. A place for caches and retries; no other thread can use it. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** The URL as errors show it: without query, fragment, user and password, where secrets live. */
export function shown(url: URL): string {
  return url.host === "" ? url.protocol : `${url.protocol}//${url.host}${url.pathname}`;
}

function badUrl(url: string | URL, cause: unknown): InputError {
  return new InputError({
    code: "weights/bad-url",
    message: "The address of the weights is not an absolute URL.",
    remedy: "Give an address such as https://example.org/model.safetensors.",
    details: { length: String(url).length },
    cause,
  });
}

/** The parsed URL; throws `weights/bad-url`. */
export function parseUrl(url: string | URL): URL {
  try {
    return new URL(url);
  } catch (cause) {
    throw badUrl(url, cause);
  }
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly total: number;
}

/** The `Content-Range` of a 206; throws where it is missing or says another range than was asked. */
function contentRange(response: Response, name: string, start: number, end: number): Range {
  const got = response.headers.get("content-range");
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/.exec(got ?? "");
  const range = match && {
    start: Number(match[1]),
    end: Number(match[2]) + 1,
    total: Number(match[3]),
  };
  if (
    range &&
    range.start === start &&
    range.end === end &&
    end <= range.total &&
    Number.isSafeInteger(range.total)
  ) {
    return range;
  }
  throw new InputError({
    code: "weights/bad-range-response",
    message: `${name}: bytes ${start} to ${end} were asked for, and the server's Content-Range is ${got === null ? "missing" : `"${got}"`}.`,
    remedy:
      "The server must answer with the range that was asked for and the full size; from another origin it must list Content-Range in Access-Control-Expose-Headers.",
    details: { name, start, end, got },
  });
}

function badStatus(response: Response, name: string): InputError {
  const { status } = response;
  if (status === 200) {
    return new InputError({
      code: "weights/no-range-support",
      message: `${name}: the server ignores ranges: it answered 200 (everything) where 206 (a part) was asked for.`,
      remedy: "Download the file and open the copy, or use a server that supports HTTP ranges.",
      details: { name, status },
    });
  }
  if (status === 404 || status === 410) {
    return new InputError({
      code: "weights/no-file",
      message: `${name}: there is nothing at this address (HTTP ${status}).`,
      remedy: "Check the address.",
      details: { name, status },
    });
  }
  return new InputError({
    code: "weights/http-status",
    message: `${name}: expected HTTP 206, got ${status}.`,
    remedy:
      status === 401 || status === 403
        ? "The address needs authorisation: pass `headers` that give it."
        : "Try again later, or check the address.",
    details: { name, status },
  });
}

function tooMuch(name: string, length: number): InputError {
  return new InputError({
    code: "weights/bad-range-response",
    message: `${name}: the server sent more than the ${length} bytes that were asked for.`,
    remedy: "The server's range support is broken: download the file and open the copy.",
    details: { name, length },
  });
}

/** The body, into memory of exactly the length that was asked for: a server cannot make it larger. */
async function readBody(response: Response, length: number, name: string): Promise<Uint8Array> {
  const out = allocate(length, name);
  const reader = response.body?.getReader();
  let at = 0;
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.byteLength > length) {
      await reader.cancel().catch(() => {});
      throw tooMuch(name, length);
    }
    out.set(value, at);
    at += value.byteLength;
  }
  if (at !== length) throw truncated(name, length, at);
  return out;
}

/**
 * A file on a server, read by HTTP range requests (RFC 9110, 14). The size is asked for once, with a range of
 * one byte, because signed addresses often refuse HEAD.
 *
 * Throws, when it is read, `weights/no-range-support` where the server sends the whole file, `weights/no-file`,
 * `weights/http-status`, `weights/bad-range-response`, `weights/unreachable`, and `weights/source-changed` where
 * size or ETag are no longer what they were.
 */
export function urlSource(url: string | URL, options: UrlOptions = {}): ByteSource {
  const parsed = parseUrl(url);
  const name = shown(parsed);
  const { headers = {} } = options;
  const request = options.fetch ?? ((address, init) => fetch(address, init));
  let known: { readonly size: number; readonly tag: string | null } | undefined;

  async function ask(start: number, end: number, signal?: AbortSignal): Promise<Response> {
    signal?.throwIfAborted();
    try {
      return await request(parsed.href, {
        headers: { ...headers, range: `bytes=${start}-${end - 1}` },
        ...(signal && { signal }),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw unreachable(name, cause);
    }
  }

  /** Whether this is the answer with that range, of the file as it was before. */
  function check(response: Response, start: number, end: number): void {
    if (response.status !== 206) throw badStatus(response, name);
    const { total } = contentRange(response, name, start, end);
    const tag = response.headers.get("etag");
    known ??= { size: total, tag };
    if (known.size !== total || known.tag !== tag) throw changed(name, known.size, total);
  }

  async function range(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array> {
    const response = await ask(start, end, signal);
    try {
      if (response.status === 416 && known === undefined) {
        const empty = response.headers.get("content-range") === "bytes */0";
        if (empty) {
          known = { size: 0, tag: null };
          return new Uint8Array(0);
        }
      }
      check(response, start, end);
      return await readBody(response, end - start, name);
    } catch (error) {
      if (response.body && !response.body.locked) await response.body.cancel().catch(() => {});
      signal?.throwIfAborted();
      throw isInputError(error) ? error : unreachable(name, error);
    }
  }

  async function size(readOptions?: ReadOptions): Promise<number> {
    if (known === undefined) await range(0, 1, readOptions?.signal);
    return known?.size ?? 0;
  }

  const elsewhere: Elsewhere = {
    parts: (start, end) => {
      if (known !== undefined) checkRange(name, start, end, known.size);
      return start === end ? [] : [{ url: parsed.href, headers, start, end }];
    },
    check: ({ start, end }, { status, headers, failure, more }) => {
      if (failure !== undefined) throw unreachable(name, failure);
      check(
        new Response(null, { ...(status && { status }), ...(headers && { headers }) }),
        start,
        end,
      );
      if (more) throw tooMuch(name, end - start);
    },
  };

  return {
    name,
    size,
    read: async (start, end, readOptions) => {
      checkRange(name, start, end, await size(readOptions));
      return start === end ? new Uint8Array(0) : await range(start, end, readOptions?.signal);
    },
    ...(options.fetch === undefined && { elsewhere }),
  };
}

function changed(name: string, before: number, now: number): InputError {
  return new InputError({
    code: "weights/source-changed",
    message: `${name}: changed while it was being read (${before} bytes before, ${now} now).`,
    remedy: "Open it again.",
    details: { name, before, now },
  });
}

/** `weights/unreachable`: no answer, or one that broke off. */
export function unreachable(name: string, cause: unknown): InputError {
  return new InputError({
    code: "weights/unreachable",
    message: `${name}: the request failed.`,
    remedy: "Check the network and, in a browser, that the server allows this origin (CORS).",
    details: { name },
    cause,
  });
}

/** A source at `url`, or undefined where the server says that there is none. */
export async function urlSourceIfAny(
  url: string | URL,
  options?: UrlOptions & ReadOptions,
): Promise<ByteSource | undefined> {
  const source = urlSource(url, options);
  try {
    await sizeOfSource(source, options);
    return source;
  } catch (error) {
    if (isInputError(error) && error.code === "weights/no-file") return undefined;
    throw error;
  }
}
