import { InputError, isInputError } from "@resolvent/tensor";
import {
  badStatus,
  changed,
  contentRange,
  readBody,
  readWhole,
  refusePage,
  sizeOfUnsatisfied,
  tooMuch,
  unreachable,
  type WholeFile,
} from "./answer.ts";
import { type Blocks, keepBlocks, type ReadRange } from "./blocks.ts";
import { HEAD_BYTES } from "./limits.ts";
import {
  type ByteSource,
  checkRange,
  type Elsewhere,
  type Part,
  type ReadOptions,
  sizeOfSource,
} from "./source.ts";

export interface UrlOptions {
  /** Headers of every request: authorisation. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What requests; default the global `fetch`. A place for caches and retries; no other thread can use it. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /**
   * Hears of each file that is fetched whole because its server sends no parts: first with `done` 0, then as bytes
   * arrive. The place for a warning: a large model waits for all of its bytes, and is held twice while it loads.
   */
  readonly onWhole?: (file: WholeFile) => void;
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

/** What the first answer has told. */
interface Known {
  readonly size: number;
  readonly tag: string | null;
  /** What has come with it: the first bytes, or all. */
  readonly head: Uint8Array;
  readonly read: ReadRange;
}

/**
 * A file on a server, read by HTTP range requests (RFC 9110, 14). The first request asks for 64 KiB and so tells the
 * size, because signed addresses often refuse HEAD, and some servers misread a range of one byte. Small reads become
 * few large requests (`keepBlocks`). From a server that ignores ranges the whole file is fetched once, up to 2 GiB,
 * and `onWhole` hears of it. A page (text/html) in place of a file is a missing file.
 *
 * Throws, when it is read, `weights/no-range-support` where the server sends parts no longer or a whole file is too
 * large, `weights/no-file`, `weights/http-status`, `weights/bad-range-response`, `weights/unreachable`, and
 * `weights/source-changed` where size or ETag are no longer what they were.
 */
export function urlSource(url: string | URL, options: UrlOptions = {}): ByteSource {
  return sourceAt(parseUrl(url), options, keepBlocks());
}

function sourceAt(url: URL, options: UrlOptions, blocks: Blocks): ByteSource {
  const name = shown(url);
  const { headers = {}, onWhole } = options;
  const request = options.fetch ?? ((address, init) => fetch(address, init));
  let known: Known | undefined;

  /** What `use` makes of the answer to a request for a range. */
  async function ask<T>(
    start: number,
    end: number,
    signal: AbortSignal | undefined,
    use: (response: Response) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    let response: Response | undefined;
    try {
      response = await request(url.href, {
        headers: { ...headers, range: `bytes=${start}-${end - 1}` },
        ...(signal && { signal }),
      });
      return await use(response);
    } catch (error) {
      if (response?.body && !response.body.locked) await response.body.cancel().catch(() => {});
      signal?.throwIfAborted();
      throw isInputError(error) ? error : unreachable(name, error);
    }
  }

  /** Throws unless this is the answer with that range, of the file as it was before. */
  function check(response: Response, start: number, end: number): void {
    if (response.status !== 206) throw badStatus(response, name);
    const { total } = contentRange(response, name, start, () => end);
    const size = known?.size ?? total;
    if (size !== total || (known && known.tag !== response.headers.get("etag"))) {
      throw changed(name, size, total);
    }
  }

  const range: ReadRange = async (start, end, signal) =>
    await ask(start, end, signal, async (response) => {
      check(response, start, end);
      return await readBody(response, end - start, name);
    });

  /** The first request; a second one where the server refuses a range that ends beyond the file. */
  async function first(length: number, signal?: AbortSignal): Promise<Known> {
    const answer = await ask(0, length, signal, async (response): Promise<Known | number> => {
      const tag = response.headers.get("etag");
      const all = (head: Uint8Array): Known => ({ size: head.length, tag, head, read: range });
      const size = response.status === 416 ? sizeOfUnsatisfied(response) : undefined;
      if (size === 0) return all(new Uint8Array(0));
      if (size !== undefined && length === HEAD_BYTES && size < length) return size;
      if (response.status === 200 || response.status === 206) refusePage(response, url, name);
      if (response.status === 200) {
        const tell = /^https?:$/.test(url.protocol) ? onWhole : undefined;
        return all(await readWhole(response, name, (file) => tell?.(file)));
      }
      if (response.status !== 206) throw badStatus(response, name);
      const { end, total } = contentRange(response, name, 0, (of) => Math.min(length, of));
      const head = await readBody(response, end, name);
      return { size: total, tag, head, read: blocks.of(range, total) };
    });
    return typeof answer === "number" ? await first(answer, signal) : answer;
  }

  async function open(options?: ReadOptions): Promise<Known> {
    if (known !== undefined) return known;
    const found = await first(HEAD_BYTES, options?.signal);
    // Of two who ask at once the first to hear says what the file is.
    known ??= found;
    if (known.size !== found.size || known.tag !== found.tag) {
      throw changed(name, known.size, found.size);
    }
    return known;
  }

  const elsewhere: Elsewhere = {
    parts: (start, end): readonly Part[] => {
      if (known !== undefined) checkRange(name, start, end, known.size);
      if (start === end) return [];
      if (known === undefined || known.head.length < known.size)
        return [{ url: url.href, headers, start, end }];
      const blob = new Blob([known.head.slice(start, end)]);
      return [{ blob, start: 0, end: end - start }];
    },
    check: (part, { status, headers, failure, more }) => {
      if (failure !== undefined) throw unreachable(name, failure);
      if ("blob" in part) return;
      const { start, end } = part;
      const init = { ...(status && { status }), ...(headers && { headers }) };
      check(new Response(null, init), start, end);
      if (more) throw tooMuch(name, end - start);
    },
  };

  return {
    name,
    size: async (readOptions) => (await open(readOptions)).size,
    read: async (start, end, readOptions) => {
      const { size, head, read } = await open(readOptions);
      checkRange(name, start, end, size);
      if (end <= head.length) return head.slice(start, end);
      return await read(start, end, readOptions?.signal);
    },
    ...(options.fetch === undefined && { elsewhere }),
  };
}

/** Sources by address, or undefined where the server says that there is none; they keep their blocks together. */
export function urlSources(
  options: UrlOptions,
): (url: URL, options?: ReadOptions) => Promise<ByteSource | undefined> {
  const blocks = keepBlocks();
  return async (url, readOptions) => {
    const source = sourceAt(url, options, blocks);
    try {
      await sizeOfSource(source, readOptions);
      return source;
    } catch (error) {
      if (isInputError(error) && error.code === "weights/no-file") return undefined;
      throw error;
    }
  };
}
