import { InputError } from "@resolvent/tensor";
import { MAX_HUB_FILE_BYTES } from "../limits.ts";
import { etagOf, type HubBlob, isCommit } from "./names.ts";
import { type Answer, ask, drop, type Hub, patience, refusal, type Subject } from "./request.ts";
import { retried } from "./retry.ts";

/** What a hub says of a file: the commit that the revision is at, and the file, unless there is none. */
interface Description {
  readonly commit: string;
  readonly blob: HubBlob | undefined;
}

/** Asks a hub about a file. */
export type Describe = (
  file: string,
  revision: string,
  signal?: AbortSignal,
) => Promise<Description>;

/** An address under the endpoint; each part stays one part, whatever is in it. */
export function hubUrl(hub: Hub, parts: readonly string[]): URL {
  const base = hub.endpoint.href.replace(/\/+$/, "");
  return new URL(`${base}/${parts.map(encodeURIComponent).join("/")}`);
}

/** `/{repo}/resolve/{revision}/{file}`. */
export function fileUrl(hub: Hub, repo: string, revision: string, file: string): URL {
  return hubUrl(hub, [...repo.split("/"), "resolve", revision, ...file.split("/")]);
}

/** `weights/hub-bad-answer`: what answers is not a hub. */
export function badAnswer(hub: Hub, { repo, file }: Subject, what: string): InputError {
  return new InputError({
    code: "weights/hub-bad-answer",
    message: `${hub.endpoint.host}: ${repo}/${file}: ${what}.`,
    remedy: "The server does not speak as a hub does: check the endpoint.",
    details: { endpoint: hub.endpoint.host, repo, file },
  });
}

/** The blob of a description from outside; throws `weights/hub-bad-answer`. */
export function checkedBlob(
  hub: Hub,
  subject: Subject,
  etag: string | undefined,
  size: number,
): HubBlob {
  if (etag === undefined) {
    throw badAnswer(hub, subject, "the hub gives no hash (an ETag of 40 or 64 hexadecimal digits)");
  }
  if (!Number.isSafeInteger(size) || size < 0) {
    throw badAnswer(hub, subject, "the hub gives no size");
  }
  if (size > MAX_HUB_FILE_BYTES) {
    throw badAnswer(hub, subject, `has ${size} bytes; the limit is ${MAX_HUB_FILE_BYTES}`);
  }
  return { etag, size };
}

function described(hub: Hub, answer: Answer, subject: Subject): Description {
  const { response, facts } = answer;
  const commit = facts.get("x-repo-commit");
  const code = facts.get("x-error-code");
  const absent = response.status === 404 && (code === null || code === "EntryNotFound");
  const found = response.status === 200 || (response.status >= 300 && response.status < 400);
  if (!found && !(absent && isCommit(commit))) throw refusal(hub, answer, subject);
  if (!isCommit(commit)) throw badAnswer(hub, subject, "the hub names no commit (X-Repo-Commit)");
  if (absent) return { commit, blob: undefined };
  const linked = facts.get("x-linked-size");
  const length =
    linked ?? (response.status === 200 ? response.headers.get("content-length") : null);
  const size = /^\d{1,16}$/.test(length ?? "") ? Number(length) : Number.NaN;
  const etag = etagOf(facts.get("x-linked-etag") ?? facts.get("etag"));
  return { commit, blob: checkedBlob(hub, subject, etag, size) };
}

/**
 * Asks by HEAD requests, as huggingface_hub does: the headers of the hub's own answer tell commit, hash and size,
 * before it redirects to a content network. Not for browsers, which do not show that answer.
 */
export function describeByHead(hub: Hub, repo: string): Describe {
  return async (file, revision, signal) => {
    const url = fileUrl(hub, repo, revision, file);
    const work = async (): Promise<Description> => {
      const wait = patience(hub.retry.stallMs, signal);
      try {
        const asked = { method: "HEAD", wait, stayHome: true } as const;
        const answer = await ask(hub, url, asked);
        drop(answer.response);
        return described(hub, answer, { repo, revision, file });
      } finally {
        wait.end();
      }
    };
    // The first thing that is asked: where there is no network, waiting for one would only delay saying so.
    return await retried({ ...hub.retry, unansweredTries: 2 }, work, signal);
  };
}
