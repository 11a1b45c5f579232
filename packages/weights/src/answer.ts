import { InputError } from "@resolvent/tensor";
import { MAX_WHOLE_BYTES } from "./limits.ts";
import { allocate, truncated } from "./source.ts";

/** A file that arrives whole, because its server sends no parts. */
export interface WholeFile {
  /** As errors show it. */
  readonly name: string;
  /** Bytes that have arrived. */
  readonly done: number;
  /** Undefined where the server does not say. */
  readonly total: number | undefined;
}

/** The `Content-Range` of a 206 that begins at `start`; throws where it is missing or says anything else. */
export function contentRange(
  response: Response,
  name: string,
  start: number,
  endOf: (total: number) => number,
): { readonly end: number; readonly total: number } {
  const got = response.headers.get("content-range");
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/.exec(got ?? "");
  const [from, to, total] = (match ?? []).slice(1).map(Number);
  if (from === start && to !== undefined && total !== undefined && Number.isSafeInteger(total)) {
    const end = to + 1;
    if (start < end && end <= total && end === endOf(total)) return { end, total };
  }
  const asked = endOf(Number.MAX_SAFE_INTEGER);
  throw new InputError({
    code: "weights/bad-range-response",
    message: `${name}: bytes ${start} to ${asked} were asked for, and the server's Content-Range is ${got === null ? "missing" : `"${got}"`}.`,
    remedy:
      "The server must answer with the range that was asked for and the full size; from another origin it must list Content-Range in Access-Control-Expose-Headers.",
    details: { name, start, end: asked, got },
  });
}

/** The size that a 416 tells, `bytes *` and a slash before it, or undefined. */
export function sizeOfUnsatisfied(response: Response): number | undefined {
  const match = /^bytes \*\/(\d{1,15})$/.exec(response.headers.get("content-range") ?? "");
  return match === null ? undefined : Number(match[1]);
}

/** Throws `weights/no-file` where the answer is a page: what servers of apps send for what they have not. */
export function refusePage(response: Response, url: URL, name: string): void {
  const page = /^text\/html\b/i.test(response.headers.get("content-type") ?? "");
  if (!page || /(\/|\.html?)$/i.test(url.pathname)) return;
  throw new InputError({
    code: "weights/no-file",
    message: `${name}: there is no such file: the server answered with a page (text/html).`,
    remedy:
      "Check the address; servers of single-page apps send their page for what they do not have.",
    details: { name, status: response.status },
  });
}

/** What an answer means that is neither the range nor the file. */
export function badStatus(response: Response, name: string): InputError {
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

/** `weights/bad-range-response`: more than was asked for. */
export function tooMuch(name: string, length: number): InputError {
  return new InputError({
    code: "weights/bad-range-response",
    message: `${name}: the server sent more than the ${length} bytes that were asked for.`,
    remedy: "The server's range support is broken: download the file and open the copy.",
    details: { name, length },
  });
}

/** Each piece of a body; what stops asking for them ends the answer. */
async function* pieces(response: Response): AsyncGenerator<Uint8Array, void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** The body, into memory of exactly the length that was asked for: a server cannot make it larger. */
export async function readBody(
  response: Response,
  length: number,
  name: string,
): Promise<Uint8Array> {
  const out = allocate(length, name);
  let at = 0;
  for await (const piece of pieces(response)) {
    if (at + piece.byteLength > length) throw tooMuch(name, length);
    out.set(piece, at);
    at += piece.byteLength;
  }
  if (at !== length) throw truncated(name, length, at);
  return out;
}

/** The body of a 200, whatever its length, up to `MAX_WHOLE_BYTES`; throws `weights/no-range-support` beyond. */
export async function readWhole(
  response: Response,
  name: string,
  tell: (file: WholeFile) => void,
): Promise<Uint8Array> {
  // Of a compressed answer, the length is that of what is sent: a hint only.
  const told = Number(response.headers.get("content-length") ?? Number.NaN);
  const hint = Number.isSafeInteger(told) && told > 0 ? told : undefined;
  if (hint !== undefined && hint > MAX_WHOLE_BYTES) throw badStatus(response, name);
  let out = allocate(hint ?? 65536, name);
  let at = 0;
  const total = (): number | undefined => (hint !== undefined && at <= hint ? hint : undefined);
  tell({ name, done: 0, total: hint });
  for await (const piece of pieces(response)) {
    const end = at + piece.byteLength;
    if (end > MAX_WHOLE_BYTES) throw badStatus(response, name);
    if (end > out.byteLength) {
      const larger = allocate(Math.min(MAX_WHOLE_BYTES, Math.max(end, 2 * out.byteLength)), name);
      larger.set(out);
      out = larger;
    }
    out.set(piece, at);
    at = end;
    tell({ name, done: at, total: total() });
  }
  return at === out.byteLength ? out : out.slice(0, at);
}

/** `weights/source-changed`: another size or ETag than before. */
export function changed(name: string, before: number, now: number): InputError {
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
