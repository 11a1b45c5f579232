import { badConfig } from "./refuse.ts";

/** What a config in YAML may hold: a value, a list of them, or a list of flat records. */
type YamlValue = string | number | boolean | null;
type YamlRecord = Readonly<Record<string, YamlValue>>;
export type YamlField = YamlValue | readonly (YamlValue | YamlRecord)[];

/** Longest config that is read, in characters; circuit-tracer's have one line for each layer. */
const MAX_YAML = 1_000_000;

const WORDS: ReadonlyMap<string, YamlValue> = new Map<string, YamlValue>([
  ["null", null],
  ["~", null],
  ["true", true],
  ["false", false],
]);

/**
 * The fields of a flat YAML config: `key: value`, and lists of values or of records below a key. That is what
 * circuit-tracer's configs are written in; anything else of YAML (anchors, tags, texts over several lines) is refused.
 *
 * @throws InputError `dictionary/bad-config`
 */
export function parseYaml(text: string, name: string): Map<string, YamlField> {
  const fields = new Map<string, YamlField>();
  const bad = (line: number, says: string): Error =>
    badConfig(name, `line ${line + 1}`, `${says}; fields, and lists below them, are read.`);
  if (text.length > MAX_YAML) throw bad(0, `and ${text.length} characters are too many`);
  let list: (YamlValue | YamlRecord)[] | undefined;
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/(^|\s)#.*$/, "").trimEnd();
    if (line === "" || line === "---") continue;
    const [, dash, item = ""] = /^\s*(-)\s+(.*)$/.exec(line) ?? [];
    const pair = /^(\s*)([\w.-]+)\s*:(?:\s+(.*))?$/.exec(dash === undefined ? line : item);
    if (dash !== undefined) {
      if (list === undefined) throw bad(i, "is an entry of no list");
      list.push(
        pair === null ? scalar(item, name) : { [pair[2] ?? ""]: scalar(pair[3] ?? "", name) },
      );
      continue;
    }
    if (pair === null) throw bad(i, "is no field");
    const [, indent = "", key = "", value = ""] = pair;
    const last = list?.at(-1);
    if (indent !== "") {
      if (list === undefined || typeof last !== "object" || last === null)
        throw bad(i, "belongs to nothing");
      list[list.length - 1] = { ...last, [key]: scalar(value, name) };
      continue;
    }
    if (fields.has(key)) throw bad(i, `has the field ${key} twice`);
    list = value === "" ? [] : undefined;
    fields.set(key, list ?? inline(value, name));
  }
  return fields;
}

/** A value, or a list in brackets. */
function inline(text: string, name: string): YamlField {
  const [, inner] = /^\[(.*)\]$/.exec(text) ?? [];
  if (inner === undefined) return scalar(text, name);
  return inner.trim() === "" ? [] : inner.split(",").map((one) => scalar(one.trim(), name));
}

function scalar(text: string, name: string): YamlValue {
  const [, quote, inner = ""] = /^(["'])(.*)\1$/.exec(text) ?? [];
  if (quote !== undefined && !inner.includes(quote) && !inner.includes("\\")) return inner;
  if (text === "") return null;
  if (/^["'&*!|>{[%@`]/.test(text))
    throw badConfig(name, text.slice(0, 40), "is YAML that is not read.");
  const word = WORDS.get(text.toLowerCase());
  if (word !== undefined) return word;
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : text;
}
