import { badConfig } from "./refuse.ts";
import type { Value, Values } from "./yaml.ts";

/** Most values inside each other in an object that a program gives. */
const MAX_DEPTH = 32;

/** What YAML 1.1 takes for truth values, in the three spellings that it takes. */
const WORDS: ReadonlyMap<string, boolean> = new Map(
  [["yes", "on", "true"] as const, ["no", "off", "false"] as const].flatMap((words, i) =>
    words.flatMap((word) =>
      [word, word.toUpperCase(), (word[0] ?? "").toUpperCase() + word.slice(1)].map(
        (spelled) => [spelled, i === 0] as const,
      ),
    ),
  ),
);

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** Words for what is no finite number, which other programs read as one. */
const ENDLESS = /^([-+]?)\.?(?:inf(?:inity)?|(nan))$/i;

/** `models[0].parameters`: where a key stands. */
export function pathTo(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** An object of a program as a value of a configuration; what is undefined is not given. */
export function plainValue(value: unknown, path: string, depth = 0): Value {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return value;
  if (depth > MAX_DEPTH || typeof value !== "object") {
    throw badConfig("type", path, "is no plain value.", "Give numbers, texts, lists and objects.");
  }
  if (Array.isArray(value))
    return value.map((one, i) => plainValue(one, `${path}[${i}]`, depth + 1));
  const own = new Map<string, Value>();
  for (const [key, one] of Object.entries(value)) {
    if (one !== undefined) own.set(key, plainValue(one, pathTo(path, key), depth + 1));
  }
  return own;
}

export function isValues(value: Value): value is Values {
  return value instanceof Map;
}

/** A mapping that has no keys but these; those whose value is null are left out. */
export function mapping(
  value: Value,
  path: string,
  keys: Iterable<string>,
): ReadonlyMap<string, Value> {
  if (!isValues(value)) throw wrong(path, "a mapping", value);
  const known = new Set(keys);
  const fields = new Map<string, Value>();
  for (const [key, field] of value) {
    if (!known.has(key)) throw unknownKey(pathTo(path, key), key, known);
    if (field !== null) fields.set(key, field);
  }
  return fields;
}

export function unknownKey(path: string, key: string, known: Iterable<string>): Error {
  const list = [...known];
  return badConfig(
    "unknown-key",
    path,
    "is not known.",
    list.length === 0 ? "Leave it out." : `There are ${list.join(", ")}.`,
    { key, known: list },
  );
}

export function list(value: Value, path: string): readonly Value[] {
  if (!isList(value)) throw wrong(path, "a list", value);
  return value;
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function text(value: Value | undefined, path: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw wrong(path, "a text", value ?? null);
}

/** A truth value, also as 0 or 1 and as YAML 1.1 writes it. */
export function flag(value: Value, path: string): boolean {
  const known = typeof value === "string" ? WORDS.get(value) : value;
  if (typeof known === "boolean") return known;
  if (known === 0 || known === 1) return known === 1;
  throw wrong(path, "true or false", value);
}

/** A finite number, also as a text that spells one; truth values count as 0 and 1. */
export function number(value: Value, path: string, expected = "a number"): number {
  let known = typeof value === "string" ? (WORDS.get(value) ?? value) : value;
  if (typeof known === "string") known = spelled(known) ?? known;
  if (typeof known === "boolean") return known ? 1 : 0;
  if (typeof known !== "number") throw wrong(path, expected, value);
  if (Number.isFinite(known)) return known;
  throw badConfig("not-finite", path, `is ${known}.`, "Give a finite number.", { value: known });
}

/** The number that a text spells, also NaN or an infinity; undefined where it spells none. */
function spelled(text: string): number | undefined {
  if (NUMBER.test(text)) return Number(text);
  const [, sign, nan] = ENDLESS.exec(text) ?? [];
  if (sign === undefined) return undefined;
  if (nan !== undefined) return Number.NaN;
  return sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

export function count(value: Value, path: string, least: number): number {
  const known = number(value, path, "a whole number");
  if (Number.isSafeInteger(known) && known >= least) return known;
  const from = least === Number.MIN_SAFE_INTEGER ? "" : ` from ${least}`;
  throw wrong(path, `a whole number${from}`, value);
}

export function wrong(path: string, expected: string, value: Value): Error {
  const shown = JSON.stringify(value, (_, one: Value) =>
    isValues(one) ? Object.fromEntries(one) : one,
  );
  return badConfig(
    "type",
    path,
    `should be ${expected}, got ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}.`,
    "Correct the value.",
    { expected },
  );
}
