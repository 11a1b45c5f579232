/** Lists and objects within each other that messages may have at most. */
export const DEPTH = 64;

/**
 * What of a value is none of JSON's, and where; undefined where all of it is. Numbers that are not finite are told by
 * `soundnessOf`.
 */
export function plainFault(value: unknown): string | undefined {
  const found = oddIn(value, 0);
  if (found === undefined) return undefined;
  const at = found.at === "" ? "" : ` at ${found.at.replace(/^\./, "")}`;
  return `${found.what}${at}${found.what === DEEP ? "" : ", which JSON does not have"}`;
}

const DEEP = `more than ${DEPTH} lists and objects within each other`;

/** Places of a cycle are named as far as that many characters. */
const NAMED = 80;

interface Odd {
  readonly what: string;
  readonly at: string;
}

function oddIn(value: unknown, depth: number): Odd | undefined {
  if (typeof value !== "object")
    return PLAIN.has(typeof value) ? undefined : { what: `a ${typeof value}`, at: "" };
  if (value === null) return undefined;
  if (depth === DEPTH) return { what: DEEP, at: "" };
  if (!Array.isArray(value) && !isPlainObject(value))
    return { what: `a ${value.constructor?.name ?? "thing"}`, at: "" };
  for (const [name, entry] of Object.entries(value)) {
    const odd = oddIn(entry, depth + 1);
    if (odd === undefined) continue;
    const at = `${Array.isArray(value) ? `[${name}]` : `.${name}`}${odd.at}`;
    return { what: odd.what, at: at.length > NAMED ? `${at.slice(0, NAMED)}…` : at };
  }
  return undefined;
}

/** What JSON has, or leaves out. */
const PLAIN: ReadonlySet<string> = new Set(["string", "number", "boolean", "undefined"]);

/** Whether an object is made of its own entries alone. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
