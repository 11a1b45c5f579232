import { InputError } from "@resolvent/tensor";
import { unreachable } from "../answer.ts";
import { MAX_REDIRECTS } from "../limits.ts";
import { shown } from "../url.ts";
import { Passing, type RetryPolicy, retryAfterMs } from "./retry.ts";

/** A hub and the way to talk to it. */
export interface Hub {
  /** Its address, without a slash at the end. */
  readonly endpoint: URL;
  readonly token: string | undefined;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /**
   * Who follows redirects. We do ("manual") where the answers between can be read. A browser hides them
   * ("follow"); it takes the token off at another origin by itself (Fetch standard, HTTP-redirect fetch).
   */
  readonly redirects: "manual" | "follow";
  readonly retry: RetryPolicy;
  /** The proxy that a request goes through, for messages: its variable and address. */
  readonly proxyFor?: (url: URL) => string | undefined;
  /** Where a token can be put, for messages. */
  readonly tokenPlace: string;
}

/** What was asked of a hub, for its errors. */
export interface Subject {
  readonly repo: string;
  readonly revision: string;
  readonly file: string;
}

export interface Answer {
  readonly response: Response;
  /** What the hub's own origin said about the file, on the way and at the end; the later word counts. */
  readonly facts: Headers;
  /** Whether the response comes from the hub's own origin. */
  readonly own: boolean;
}

const FACTS = ["x-repo-commit", "x-linked-etag", "x-linked-size", "x-error-code", "etag"];

/** Aborts with the caller's signal, and when nothing has been heard for some time. */
export interface Patience {
  readonly signal: AbortSignal;
  /** Something was heard. */
  heard(): void;
  /** What the work gives, or an error when the patience is over, even if the work never notices. */
  until<T>(work: Promise<T>): Promise<T>;
  end(): void;
}

/** Patience of `stallMs` with one connection. */
export function patience(stallMs: number, outer?: AbortSignal): Patience {
  const controller = new AbortController();
  const forward = (): void => controller.abort(outer?.reason);
  const stalled = (): void =>
    controller.abort(new Error(`nothing was heard for ${stallMs / 1000} seconds`));
  // Node's fetch does not always end a read that is aborted while other requests are. (Not by Promise.race with one
  // long-lived promise: that would keep every chunk of the body.)
  const waiting = new Set<(reason: unknown) => void>();
  controller.signal.addEventListener("abort", () => {
    for (const reject of waiting) reject(controller.signal.reason);
  });
  if (outer?.aborted) forward();
  outer?.addEventListener("abort", forward, { once: true });
  let timer = setTimeout(stalled, stallMs);
  return {
    signal: controller.signal,
    heard: () => {
      clearTimeout(timer);
      timer = setTimeout(stalled, stallMs);
    },
    until: async (work) =>
      await new Promise((resolve, reject) => {
        if (controller.signal.aborted) reject(controller.signal.reason);
        waiting.add(reject);
        work.then(resolve, reject).finally(() => waiting.delete(reject));
      }),
    end: () => {
      clearTimeout(timer);
      outer?.removeEventListener("abort", forward);
    },
  };
}

/** The body is not wanted: its connection is given up. Nobody waits for that, as it may never be said to be done. */
export function drop(response: Response): void {
  if (response.body && !response.body.locked) response.body.cancel().catch(() => {});
}

function badRedirect(url: URL, why: string): InputError {
  return new InputError({
    code: "weights/hub-bad-answer",
    message: `${shown(url)}: the server's redirect ${why}.`,
    remedy: "The server is not a hub, or is set up wrongly: check the endpoint.",
    details: { url: shown(url) },
  });
}

function redirectTarget(response: Response, url: URL): URL {
  let target: URL;
  try {
    target = new URL(response.headers.get("location") ?? "", url);
  } catch {
    throw badRedirect(url, "leads to no address");
  }
  if (target.href === url.href || response.headers.get("location") === null) {
    throw badRedirect(url, "leads nowhere");
  }
  if (target.protocol !== "https:" && target.protocol !== "http:") {
    throw badRedirect(url, `leads to ${target.protocol}, not to a web server`);
  }
  return target;
}

/** System errors that say that nobody is there: no such host, no name service, nothing listens. */
const UNANSWERED: ReadonlySet<unknown> = new Set(["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED"]);

/** The system error that says that nobody is there, from what `fetch` failed with, in Node. */
function unanswered(cause: unknown): string | undefined {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if ("code" in error && UNANSWERED.has(error.code)) return String(error.code);
  }
  return undefined;
}

/** `weights/unreachable`, where nobody answers. */
function noAnswer(url: URL, system: string, cause: unknown): InputError {
  const why = system === "ECONNREFUSED" ? "nothing listens there" : "its name leads nowhere";
  return new InputError({
    code: "weights/unreachable",
    message: `${url.host} could not be reached: ${why} (${system}).`,
    remedy:
      "Check the network and the endpoint, or use what is in the cache, in offline mode (HF_HUB_OFFLINE=1).",
    details: { name: shown(url), system },
    cause,
  });
}

/** The same where a proxy may be between. `fetch` does not say that it was asked for a password (HTTP 407). */
function noAnswerBehind(
  proxy: string,
  url: URL,
  system: string | undefined,
  cause: unknown,
): InputError {
  return new InputError({
    code: "weights/unreachable",
    message: `${url.host} could not be reached through the proxy (${proxy})${system === undefined ? "" : `: ${system}`}.`,
    remedy: `Check the proxy: is it there, and does it want a user and a password (http://USER:PASSWORD@HOST:PORT)? Or name the host in NO_PROXY, or use what is in the cache, in offline mode (HF_HUB_OFFLINE=1).`,
    details: { name: shown(url), proxy, ...(system !== undefined && { system }) },
    cause,
  });
}

/** `weights/proxy-refused`: the proxy wants to know who asks, or does not let the request through. */
function proxyRefused(url: URL, proxy: string, status: number, cause: unknown): InputError {
  return new InputError({
    code: "weights/proxy-refused",
    message: `${url.host} was asked for through the proxy (${proxy}), which answers HTTP ${status}.`,
    remedy:
      status === 407
        ? "It wants a user and a password: put them into the variable, http://USER:PASSWORD@HOST:PORT."
        : "Check the proxy, or name the host in NO_PROXY.",
    details: { name: shown(url), proxy, status },
    cause,
  });
}

/** The status with which a proxy has refused a tunnel, from what `fetch` failed with. */
function tunnelRefusal(cause: unknown): number | undefined {
  for (let error = cause; error instanceof Error; error = error.cause) {
    const status = /Proxy response \((\d{3})\)/.exec(error.message)?.[1];
    if (status !== undefined) return Number(status);
  }
  return undefined;
}

/**
 * One request; redirects are followed, and the token goes to the endpoint's own origin only. With
 * `stayHome`, a redirect to another origin is the answer, where the hub has said on the way what the file is.
 *
 * Throws `Passing` where the network fails or the server is busy, `weights/hub-bad-answer` for redirects that lead
 * nowhere, and `weights/proxy-refused`.
 */
export async function ask(
  hub: Hub,
  address: URL,
  options: {
    readonly method: "GET" | "HEAD";
    readonly range?: string;
    readonly wait: Patience;
    readonly stayHome?: boolean;
  },
): Promise<Answer> {
  const facts = new Headers();
  let url = address;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const toOwn = url.origin === hub.endpoint.origin;
    // Compressed answers have neither the sizes nor the ranges of the file. (Browsers choose for themselves.)
    const headers: Record<string, string> =
      hub.redirects === "manual" ? { "accept-encoding": "identity" } : {};
    if (options.range !== undefined) headers.range = options.range;
    if (toOwn && hub.token !== undefined) headers.authorization = `Bearer ${hub.token}`;
    let response: Response;
    try {
      const { method, wait } = options;
      const { signal } = wait;
      response = await wait.until(
        hub.fetch(url.href, { method, headers, signal, redirect: hub.redirects }),
      );
    } catch (cause) {
      const system = unanswered(cause);
      const proxy = hub.proxyFor?.(url);
      if (proxy !== undefined) {
        const status = tunnelRefusal(cause);
        if (status !== undefined) throw proxyRefused(url, proxy, status, cause);
        throw new Passing(noAnswerBehind(proxy, url, system, cause), 0, system !== undefined);
      }
      if (system === undefined) throw new Passing(unreachable(shown(url), cause));
      throw new Passing(noAnswer(url, system, cause), 0, true);
    }
    const from = response.url === "" ? url : new URL(response.url); // a browser may have gone on
    const own = from.origin === hub.endpoint.origin;
    if (own) {
      for (const name of FACTS) {
        const value = response.headers.get(name);
        if (value !== null) facts.set(name, value);
      }
    }
    const moved = response.status >= 300 && response.status < 400 && response.status !== 304;
    if (!moved) return { response, facts, own };
    drop(response);
    const target = redirectTarget(response, url);
    const known = facts.has("x-repo-commit") && facts.has("x-linked-etag");
    if (options.stayHome && known && target.origin !== hub.endpoint.origin) {
      return { response, facts, own };
    }
    url = target;
  }
  throw badRedirect(address, `goes on after ${MAX_REDIRECTS} steps`);
}

/** The error of an answer that is neither the file nor its absence: `Passing` where it may be another next time. */
export function refusal(hub: Hub, { response, facts, own }: Answer, subject: Subject): Error {
  const { status } = response;
  const { repo, revision, file } = subject;
  const where = `${hub.endpoint.host}: ${repo}${revision === "main" ? "" : ` at ${revision}`}`;
  const details = { repo, revision, file, status, endpoint: hub.endpoint.host };
  if (own && (status === 401 || status === 403)) {
    const gated = facts.get("x-error-code") === "GatedRepo";
    const closed = gated
      ? "is gated: its terms must be accepted"
      : "is private, gated, or does not exist";
    const with_ =
      hub.token === undefined ? "no token was sent" : "the token that was sent is refused";
    return new InputError({
      code: "weights/hub-denied",
      message: `${where}: ${closed} (HTTP ${status}; ${with_}).`,
      remedy: `Check the name${gated ? `, accept the terms at ${hub.endpoint.origin}/${repo},` : ""} and put a token that may read it ${hub.tokenPlace}.`,
      details: { ...details, tokenSent: hub.token !== undefined },
    });
  }
  if (own && (status === 404 || status === 410)) {
    const missing = facts.get("x-error-code") === "RevisionNotFound" ? "revision" : "repository";
    return new InputError({
      code: "weights/hub-not-found",
      message: `${where}: there is no such ${missing === "revision" ? missing : "repository or revision"} (HTTP ${status}).`,
      remedy:
        missing === "revision"
          ? "Check the revision: a branch, a tag, or a commit."
          : "Check the spelling of the name and the revision; names are like openai-community/gpt2.",
      details: { ...details, missing },
    });
  }
  const waitMs = retryAfterMs(response.headers.get("retry-after"));
  const seconds = Math.ceil(waitMs / 1000);
  const asks =
    waitMs > 0 ? `, and asks to wait ${seconds} ${seconds === 1 ? "second" : "seconds"}` : "";
  const busy = status === 429 || status === 408 || status >= 500;
  const error = new InputError({
    code: busy ? "weights/hub-busy" : "weights/http-status",
    message: `${where}: ${file} was asked for, and the ${own ? "hub" : "server it refers to"} answers HTTP ${status}${asks}.`,
    remedy: busy
      ? "Try again later: what has arrived is kept."
      : "Try again, or check the endpoint.",
    details: { ...details, ...(waitMs > 0 && { retryAfterMs: waitMs }) },
  });
  // A content network refuses addresses that have grown old: the hub gives a new one.
  return busy || (!own && status >= 400) ? new Passing(error, waitMs) : error;
}
