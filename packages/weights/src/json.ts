import { InputError } from "@resolvent/tensor";
import { MAX_JSON_MARKS, MAX_TENSORS } from "./limits.ts";

/** What a text may look like, and how its errors are named. */
export interface JsonRules {
  /** The source, for messages. */
  readonly name: string;
  /** What the text is: "header", "index". */
  readonly what: string;
  /** The code of an error in the text itself. */
  readonly code: string;
  /** Most brackets inside each other. */
  readonly maxDepth: number;
  /** The depth at which keys are the names of tensors. */
  readonly tensorDepth: number;
  /** Whether it may hold the NaN and Infinity that Python writes, and a byte order mark; default false. */
  readonly python?: boolean;
}

/** An error in the text itself. */
export function badJson(rules: JsonRules, message: string, cause?: unknown): InputError {
  return new InputError({
    code: rules.code,
    message: `${rules.name}: the ${rules.what} ${message}`,
    remedy: "The file is damaged or is not what its name says: fetch it again.",
    details: { name: rules.name },
    cause,
  });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;

/**
 * Walks over the text once, before it is parsed, so that its shape is known to be bounded: a parser given
 * 100 MB of brackets needs many times that. Returns the number of keys; `onKey` gets where each stands.
 */
function walk(
  text: Uint8Array,
  rules: JsonRules,
  onKey?: (depth: number, start: number, end: number) => void,
): number {
  let depth = 0;
  let marks = 0;
  let keys = 0;
  let tensors = 0;
  let start = 0;
  let end = 0;
  for (let i = 0; i < text.length; i++) {
    const byte = text[i] as number; // i is in range
    if (byte === QUOTE) {
      start = i++;
      while (i < text.length && text[i] !== QUOTE) i += text[i] === BACKSLASH ? 2 : 1;
      end = i + 1;
      continue;
    }
    const bracket = byte | 0x20; // "[" and "{" differ in this bit, and so do their partners
    if (bracket === 0x7b) depth++;
    else if (bracket === 0x7d) {
      depth--;
      continue;
    } else if (byte === COLON) {
      keys++;
      if (depth === rules.tensorDepth) tensors++;
      onKey?.(depth, start, end);
    } else if (byte !== COMMA) continue;
    if (depth > rules.maxDepth) throw badJson(rules, `is nested deeper than ${rules.maxDepth}.`);
    if (tensors > MAX_TENSORS + 1) throw tooManyTensors(rules.name, `more than ${MAX_TENSORS}`);
    if (++marks > MAX_JSON_MARKS) {
      throw badJson(rules, `has more than ${MAX_JSON_MARKS} brackets, commas and colons.`);
    }
  }
  return keys;
}

/** `weights/too-many-tensors`. */
export function tooManyTensors(name: string, count: number | string): InputError {
  return new InputError({
    code: "weights/too-many-tensors",
    message: `${name}: lists ${count} tensors; the limit is ${MAX_TENSORS}.`,
    remedy: "No known model has nearly that many: the file is damaged or hostile.",
    details: { name, limit: MAX_TENSORS },
  });
}

/** Number of keys in all objects of a value, whose depth is bounded already. */
function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) {
    for (const item of value) keys += countKeys(item);
  } else {
    for (const item of Object.values(value)) keys += 1 + countKeys(item);
  }
  return keys;
}

/** The first key that stands twice in one object: `JSON.parse` would keep the last without a word. */
function repeatedKey(text: Uint8Array, rules: JsonRules): string {
  const decoder = new TextDecoder();
  const seen: Set<string>[] = [];
  let repeated = "";
  let last = 0;
  walk(text, rules, (depth, start, end) => {
    // Keys of one object have no shallower key between them.
    if (depth < last) seen.length = depth + 1;
    last = depth;
    const key: string = JSON.parse(decoder.decode(text.subarray(start, end)));
    seen[depth] ??= new Set();
    if (seen[depth].has(key)) repeated ||= key;
    seen[depth].add(key);
  });
  return repeated;
}

/**
 * The JSON value of a text from outside. Throws `rules.code` where it is not JSON or not UTF-8, is nested too
 * deep or is too large, and `weights/duplicate-name` where an object has a key twice.
 */
export function parseJson(text: Uint8Array, rules: JsonRules): unknown {
  const keys = walk(text, rules);
  let value: unknown;
  try {
    const { python = false } = rules;
    const decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: !python }).decode(text);
    value = python ? parsePythonJson(decoded) : JSON.parse(decoded);
  } catch (cause) {
    throw badJson(rules, "is not JSON in UTF-8.", cause);
  }
  if (countKeys(value) === keys) return value;
  const key = repeatedKey(text, rules);
  throw new InputError({
    code: "weights/duplicate-name",
    message: `${rules.name}: the ${rules.what} has ${JSON.stringify(key)} twice.`,
    remedy: "Two tensors cannot have one name: write the file again.",
    details: { name: rules.name, key },
  });
}

/** A text in quotes, or a word outside of one. */
const PIECES = /"(?:[^"\\]|\\.)*"|[^\s",:[\]{}]+/gs;

/**
 * The value of a JSON text as Python's `json` reads it: also with `NaN`, `Infinity` and `-Infinity`. Of keys that
 * stand twice in an object, the last counts. Throws a SyntaxError.
 */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // NaN has no spelling in JSON: a text that the file does not hold stands for it.
    let nan = "NaN";
    while (text.includes(nan)) nan += "N";
    const plain = text.replace(PIECES, (piece) => {
      if (piece === "NaN") return JSON.stringify(nan);
      if (piece === "Infinity") return "1e999";
      return piece === "-Infinity" ? "-1e999" : piece;
    });
    if (plain === text) throw error;
    return JSON.parse(plain, (_, value) => (value === nan ? Number.NaN : value));
  }
}

/** Whether a value is a JSON object, not an array and not null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
