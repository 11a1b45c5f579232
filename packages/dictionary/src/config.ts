import { badConfig } from "./refuse.ts";

/** A config's fields, asked for by type. */
export interface Config {
  readonly name: string;
  has(field: string): boolean;
  /** The value as it is; undefined where it is absent or null. */
  get(field: string): unknown;
  text(field: string): string | undefined;
  number(field: string): number | undefined;
  boolean(field: string): boolean | undefined;
  /** A whole number from 1. */
  size(field: string): number | undefined;
  /** `size`, which has to be there. */
  needed(field: string): number;
  /** The fields of an object inside; none where it is absent. */
  inside(field: string): Config;
}

/**
 * A config with checks: every method throws `dictionary/bad-config` where a field is of another type.
 *
 * @param name what error messages call it
 */
export function configOf(fields: Readonly<Record<string, unknown>>, name: string): Config {
  const get = (field: string): unknown =>
    Object.hasOwn(fields, field) ? (fields[field] ?? undefined) : undefined;
  const typed = <V>(
    field: string,
    is: (value: unknown) => value is V,
    what: string,
  ): V | undefined => {
    const value = get(field);
    if (value === undefined || is(value)) return value;
    throw badConfig(name, field, `is ${shown(value)}; expected ${what}.`, { got: value });
  };
  const size = (field: string): number | undefined =>
    typed(
      field,
      (value): value is number => Number.isSafeInteger(value) && Number(value) >= 1,
      "a whole number from 1",
    );
  return {
    name,
    has: (field) => Object.hasOwn(fields, field),
    get,
    text: (field) => typed(field, (value) => typeof value === "string", "a text"),
    number: (field) =>
      typed(field, (value): value is number => Number.isFinite(value), "a finite number"),
    boolean: (field) => typed(field, (value) => typeof value === "boolean", "true or false"),
    size,
    needed: (field) => {
      const value = size(field);
      if (value === undefined)
        throw badConfig(name, field, "is missing; a whole number from 1 is needed.");
      return value;
    },
    inside: (field) => {
      const value = typed(field, isObject, "an object");
      return configOf(value ?? {}, `${name}, ${field}`);
    },
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as messages show it. */
export function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}

/** The dtypes that configs of dictionaries name; the numbers are read as they are stored. */
const DTYPES: ReadonlySet<string> = new Set(["float32", "float16", "bfloat16", "float64"]);

/** Refuses the names of dtypes that weights cannot have. */
export function checkDtype(config: Config): void {
  const dtype = config.text("dtype");
  if (dtype === undefined || DTYPES.has(dtype.replace(/^torch\./, ""))) return;
  throw badConfig(
    config.name,
    "dtype",
    `is ${shown(dtype)}; known are ${[...DTYPES].join(", ")}.`,
    {
      got: dtype,
    },
  );
}

/** `k`, checked to be one of so many features. */
export function checkedK(name: string, k: unknown, features: number): number {
  if (typeof k === "number" && Number.isInteger(k) && k >= 1 && k <= features) return k;
  throw badConfig(name, "k", `is ${shown(k)}; expected a whole number from 1 to ${features}.`, {
    got: k,
    features,
  });
}
