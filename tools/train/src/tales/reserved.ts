import { hashText } from "../random.ts";

/** One in this many combinations is kept for evaluation. */
export const reservedShare = 8;

/**
 * Whether a combination of words (template, names, objects …) is kept for evaluation. Tales never
 * contain a reserved combination and tasks contain nothing else, so a task cannot be solved by
 * remembering a sentence.
 */
export function isReserved(...parts: readonly (string | number)[]): boolean {
  return hashText(parts.join("|")) % reservedShare === 0;
}

/** Draws until the combination is (`reserved: true`) or is not kept for evaluation. */
export function drawWhere<T>(
  draw: () => T,
  partsOf: (drawn: T) => readonly (string | number)[],
  reserved: boolean,
): T {
  for (;;) {
    const drawn = draw();
    if (isReserved(...partsOf(drawn)) === reserved) return drawn;
  }
}
