/** Something without which a result would be misread: part of the result, shown in every output. */
export interface Warning {
  /** Which warning it is: `diverges`. */
  readonly code: string;
  /** One or two sentences, numbers included. */
  readonly message: string;
}

/** Warnings as lines under a table. */
export function warningLines(warnings: readonly Warning[]): string[] {
  return warnings.map(({ message }) => `warning: ${message}`);
}

/** The codes of warnings, for a column of data formats that have nothing but rows. */
export function warningCodes(warnings: readonly Warning[]): string {
  return warnings.map(({ code }) => code).join(" ");
}
