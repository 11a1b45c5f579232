import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type ParsedNode,
  parseAllDocuments,
} from "yaml";
import { badConfig } from "./refuse.ts";

/** A value of a configuration. */
export type Value = null | boolean | number | string | readonly Value[] | Values;

/** A mapping: no object, which would put a token `1` before the others. */
export type Values = ReadonlyMap<string, Value>;

/** Longest configuration that is read, in characters; those in use have a few thousand. */
const MAX_TEXT = 200_000;

/** Most values that it may hold: aliases multiply what a text says. */
const MAX_VALUES = 20_000;

/** Most values inside each other; configurations have eight. */
const MAX_DEPTH = 32;

/**
 * The value of a YAML text of one document, by the core schema of YAML 1.2: `1e-5` is a number, and `yes` a text,
 * which is true where a configuration expects a truth value. Anchors, aliases and merge keys (`<<`) are followed; a number
 * that begins with a zero is refused.
 *
 * @throws InputError `merge/config-yaml`, `merge/config-documents`, `merge/config-duplicate-key`
 */
export function parseYaml(text: string): Value {
  if (text.length > MAX_TEXT) {
    throw badConfig(
      "yaml",
      "",
      `has ${text.length} characters; at most ${MAX_TEXT} are read.`,
      "Check that this is the right file.",
      { length: text.length, limit: MAX_TEXT },
    );
  }
  // Keys that stand twice are looked for below: the parser compares each with each, and says no path.
  // Errors are made readable below, the first alone: there may be as many as characters.
  const options = { uniqueKeys: false, logLevel: "silent", prettyErrors: false } as const;
  const documents = [...parseAllDocuments(text, options)];
  if (documents.length > 1) {
    throw badConfig(
      "documents",
      "",
      `has ${documents.length} YAML documents; a merge is one.`,
      "Give each its own file.",
      { documents: documents.length },
    );
  }
  const document = documents[0];
  const error = document?.errors[0] ?? document?.warnings[0];
  if (error !== undefined) {
    const [position] = error.pos;
    const before = text.slice(0, position).split("\n");
    const where = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    const says = `is not YAML: ${error.message.trim()}, at ${where}.`;
    throw badConfig("yaml", "", says, "Correct the text.", { position });
  }
  const contents = document?.contents;
  if (document === undefined || contents === null || contents === undefined) return null;
  return walker().value(contents, "", 0);
}

type Walk = { value(node: ParsedNode | null, path: string, depth: number): Value };

function walker(): Walk {
  let values = 0;
  // The library would look through the whole document for each alias.
  const anchors = new Map<string, ParsedNode>();
  const targets = new Map<ParsedNode, ParsedNode>();
  let inside = 0;
  /** An anchor may be given again: what an alias repeats has been seen where it stands. */
  const anchored = (node: ParsedNode): void => {
    if (inside === 0 && node.anchor !== undefined) anchors.set(node.anchor, node);
  };
  const followed = (alias: Alias.Parsed, path: string, depth: number): Value => {
    const found = targets.get(alias) ?? target(anchors.get(alias.source), path);
    targets.set(alias, found);
    inside++;
    const of = value(found, path, depth + 1);
    inside--;
    return of;
  };
  const tooMuch = (path: string, says: string): Error =>
    badConfig("yaml", path, says, "Write it with fewer aliases.", {});
  const value: Walk["value"] = (node, path, depth) => {
    if (++values > MAX_VALUES)
      throw tooMuch(path, `is the value ${values}; at most ${MAX_VALUES} are read.`);
    if (depth > MAX_DEPTH) throw tooMuch(path, `is nested deeper than ${MAX_DEPTH}.`);
    if (node === null) return null;
    if (isAlias(node)) return followed(node, path, depth);
    anchored(node);
    if (isSeq(node))
      return node.items.map((item, i) => value(item as ParsedNode, `${path}[${i}]`, depth + 1)); // parsed, as its document
    if (isMap(node)) return mapping(node.items as Pairs, path, depth); // parsed, as its document
    if (isScalar(node) && typeof node.value === "number") checkSpelling(node.source, path);
    return scalar(isScalar(node) ? node.value : undefined, path);
  };
  type Pairs = readonly { readonly key: ParsedNode; readonly value: ParsedNode | null }[];
  const mapping = (pairs: Pairs, path: string, depth: number): Values => {
    const own = new Map<string, Value>();
    const merged: Values[] = [];
    let merges = false;
    for (const pair of pairs) {
      const key = keyOf(pair.key, path);
      anchored(pair.key);
      const merge = key === "<<" && isScalar(pair.key) && pair.key.type === "PLAIN"; // else a token of that name
      const at = path === "" ? key : `${path}.${key}`;
      const of = value(pair.value, at, depth + 1);
      if (merge ? merges : own.has(key)) {
        throw badConfig("duplicate-key", at, "stands twice.", "Keep one of the two.", { key });
      }
      if (merge) merged.push(...[of].flat().map((one) => record(one, at)));
      else own.set(key, of);
      merges ||= merge;
    }
    for (const [key, of] of merged.flatMap((more) => [...more])) {
      if (!own.has(key)) own.set(key, of);
    }
    return own;
  };
  return { value };
}

function target(node: ParsedNode | undefined, path: string): ParsedNode {
  if (node !== undefined) return node;
  throw badConfig("yaml", path, "is an alias of nothing before it.", "Give the anchor first.");
}

function keyOf(key: ParsedNode, path: string): string {
  if (isScalar(key)) return key.source ?? String(key.value);
  throw badConfig("yaml", path, "has a key that is no text.", "Keys are single words.");
}

function record(value: Value, path: string): Values {
  if (value instanceof Map) return value;
  throw badConfig(
    "type",
    path,
    "is no mapping.",
    "A merge key takes a mapping, or a list of them.",
  );
}

/** Of a number that begins with a zero the versions of YAML have two readings: `010` is 8 to one and 10 to the other. */
function checkSpelling(source: string | undefined, path: string): void {
  if (source === undefined || !/^[-+]?0\d+$/.test(source)) return;
  throw badConfig(
    "type",
    path,
    `is ${source}, which is octal to YAML 1.1 and decimal to YAML 1.2.`,
    "Write the number without zeros before it.",
    { source },
  );
}

function scalar(value: unknown, path: string): Value {
  if (value === null || typeof value === "boolean" || typeof value === "number") return value;
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return Number(value);
  throw badConfig(
    "yaml",
    path,
    "is a kind of value that is not read.",
    "Write numbers, texts, lists and mappings.",
  );
}
