import { InputError } from "@resolvent/tensor";
import type { UrlOptions, WholeFile } from "@resolvent/weights";
import type { HubProgress, HubWait } from "@resolvent/weights/hub";

/** How a model is looked for. */
export interface FindOptions {
  /** A branch, tag or commit on the Hub; default `main`. */
  readonly revision?: string | undefined;
  /** Use only what has been fetched from the Hub before; default false. */
  readonly offline?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears of files that are fetched from the Hub. */
  readonly onProgress?: ((progress: HubProgress) => void) | undefined;
  /** Hears of each wait before a request to the Hub that has failed is tried again. */
  readonly onWait?: ((wait: HubWait) => void) | undefined;
  /**
   * Hears of files at an address that are fetched whole because their server sends no parts: first with `done` 0, then
   * as bytes arrive.
   */
  readonly onWhole?: ((file: WholeFile) => void) | undefined;
}

/** The same as options of `urlFolder`. */
export function urlOptions({ onWhole }: FindOptions): UrlOptions {
  return { ...(onWhole !== undefined && { onWhole }) };
}

/** The same as options of `hubFolder`. */
export function hubOptions({ revision, offline, signal, onProgress, onWait }: FindOptions): {
  readonly revision?: string;
  readonly offline?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: HubProgress) => void;
  readonly onWait?: (wait: HubWait) => void;
} {
  return {
    ...(revision !== undefined && { revision }),
    ...(offline !== undefined && { offline }),
    ...(signal !== undefined && { signal }),
    ...(onProgress !== undefined && { onProgress }),
    ...(onWait !== undefined && { onWait }),
  };
}

/** What the name of a repository on the Hub may begin with, to say that it is one. */
const HUB = "hub:";

/** The repository that a name says, where it says so: `hub:openai-community/gpt2`. */
export function hubName(name: string): string | undefined {
  return name.startsWith(HUB) ? name.slice(HUB.length) : undefined;
}

/**
 * Refuses a revision of what has none, which would be left out without a word.
 *
 * @throws InputError `resolvent/no-revisions`
 */
export function checkNoRevision(
  name: string,
  what: "an address" | "a folder" | "a bundled model",
  { revision }: Pick<FindOptions, "revision">,
): void {
  if (revision === undefined) return;
  throw new InputError({
    code: "resolvent/no-revisions",
    message: `"${name}" is ${what}, which has no revisions, got "${revision}".`,
    remedy:
      "Leave the revision out; what is on the Hub under a name that is taken here begins by hub:.",
    details: { name, revision },
  });
}
