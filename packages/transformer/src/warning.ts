/** Something without which a result would be misread. It goes with what it is about: a model, a result. */
export interface Warning {
  /** Which warning it is: `untied`. */
  readonly code: string;
  /** One or two sentences, names and numbers included. */
  readonly message: string;
}

/** Names in a sentence, the first eight of them: `a, b` or `a, b, … (40 in all)`. */
export function someNames(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(", ");
  return names.length > 8 ? `${shown}, … (${names.length} in all)` : shown;
}
