import { unreachable } from "../answer.ts";
import { isObject, parseJson } from "../json.ts";
import { MAX_LISTING_BYTES } from "../limits.ts";
import { etagOf, type HubBlob, isCommit } from "./names.ts";
import { ask, drop, type Hub, type Patience, patience, refusal, type Subject } from "./request.ts";
import { Passing, retried } from "./retry.ts";
import { badAnswer, checkedBlob, type Describe, hubUrl } from "./routes.ts";

interface Listing {
  readonly commit: string;
  readonly files: ReadonlyMap<string, HubBlob>;
}

async function readAll(
  response: Response,
  wait: Patience,
  hub: Hub,
  subject: Subject,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  while (reader !== undefined) {
    wait.heard();
    const { done, value } = await wait.until(reader.read()).catch((cause: unknown) => {
      throw new Passing(unreachable(hub.endpoint.host, cause));
    });
    if (done) break;
    length += value.byteLength;
    if (length > MAX_LISTING_BYTES) {
      reader.cancel().catch(() => {});
      throw badAnswer(hub, subject, `is longer than ${MAX_LISTING_BYTES} bytes`);
    }
    pieces.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.byteLength;
  }
  return all;
}

/** Files by name. Each has git's hash, or for large files the SHA-256 of what git has only a pointer to. */
function parseListing(text: Uint8Array, hub: Hub, subject: Subject): Listing {
  const value = parseJson(text, {
    name: `${hub.endpoint.host}: ${subject.repo}`,
    what: "listing of the repository",
    code: "weights/hub-bad-answer",
    maxDepth: 64,
    tensorDepth: 65, // no key of a listing names a tensor
  });
  const commit = isObject(value) ? value.sha : undefined;
  const siblings = isObject(value) ? value.siblings : undefined;
  if (typeof commit !== "string" || !isCommit(commit) || !Array.isArray(siblings)) {
    throw badAnswer(hub, subject, "has neither a commit nor files");
  }
  const files = new Map<string, HubBlob>();
  for (const sibling of siblings) {
    if (!isObject(sibling) || typeof sibling.rfilename !== "string") continue;
    const lfs = isObject(sibling.lfs) ? sibling.lfs : undefined;
    const etag = lfs === undefined ? sibling.blobId : lfs.sha256;
    const size = lfs === undefined ? sibling.size : lfs.size;
    if (typeof etag !== "string" || typeof size !== "number") continue;
    const about = { ...subject, file: sibling.rfilename };
    files.set(sibling.rfilename, checkedBlob(hub, about, etagOf(etag), size));
  }
  return { commit, files };
}

async function list(
  hub: Hub,
  repo: string,
  revision: string,
  signal?: AbortSignal,
): Promise<Listing> {
  const subject = { repo, revision, file: "its listing" };
  const url = hubUrl(hub, ["api", "models", ...repo.split("/"), "revision", revision]);
  url.searchParams.set("blobs", "true");
  const work = async (): Promise<Listing> => {
    const wait = patience(hub.retry.stallMs, signal);
    try {
      const answer = await ask(hub, url, { method: "GET", wait });
      try {
        if (answer.response.status !== 200) throw refusal(hub, answer, subject);
        return parseListing(await readAll(answer.response, wait, hub, subject), hub, subject);
      } finally {
        drop(answer.response);
      }
    } finally {
      wait.end();
    }
  };
  return await retried(hub.retry, work, signal);
}

/**
 * Asks once for the repository's listing, `/api/models/{repo}/revision/{revision}?blobs=true`: for browsers, which
 * do not see the headers of an answer that redirects.
 */
export function describeByListing(hub: Hub, repo: string): Describe {
  let known: { readonly revision: string; readonly listing: Promise<Listing> } | undefined;
  return async (file, revision, signal) => {
    if (known?.revision !== revision) {
      const listing = list(hub, repo, revision, signal);
      listing.catch(() => {}); // each who asks gets the error; it is not unhandled meanwhile
      known = { revision, listing };
    }
    const { commit, files } = await known.listing;
    known = { revision: commit, listing: known.listing };
    return { commit, blob: files.get(file) };
  };
}
