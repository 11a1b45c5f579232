import type { Precision } from "@resolvent/tensor";
import type { Warning } from "@resolvent/transformer";
import { type JudgedError, judgedErrors } from "./certificate.ts";
import { short } from "./figures.ts";
import type { Result } from "./result.ts";
import { warningsOf } from "./warning.ts";

/** Numbers of a result that are not finite, those at like places together. JSON has null for each. */
export interface NotFinite {
  /** Where the first is: `terms[2].norm`. */
  readonly at: string;
  /** What it is. */
  readonly value: "NaN" | "Infinity" | "-Infinity";
  /** How many there are at places that differ in indices only. */
  readonly count: number;
}

/** A certificate that is above its tolerance. */
export interface Unbalanced {
  /** Where it is: `certificate.relativeError`. */
  readonly at: string;
  readonly error: number;
  readonly tolerance: number;
}

/** What is wrong with a result as such, whichever analysis made it. */
export interface Soundness {
  readonly notFinite: readonly NotFinite[];
  readonly unbalanced: readonly Unbalanced[];
  /** The same in words. */
  readonly warnings: readonly Warning[];
}

/** Places that a warning names. */
const NAMED = 3;

/**
 * Looks through a result for numbers that are not finite, and for certificates above their tolerance: the numbers of
 * every object called `certificate`, as `judgedErrors` judges them.
 */
export function soundnessOf(result: Result): Soundness {
  const places = new Map<string, NotFinite>();
  const unbalanced = certificatesOf(result).flatMap(({ at, errors }) => aboveTolerance(at, errors));
  const look = (value: unknown, at: string, kind: string): void => {
    if (typeof value === "number") {
      if (Number.isFinite(value)) return;
      const key = `${kind} ${value}`;
      const { at: first = at, count = 0 } = places.get(key) ?? {};
      places.set(key, { at: first, value: String(value) as NotFinite["value"], count: count + 1 }); // one of three
    } else if (Array.isArray(value)) {
      value.forEach((entry, i) => {
        look(entry, `${at}[${i}]`, `${kind}[]`);
      });
    } else if (typeof value === "object" && value !== null) {
      for (const [name, entry] of Object.entries(value)) {
        const inside = at === "" ? name : `${at}.${name}`;
        look(entry, inside, kind === "" ? name : `${kind}.${name}`);
      }
    }
  };
  look(result, "", "");
  const notFinite = [...places.values()];
  return { notFinite, unbalanced, warnings: [...inWords(notFinite), ...missed(unbalanced)] };
}

/** A result as JSON has it: null for numbers that are not finite, which `notFinite` lists, and warnings of both kinds. */
export function plainResult(result: Result, { notFinite, warnings }: Soundness): object {
  if (warnings.length === 0) return result;
  const before = warningsOf(result);
  const said = new Set(before.map(({ code }) => code));
  const added = warnings.filter(({ code }) => !said.has(code));
  return {
    ...result,
    ...(notFinite.length > 0 && { notFinite }),
    warnings: [...before, ...added],
  };
}

/** A certificate of a result. */
export interface PlacedCertificate {
  /** Where it is: `search.certificate`. */
  readonly at: string;
  readonly errors: readonly JudgedError[];
}

/** Every object of a result that is called `certificate`, that of the whole first; none where no sum is claimed. */
export function certificatesOf(result: Result): PlacedCertificate[] {
  const own: Precision = Object(result).precision === "f64" ? "f64" : "f32"; // not every result has one
  const found: PlacedCertificate[] = [];
  const look = (value: unknown, at: string): void => {
    if (Array.isArray(value)) {
      value.forEach((entry, i) => {
        look(entry, `${at}[${i}]`);
      });
    } else if (typeof value === "object" && value !== null) {
      for (const [name, entry] of Object.entries(value)) {
        const inside = at === "" ? name : `${at}.${name}`;
        if (name !== "certificate") look(entry, inside);
        else if (entry !== null) found.push({ at: inside, errors: judgedErrors(entry, own) });
      }
    }
  };
  look(result, "");
  return found.sort((a, b) => a.at.split(".").length - b.at.split(".").length);
}

function aboveTolerance(at: string, errors: readonly JudgedError[]): Unbalanced[] {
  // What is not finite is told as such.
  return errors
    .filter(({ error, within }) => !within && Number.isFinite(error))
    .map(({ name, error, tolerance }) => ({ at: `${at}.${name}`, error, tolerance }));
}

function inWords(notFinite: readonly NotFinite[]): Warning[] {
  const total = notFinite.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return [];
  const named = notFinite
    .slice(0, NAMED)
    .map(
      ({ at, value, count }) =>
        `${at} is ${value}${count === 1 ? "" : ` (and ${count - 1} like it)`}`,
    );
  const more = notFinite.length > NAMED ? ", …" : "";
  const message = `${total === 1 ? "A number of this result is" : `${total} numbers of this result are`} not finite: ${named.join(", ")}${more}. Weights that are not finite, or numbers beyond the range of the precision, make them; what was computed from them says nothing.`;
  return [{ code: "not-finite", message }];
}

function missed(unbalanced: readonly Unbalanced[]): Warning[] {
  if (unbalanced.length === 0) return [];
  const figures = unbalanced.map(
    ({ at, error, tolerance }) => `${at} is ${short(error)}, above ${short(tolerance)}`,
  );
  return [
    {
      code: "unbalanced",
      message: `The terms do not add up to what was taken apart: ${figures.join("; ")}. Where float64 (--precision f64) gives the same it is a fault, else rounding.`,
    },
  ];
}
