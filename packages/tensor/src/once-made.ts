/**
 * What is made when it is first asked for, and kept. Whoever asks while it is being made waits for it; where that fails, as
 * by the signal of whoever asked first, those who have waited have it made for themselves, and so has the next to ask.
 */
export function onceMade<Given extends readonly unknown[], Made>(
  make: (...given: Given) => Promise<Made>,
): (...given: Given) => Promise<Made> {
  let kept: Promise<Made> | undefined;
  return async (...given) => {
    for (;;) {
      const anothers = kept;
      const made = anothers ?? make(...given);
      kept = made;
      try {
        return await made;
      } catch (error) {
        if (kept === made) kept = undefined;
        if (anothers === undefined) throw error;
      }
    }
  };
}
