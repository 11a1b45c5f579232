import { InputError } from "@resolvent/tensor";

/** Largest count that a config may name; the largest published models stay below a hundredth of it. */
const MAX_COUNT = 100_000_000;

/** Reads a config.json field by field; each unusable value gives an error that names the field and the value. */
export interface Fields {
  readonly family: string;
  has(name: string): boolean;
  raw(name: string): unknown;
  /** A whole number from 1; an error where it is missing and has no fallback. */
  count(name: string, fallback?: number): number;
  /** A whole number from 0: a count that may be none. */
  countFromZero(name: string, fallback?: number): number;
  /** A finite number from 0. */
  number(name: string, fallback?: number): number;
  /** A finite number above 0. */
  positive(name: string, fallback?: number): number;
  flag(name: string, fallback: boolean): boolean;
  text(name: string, fallback?: string): string;
  /** The field's meaning in a table; a value that the table lacks is unsupported. */
  choose<V>(name: string, table: Readonly<Record<string, V>>, fallback?: string): V;
  /** Refuses any value but those listed, and absence. */
  only(name: string, allowed: readonly unknown[]): void;
  /** The fields of an object inside. */
  inside(name: string): Fields | undefined;
}

/** What a config's fields mean beside their own values. */
export interface FieldMeanings {
  /** Second names of fields, as the family's configuration class has them: `{ n_layer: "num_hidden_layers" }`. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** What absent fields mean; null is not absent. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** What stands before the names of fields in messages: `rope_scaling.` */
  readonly path?: string;
}

export function fieldsOf(
  config: Readonly<Record<string, unknown>>,
  family: string,
  { aliases = {}, defaults = {}, path = "" }: FieldMeanings = {},
): Fields {
  /** The value under one name; JSON null is undefined. */
  const plain = (name: string): unknown =>
    Object.hasOwn(config, name) ? (config[name] ?? undefined) : undefined;
  const known = (name: string): boolean => Object.hasOwn(config, name);
  const bad = (name: string, expected: string, got = config[name]): InputError =>
    new InputError({
      code: "transformer/bad-config",
      message: `config.json: ${path}${name} should be ${expected}, got ${shown(got)}.`,
      remedy: "Check that the file belongs to this model.",
      details: { field: path + name, got, expected },
    });
  const raw = (name: string): unknown => {
    const alias = Object.hasOwn(aliases, name) ? aliases[name] : undefined;
    const own = plain(name);
    const other = alias === undefined ? undefined : plain(alias);
    if (own !== undefined && other !== undefined && own !== other) {
      throw bad(name, `the same as ${path}${alias}, which is ${shown(other)}`);
    }
    const value = own ?? other;
    if (value !== undefined || known(name) || (alias !== undefined && known(alias))) return value;
    return Object.hasOwn(defaults, name) ? defaults[name] : undefined;
  };
  const read = <V>(
    name: string,
    fallback: V | undefined,
    test: (v: unknown) => v is V,
    what: string,
  ): V => {
    const value = raw(name) ?? fallback;
    if (!test(value)) throw bad(name, what, known(name) ? config[name] : value);
    return value;
  };
  const fields: Fields = {
    family,
    raw,
    has: (name) => raw(name) !== undefined,
    count: (name, fallback) =>
      read(
        name,
        fallback,
        (v): v is number => Number.isInteger(v) && (v as number) >= 1 && (v as number) <= MAX_COUNT,
        `a whole number from 1 to ${MAX_COUNT}`,
      ),
    countFromZero: (name, fallback) =>
      read(
        name,
        fallback,
        (v): v is number => Number.isInteger(v) && (v as number) >= 0 && (v as number) <= MAX_COUNT,
        `a whole number from 0 to ${MAX_COUNT}`,
      ),
    number: (name, fallback) =>
      read(
        name,
        fallback,
        (v): v is number => Number.isFinite(v) && Number(v) >= 0,
        "a number from 0",
      ),
    positive: (name, fallback) =>
      read(
        name,
        fallback,
        (v): v is number => Number.isFinite(v) && Number(v) > 0,
        "a number above 0",
      ),
    flag: (name, fallback) =>
      read(name, fallback, (v): v is boolean => typeof v === "boolean", "true or false"),
    text: (name, fallback) =>
      read(name, fallback, (v): v is string => typeof v === "string", "a text"),
    choose: (name, table, fallback) => {
      const value = raw(name) ?? fallback;
      if (typeof value === "string" && Object.hasOwn(table, value)) {
        return table[value] as (typeof table)[string]; // it has the key
      }
      throw unsupported(family, path + name, value, Object.keys(table));
    },
    only: (name, allowed) => {
      const value = raw(name);
      if (value !== undefined && !allowed.includes(value)) {
        throw unsupported(family, path + name, value, [undefined, ...allowed]);
      }
    },
    inside: (name) => {
      const value = raw(name);
      if (value === undefined) return undefined;
      if (typeof value !== "object" || Array.isArray(value)) throw bad(name, "an object");
      const inner = value as Record<string, unknown>; // checked above
      return fieldsOf(inner, family, { path: `${path}${name}.` });
    },
  };
  return fields;
}

/** A value as its file has it; Python's JSON has NaN and Infinity. */
function shown(value: unknown): string {
  return typeof value === "number" && !Number.isFinite(value)
    ? String(value)
    : String(JSON.stringify(value));
}

export function unsupported(
  family: string,
  field: string,
  value: unknown,
  supported: readonly unknown[],
): InputError {
  const list = supported.map((v) => JSON.stringify(v) ?? "absent").join(", ");
  return new InputError({
    code: "transformer/unsupported-config",
    message: `config.json of a ${family} model: ${field} = ${shown(value)} is not supported.`,
    remedy: `Supported: ${list}.`,
    details: { field, value, supported },
  });
}
