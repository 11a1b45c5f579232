import { InputError } from "@resolvent/tensor";
import type { toRegExp } from "oniguruma-to-es";

/** Translates patterns of Oniguruma, the dialect of tokenizer.json. */
export type Translate = typeof toRegExp;

/** What a tokenizer's file says that cannot be used; the loader puts the folder's name before it. */
export function badTokenizer(
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): InputError {
  return new InputError({ code: "transformer/bad-tokenizer", message, details });
}

/** One component of tokenizer.json: `model`, `decoder.decoders[1]`. Each unusable value is refused by its name. */
export interface Part {
  /** Where it stands, for errors. */
  readonly path: string;
  /** Its `type`, or undefined where it has none. */
  readonly type: string | undefined;
  /** For its patterns; undefined where the file has none. */
  readonly translate: Translate | undefined;
  raw(name: string): unknown;
  flag(name: string, fallback?: boolean): boolean;
  /** A whole number from 0. */
  count(name: string, fallback?: number): number;
  text(name: string, fallback?: string): string;
  /** A single Unicode character. */
  char(name: string, fallback?: string): string;
  choose<V extends string>(name: string, allowed: readonly V[], fallback?: V): V;
  /** The components of a list. */
  list(name: string): readonly Part[];
  /** A component inside; undefined where there is none. */
  inside(name: string): Part | undefined;
  /** Refuses every field that is not listed (and not `type`): it might change the tokens. */
  only(...names: string[]): void;
}

export function partOf(value: unknown, path: string, translate?: Translate): Part {
  if (!isObject(value)) throw wrong(path, "an object", value);
  const raw = (name: string): unknown =>
    Object.hasOwn(value, name) ? (value[name] ?? undefined) : undefined;
  const read = <V>(
    name: string,
    fallback: V | undefined,
    test: (found: unknown) => found is V,
    what: string,
  ): V => {
    const found = raw(name) ?? fallback;
    if (!test(found)) throw wrong(`${path}.${name}`, what, found);
    return found;
  };
  const type = raw("type");
  return {
    path,
    type: typeof type === "string" ? type : undefined,
    translate,
    raw,
    flag: (name, fallback) => read(name, fallback, (v) => typeof v === "boolean", "true or false"),
    count: (name, fallback) => read(name, fallback, isCount, "a whole number from 0"),
    text: (name, fallback) => read(name, fallback, isText, "a text"),
    char: (name, fallback) => read(name, fallback, isChar, "one character"),
    choose: <V extends string>(name: string, allowed: readonly V[], fallback?: V) =>
      read(
        name,
        fallback,
        (v): v is V => allowed.some((one) => one === v),
        `one of ${allowed.join(", ")}`,
      ),
    list: (name) => {
      const found = raw(name) ?? [];
      if (!Array.isArray(found)) throw wrong(`${path}.${name}`, "a list", found);
      return found.map((item, index) => partOf(item, `${path}.${name}[${index}]`, translate));
    },
    inside: (name) => {
      const found = raw(name);
      return found === undefined ? undefined : partOf(found, `${path}.${name}`, translate);
    },
    only: (...names) => {
      for (const name of Object.keys(value)) {
        if (name !== "type" && !names.includes(name) && value[name] !== null) {
          throw badTokenizer(`${path}.${name} is not supported`, { field: `${path}.${name}` });
        }
      }
    },
  };
}

/** `of` by the type of a component; a type that is not there is refused by name. */
export function byType<V>(part: Part, table: Readonly<Record<string, (part: Part) => V>>): V {
  const make =
    part.type !== undefined && Object.hasOwn(table, part.type) ? table[part.type] : undefined;
  if (make === undefined) {
    throw badTokenizer(
      `${part.path} has the type ${JSON.stringify(part.raw("type")) ?? "nothing"}, which is not supported (${Object.keys(table).join(", ")} are)`,
      { field: `${part.path}.type`, got: part.raw("type") },
    );
  }
  return make(part);
}

export function wrong(path: string, expected: string, got: unknown): InputError {
  const shown = JSON.stringify(got) ?? "nothing";
  const short = shown.length > 80 ? `${shown.slice(0, 80)} …` : shown;
  return badTokenizer(`${path} should be ${expected}, got ${short}`, { field: path });
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31;
}

function isChar(value: unknown): value is string {
  return isText(value) && value !== "" && [...value].length === 1;
}
