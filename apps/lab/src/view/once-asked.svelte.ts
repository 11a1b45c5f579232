import { untrack } from "svelte";
import type { Lab } from "../state/lab.svelte.ts";

/**
 * Finds what the address asks a tab for, by whichever way somebody has come there: once its sentence is on the screen
 * and nothing else goes on. What was ended is not begun again unasked; what this gives asks for it again. Whatever computes otherwise is asked, too.
 *
 * @param asked what it asks for, in words that change with it; undefined for nothing
 */
export function onceAsked(
  lab: Lab,
  asked: () => string | undefined,
  find: () => Promise<void>,
): () => void {
  let begun: string | null = null;
  let again = $state(0);
  $effect(() => {
    const what = asked();
    if (what === undefined) {
      begun = null;
      return;
    }
    if (!lab.live || !lab.isAnswered || lab.errand.job !== null) return;
    const { precision, engine } = lab.read;
    const now = JSON.stringify([again, what, lab.answered, precision, engine]);
    if (now === begun) return;
    begun = now;
    untrack(() => void find());
  });
  return () => {
    again++;
  };
}
