/**
 * Lets events through between pieces of long work: an abort, a repaint. Awaiting what is there already does not.
 *
 * @throws the signal's reason where it is aborted
 */
export async function pause(signal?: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  signal?.throwIfAborted();
}
