import { InputError } from "@resolvent/tensor";
import { type Fields, isObject, numberIn } from "./fields.ts";
import { checkCounts } from "./graph.ts";

/**
 * What a field has to be. A `number` is finite, and may be written as a text; a `number?` may be missing or null, a
 * `number|null` has to be there.
 */
type Rule = "text" | "texts" | "number" | "number?" | "number|null" | "position" | "layer";
type Rules = Readonly<Record<string, Rule>>;

/** What files have to have, and what numbers are read from; other fields may be anything. */
const METADATA: Rules = {
  ...{ slug: "text", scan: "text", prompt: "text", prompt_tokens: "texts" },
  ...{ node_threshold: "number?", schema_version: "number?" },
};
const NODE: Rules = {
  ...{ node_id: "text", feature_type: "text", jsNodeId: "text", clerp: "text" },
  ...{ feature: "number|null", layer: "layer", ctx_idx: "position" },
  ...{ token_prob: "number?", influence: "number?", activation: "number?" },
};
const LINK: Rules = { source: "text", target: "text", weight: "number" };

const SAYS: Readonly<Record<Rule, string>> = {
  text: "a text",
  texts: "a list of texts",
  number: "a finite number",
  "number?": "a finite number, null or nothing",
  "number|null": "a finite number or null",
  position: "a whole number from 0",
  layer: "a layer's number or name",
};

/** A file whose parts have been looked at. */
export interface CheckedFile {
  readonly metadata: Fields;
  readonly qParams: Fields;
  readonly nodes: readonly Fields[];
  readonly links: readonly Fields[];
  /** All else at its top. */
  readonly fields: Fields;
}

/** Counts what is wrong, and remembers the first. */
interface Faults {
  first: { readonly at: string; readonly expected: string; readonly got: string } | undefined;
  count: number;
}

/**
 * The parts of a graph's file, required fields checked as circuit-tracer and Neuronpedia have them.
 *
 * @throws InputError `dictionary/bad-graph`, which names the first fault (`links[3].weight`) and how many there are;
 *   `dictionary/too-many`
 */
export function checkFile(value: unknown, name: string): CheckedFile {
  if (!isObject(value)) throw badGraph(name, fault("the file", "an object", value), 1);
  const { metadata, qParams, nodes, links, ...fields } = value;
  if (!isObject(metadata)) throw badGraph(name, fault("metadata", "an object", metadata), 1);
  if (!isObject(qParams)) throw badGraph(name, fault("qParams", "an object", qParams), 1);
  if (!Array.isArray(nodes)) throw badGraph(name, fault("nodes", "a list", nodes), 1);
  if (!Array.isArray(links)) throw badGraph(name, fault("links", "a list", links), 1);
  checkCounts(nodes.length, links.length);
  const faults: Faults = { first: undefined, count: 0 };
  checkObject(metadata, METADATA, "metadata", faults);
  const rows = (list: readonly unknown[], rules: Rules, at: string): Fields[] => {
    const seen: Fields[] = [];
    list.forEach((row, i) => {
      if (isObject(row)) {
        checkObject(row, rules, `${at}[${i}]`, faults);
        seen.push(row);
      } else note(faults, fault(`${at}[${i}]`, "an object", row));
    });
    return seen;
  };
  const checked = {
    ...{ metadata, qParams, fields },
    nodes: rows(nodes, NODE, "nodes"),
    links: rows(links, LINK, "links"),
  };
  if (faults.first !== undefined) throw badGraph(name, faults.first, faults.count);
  return checked;
}

function checkObject(object: Fields, rules: Rules, at: string, faults: Faults): void {
  for (const name in rules) {
    const rule = rules[name] as Rule; // it is a key
    const value = object[name];
    if (fits(value, rule)) continue;
    note(faults, fault(`${at}.${name}`, SAYS[rule], value));
  }
}

function fits(value: unknown, rule: Rule): boolean {
  switch (rule) {
    case "text":
      return typeof value === "string";
    case "texts":
      return Array.isArray(value) && value.every((one) => typeof one === "string");
    case "number":
      return Number.isFinite(numberIn(value));
    case "number?":
      return value === undefined || value === null || Number.isFinite(numberIn(value));
    case "number|null":
      return value === null || Number.isFinite(numberIn(value));
    case "position": {
      const number = numberIn(value);
      return number !== undefined && Number.isSafeInteger(number) && number >= 0;
    }
    case "layer":
      return typeof value === "string" || Number.isFinite(value);
  }
}

function note(faults: Faults, found: NonNullable<Faults["first"]>): void {
  faults.first ??= found;
  faults.count++;
}

/** Characters of what came that a message has at most. */
const QUOTED = 80;

function fault(at: string, expected: string, got: unknown): NonNullable<Faults["first"]> {
  const text = typeof got === "number" ? String(got) : (JSON.stringify(got) ?? "nothing");
  return { at, expected, got: text.slice(0, QUOTED) };
}

/** `dictionary/bad-graph`: a file that is no attribution graph. */
function badGraph(
  name: string,
  { at, expected, got }: NonNullable<Faults["first"]>,
  count: number,
): InputError {
  const more = count === 1 ? "" : ` It is the first of ${count} faults.`;
  return new InputError({
    code: "dictionary/bad-graph",
    message: `${name}: ${at}: expected ${expected}, got ${got}.${more}`,
    remedy: "A graph has metadata, qParams, nodes and links as circuit-tracer writes them.",
    details: { name, at, expected, got, count },
  });
}
