/** What long work heeds, and whom it tells how far it is. */
export interface WorkOptions {
  /** Heeded between pieces of the work. */
  readonly signal?: AbortSignal;
  /** Hears how many pieces are done, and of how many. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** The same of work on a prompt. */
export interface PromptOptions extends WorkOptions {
  /** The text of a token, for the result; default none. */
  readonly text?: (id: number) => string;
}

/**
 * Lets events through between pieces of long work: an abort, a repaint. Awaiting what is there already does not.
 *
 * @throws the signal's reason where it is aborted
 */
export async function pause(signal?: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  signal?.throwIfAborted();
}
