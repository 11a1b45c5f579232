import { InputError } from "@resolvent/tensor";
import { isFileName } from "../folder.ts";

/** A file's bytes as a hub names them. */
export interface HubBlob {
  /** SHA-256 (64 hexadecimal digits; large files) or git's SHA-1 of a blob (40; small files). */
  readonly etag: string;
  /** Number of bytes. */
  readonly size: number;
}

/** Letters, digits, `_`, and between them `.` and `-`; at most 96: what the Hugging Face Hub allows. */
const REPO_PART = /^\w(?:[\w.-]{0,94}\w)?$/;

/** One part of a branch or tag between slashes; never hidden, never `..`. */
const REVISION_PART = /^\w[\w.+=@#-]*$/;

/** As error messages show a word from outside: quoted, its control characters escaped, not too long. */
function quoted(word: unknown): string {
  return JSON.stringify(String(word).slice(0, 200));
}

/** Throws `weights/hub-bad-name` unless the word is the name of a repository: `gpt2`, `openai-community/gpt2`. */
export function checkRepo(repo: string): void {
  const parts = typeof repo === "string" ? repo.split("/") : [];
  const good = parts.every(
    (part) => REPO_PART.test(part) && !/--|\.\.|\.git$/.test(part) && part.length > 0,
  );
  if (good && (parts.length === 1 || parts.length === 2)) return;
  throw new InputError({
    code: "weights/hub-bad-name",
    message: `${quoted(repo)} is not the name of a repository.`,
    remedy:
      "Names are like gpt2 or openai-community/gpt2: letters, digits, `-`, `_` and `.`, at most 96 a part.",
    details: { repo: String(repo).slice(0, 200) },
  });
}

/** The folder of a repository without slashes at its ends; throws `weights/hub-bad-name` unless it can be one. */
export function checkFolder(folder: string): string {
  const bare = String(folder).replace(/^\/+|\/+$/g, "");
  if (bare === "" || (bare.length <= 1000 && bare.split("/").every(isFileName))) return bare;
  throw new InputError({
    code: "weights/hub-bad-name",
    message: `${quoted(folder)} is not the name of a folder in a repository.`,
    remedy: "Names are like layer_12/width_16k, from the repository's root on, without `..`.",
    details: { folder: String(folder).slice(0, 200) },
  });
}

/** Throws `weights/hub-bad-revision` unless the word can be a branch, a tag, `refs/pr/1` or a commit. */
export function checkRevision(revision: string): void {
  const good =
    typeof revision === "string" &&
    revision.length <= 200 &&
    revision.split("/").every((part) => REVISION_PART.test(part) && !/\.\.|\.$|\.lock$/.test(part));
  if (good) return;
  throw new InputError({
    code: "weights/hub-bad-revision",
    message: `${quoted(revision)} is not the name of a revision.`,
    remedy: "Name a branch, a tag, or a commit by its 40 hexadecimal digits.",
    details: { revision: String(revision).slice(0, 200) },
  });
}

/** Whether a word is a commit's full name. */
export function isCommit(word: string | undefined | null): word is string {
  return /^[0-9a-f]{40}$/.test(word ?? "");
}

/** The hash that an ETag header holds, or undefined: `W/"…"` loses its dress, as in every tool of this cache. */
export function etagOf(header: string | null): string | undefined {
  const etag = header?.replace(/^W\//, "").replace(/^"(.*)"$/, "$1");
  return etag !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(etag) ? etag : undefined;
}

/** The folder of a repository in the cache: `models--openai-community--gpt2`. */
export function cacheName(repo: string): string {
  return `models--${repo.replaceAll("/", "--")}`;
}
