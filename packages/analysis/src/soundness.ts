import type { Precision } from "@resolvent/tensor";
import type { Warning } from "@resolvent/transformer";
import { CERTIFICATE_TOLERANCE } from "./certificate.ts";
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
 * every object called `certificate`, whose `tolerance` is `CERTIFICATE_TOLERANCE` of the result's `precision` where it
 * has none of its own; of numbers called `…Float64`, that of float64.
 */
export function soundnessOf(result: Result): Soundness {
  const places = new Map<string, NotFinite>();
  const unbalanced: Unbalanced[] = [];
  const own: Precision = Object(result).precision === "f64" ? "f64" : "f32"; // not every result has one
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
        if (name === "certificate") unbalanced.push(...aboveTolerance(entry, inside, own));
        look(entry, inside, kind === "" ? name : `${kind}.${name}`);
      }
    }
  };
  look(result, "", "");
  const notFinite = [...places.values()];
  return { notFinite, unbalanced, warnings: [...inWords(notFinite), ...missed(unbalanced)] };
}

/** Every certificate of a result: all objects called `certificate`. */
export function certificatesOf(result: unknown): Readonly<Record<string, unknown>>[] {
  if (typeof result !== "object" || result === null) return [];
  return Object.entries(result).flatMap(([name, entry]) => [
    ...(name === "certificate" && typeof entry === "object" && entry !== null ? [entry] : []),
    ...certificatesOf(entry),
  ]);
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

function aboveTolerance(certificate: unknown, at: string, own: Precision): Unbalanced[] {
  const { tolerance, ...errors } = Object(certificate); // null has no numbers
  return Object.entries(errors).flatMap(([name, error]): Unbalanced[] => {
    const precision = name.endsWith("Float64") ? "f64" : own;
    const least = typeof tolerance === "number" ? tolerance : CERTIFICATE_TOLERANCE[precision];
    // What is not finite is told as such.
    if (typeof error !== "number" || !Number.isFinite(error) || error <= least) return [];
    return [{ at: `${at}.${name}`, error, tolerance: least }];
  });
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
