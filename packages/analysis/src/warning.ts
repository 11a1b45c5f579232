import type { Warning } from "@resolvent/transformer";
import type { Result } from "./result.ts";

/** Warnings as lines under a table. */
export function warningLines(warnings: readonly Warning[]): string[] {
  return warnings.map(({ message }) => `warning: ${message}`);
}

/** The codes of warnings, for a column of data formats that have nothing but rows. */
export function warningCodes(warnings: readonly Warning[]): string {
  return warnings.map(({ code }) => code).join(" ");
}

/** A result with further warnings; the same where there are none. */
export function withWarnings<R extends Result>(result: R, warnings: readonly Warning[]): R {
  return warnings.length === 0
    ? result
    : { ...result, warnings: [...warnings, ...warningsOf(result)] };
}

/** The warnings of a result; none where a contributed one has something else there. */
export function warningsOf({ warnings }: Result): readonly Warning[] {
  return Array.isArray(warnings) ? warnings : [];
}
