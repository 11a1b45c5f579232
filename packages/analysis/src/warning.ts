import { someNames, type Warning } from "@resolvent/transformer";
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
    : { ...result, warnings: [...warnings, ...(result.warnings ?? [])] };
}

/** Where a result holds numbers that are NaN or infinite, which JSON has as null: `terms[3].norm`. */
export function notFinitePlaces(result: object): string[] {
  const places: string[] = [];
  const walk = (value: unknown, place: string): void => {
    if (typeof value === "number" && !Number.isFinite(value)) places.push(place);
    if (typeof value !== "object" || value === null) return;
    const list = Array.isArray(value) || ArrayBuffer.isView(value);
    for (const [key, part] of Object.entries(value)) {
      walk(part, list ? `${place}[${key}]` : place === "" ? key : `${place}.${key}`);
    }
  };
  walk(result, "");
  return places;
}

/**
 * The warning `not-finite` of a result that holds numbers that are NaN or infinite.
 *
 * @param site the first site of the run that does, where it is known
 */
export function notFiniteWarning(places: readonly string[], site?: string): Warning {
  const first =
    site === undefined ? "" : ` The first site of the run that is not finite is ${site}.`;
  return {
    code: "not-finite",
    message: `The result holds numbers that are not finite: ${someNames(places)}.${first}`,
  };
}
