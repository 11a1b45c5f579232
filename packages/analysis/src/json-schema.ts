/** A JSON Schema of 2020-12, as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** No plain data of a result goes deeper. */
const MAX_DEPTH = 100;

/**
 * What of a value is not as a JSON Schema says, and where: `positions[0].norm is a text, where a number belongs`;
 * undefined where it fits.
 *
 * Knows `$ref` within the schema, `type`, `const`, `enum`, `properties`, `required`, `additionalProperties`, `items`,
 * `prefixItems`, `minItems`, `maxItems`, `minimum`, `maximum`, `anyOf`, `oneOf` (as `anyOf`) and `allOf`; passes over
 * other keywords. Numbers that are not finite are numbers.
 */
export function schemaFault(schema: JsonSchema, value: unknown): string | undefined {
  return look(schema, value, "", 0);

  function look(given: unknown, of: unknown, at: string, depth: number): string | undefined {
    if (given === true || given === undefined) return undefined;
    const where = at === "" ? "the result" : at;
    if (given === false) return `${where} does not belong there`;
    if (depth > MAX_DEPTH) return `${where} goes too deep`;
    const own = Object(given) as JsonSchema; // what is no object has no keywords
    const inner = (part: unknown, entry: unknown, place: string): string | undefined =>
      look(part, entry, place, depth + 1);
    if (typeof own.$ref === "string") {
      const target = referred(schema, own.$ref);
      if (target === undefined) return `${where} is of ${own.$ref}, which the schema does not have`;
      const fault = inner(target, of, at);
      if (fault !== undefined) return fault;
    }
    const { type } = own;
    const types = typeof type === "string" ? [type] : listOf(type);
    if (types.length > 0 && !types.some((name) => isOf(name, of))) {
      return `${where} is ${kindOf(of)}, where ${types.map(typeWords).join(" or ")} belongs`;
    }
    if ("const" in own && !same(own.const, of)) {
      return `${where} is ${shown(of)}, where ${shown(own.const)} belongs`;
    }
    if (Array.isArray(own.enum) && !own.enum.some((one) => same(one, of))) {
      return `${where} is ${shown(of)}, which is none of ${own.enum.map(shown).join(", ")}`;
    }
    if (typeof of === "number") {
      const { minimum, maximum } = own;
      if (typeof minimum === "number" && of < minimum) return `${where} is below ${minimum}`;
      if (typeof maximum === "number" && of > maximum) return `${where} is above ${maximum}`;
    }
    for (const part of listOf(own.allOf)) {
      const fault = inner(part, of, at);
      if (fault !== undefined) return fault;
    }
    for (const choices of [own.anyOf, own.oneOf].map(listOf)) {
      const faults = choices.map((part) => inner(part, of, at));
      // The last says most: null comes first where something may be missing.
      if (faults.length > 0 && !faults.includes(undefined)) return faults.at(-1);
    }
    if (Array.isArray(of)) return entriesFault(own, of, at, inner);
    if (typeof of === "object" && of !== null) return fieldsFault(own, of, at, inner);
    return undefined;
  }
}

type Inner = (part: unknown, entry: unknown, place: string) => string | undefined;

function entriesFault(
  own: JsonSchema,
  of: readonly unknown[],
  at: string,
  inner: Inner,
): string | undefined {
  const where = at === "" ? "the result" : at;
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = own;
  if (of.length < Number(minItems))
    return `${where} has ${of.length} entries, fewer than ${minItems}`;
  if (of.length > Number(maxItems))
    return `${where} has ${of.length} entries, more than ${maxItems}`;
  const first = listOf(own.prefixItems);
  for (const [i, entry] of of.entries()) {
    const fault = inner(i < first.length ? first[i] : own.items, entry, `${at}[${i}]`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function fieldsFault(own: JsonSchema, of: object, at: string, inner: Inner): string | undefined {
  const where = at === "" ? "the result" : at;
  const fields = new Map(Object.entries(of).filter(([, entry]) => entry !== undefined)); // JSON leaves it out
  const missing = listOf(own.required).find((name) => !fields.has(String(name)));
  if (missing !== undefined) return `${where} has no ${missing}`;
  const properties = new Map(Object.entries(Object(own.properties)));
  for (const [name, entry] of fields) {
    const part = properties.has(name) ? properties.get(name) : own.additionalProperties;
    const fault = inner(part, entry, at === "" ? name : `${at}.${name}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** What `#/$defs/NAME` means. */
function referred(schema: JsonSchema, ref: string): unknown {
  if (!ref.startsWith("#")) return undefined;
  return ref
    .split("/")
    .slice(1)
    .reduce<unknown>(
      (part, name) => (Object.hasOwn(Object(part), name) ? Object(part)[name] : undefined),
      schema,
    );
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isOf(type: unknown, value: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  return type === (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function kindOf(value: unknown): string {
  return value === null ? "null" : typeWords(Array.isArray(value) ? "array" : typeof value);
}

/** A type of JSON in words. */
function typeWords(type: unknown): string {
  switch (type) {
    case "array":
      return "a list";
    case "string":
      return "a text";
    case "null":
      return "null";
    case "object":
    case "integer":
    case "undefined":
      return type === "undefined" ? "nothing" : `an ${type}`;
    default:
      return `a ${String(type)}`;
  }
}
