import type { Gate } from "@resolvent/analysis";
import { isPanel } from "./panels.ts";
import { FIRST, PLAIN, type Question, type Reading, type Score, TOPS } from "./question.ts";

/** What a link to the lab says: what is asked, and what is being looked at. */
export interface Place extends Reading {
  readonly question: Question;
  /** The analysis on the screen. */
  readonly analysis: string;
  /** Values of its parameters, where it is not `paths`. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The highest degree shown; null for all. */
  readonly degree: number | null;
  /** The gates that the tree beside the bars holds; null for all, when it is the bars themselves and not drawn. */
  readonly frozen: readonly Gate[] | null;
  /** How many of the largest paths are checked by intervention; null for as many as there are at first. */
  readonly checked: number | null;
  /** Further paths that are checked, by name: `embed@1>L0.H2`. */
  readonly checks: readonly string[];
  /** Dictionaries by name, where they are not those that the model has at first. */
  readonly dictionaries: readonly string[] | null;
  /** The path that is selected, by its name in the list; null for the first. */
  readonly path: string | null;
  /** Whether it is seen why the last head of that path looks where it looks. */
  readonly why: boolean;
  /** The position of the token whose paths alone are shown; null for all. */
  readonly token: number | null;
  /** What else is selected, in all views. */
  readonly picked: Picked;
  /** The panel that has the whole screen, by its name (`panels.ts`); null for none. */
  readonly panel: string | null;
}

/** A selection that views share. */
export interface Picked {
  /** `L1.H5` */
  readonly head: string | null;
  /** Where a head looks: the position that it looks from, and the one that it looks at. */
  readonly edge: readonly [query: number, key: number] | null;
  /** A node of a graph, by its name: `L2.F88@4`. */
  readonly node: string | null;
}

/** Nothing is. */
export const NOTHING: Picked = { head: null, edge: null, node: null };

/** A fragment, read. */
export interface ReadPlace {
  readonly place: Place;
  /** Keys that this version does not know, and those whose value is none. */
  readonly ignored: readonly string[];
}

/** What is so, in a fragment. */
const YES = "1";

/** Of what fragments mean: raised where a key changes its meaning. */
const VERSION = 1;

/** Characters of a fragment that are read at most. */
export const MOST = 100_000;

/** Characters of a fragment above which it is deflated. */
export const LONG = 2000;

/** How a fragment begins that is deflated (`packed.ts`); what follows is the rest of it. */
export const PACKED: string = `v=${VERSION}&b=`;

/** Characters of the names of checked paths in a fragment at most: of a thousand. */
const MOST_CHECKS = 50_000;

/** Dictionaries that a fragment names at most, one for each layer of the deepest models and more. */
const MOST_DICTIONARIES = 512;

/** The place that the lab opens with. */
export const START: Place = {
  ...PLAIN,
  token: null,
  ...{ question: FIRST, analysis: "paths", values: {}, degree: null, frozen: null, path: null },
  why: false,
  ...{ checked: null, checks: [], dictionaries: null, picked: NOTHING, panel: null },
};

/** Gates by the letters that fragments have for them. */
const GATES: readonly (readonly [string, Gate])[] = [
  ["p", "pattern"],
  ["n", "norm"],
  ["a", "activation"],
];

/** All gates. */
export const ALL_GATES: readonly Gate[] = GATES.map(([, gate]) => gate);

/** A place as a fragment, without `#`: what is as at the start is left out. */
export function fragmentOf(place: Place): string {
  const { question, analysis, values, degree, frozen, checked, dictionaries, path, picked, panel } =
    place;
  const { score, precision, engine, top, token, checks, why } = place;
  const { model, prompt, target } = question;
  const same = JSON.stringify(question) === JSON.stringify(FIRST);
  const parts: readonly (readonly [key: string, value: string | number | null])[] = [
    ["m", model === FIRST.model ? null : model],
    ["p", same || typeof prompt !== "string" ? null : prompt],
    ["i", same || typeof prompt === "string" ? null : prompt.join("-")],
    ["y", same ? null : (target?.join("-") ?? null)],
    ["a", analysis === START.analysis ? null : analysis],
    ["k", degree],
    ["z", frozen && lettersOf(frozen)],
    ["c", checked],
    ["o", checks.join(",") || null],
    ["d", dictionaries?.join(",") ?? null],
    ["s", path],
    ["u", why ? YES : null],
    ["r", score && scoreText(score)],
    ["x", precision === PLAIN.precision ? null : precision],
    ["g", engine],
    ["l", top === PLAIN.top ? null : top],
    ["t", token],
    ["h", picked.head],
    ["e", picked.edge?.join("-") ?? null],
    ["n", picked.node],
    ["w", panel],
    ["q", Object.keys(values).length === 0 ? null : JSON.stringify(values)],
  ];
  const given = parts.flatMap(([key, value]) =>
    value === null ? [] : [`&${key}=${encodeURIComponent(value).replaceAll("%20", "+")}`],
  );
  return given.length === 0 ? "" : `v=${VERSION}${given.join("")}`;
}

/** A fragment that this lab cannot read, in a sentence. */
export interface UnreadablePlace {
  readonly message: string;
}

/** The place that a fragment says, with or without `#`. */
export function placeOf(fragment: string): ReadPlace | UnreadablePlace {
  const text = fragment.replace(/^#/, "");
  if (text.length > MOST)
    return { message: `This link has ${text.length} characters, more than ${MOST}.` };
  const given = new URLSearchParams(text);
  const version = given.get("v");
  if (version !== null && version !== String(VERSION)) {
    return {
      message: `This link is of version ${version}, and this lab reads version ${VERSION}: open it in a newer one.`,
    };
  }
  const ignored: string[] = [];
  const read = <Value>(
    key: string,
    take: (text: string) => Value | undefined,
  ): Value | undefined => {
    const own = given.get(key);
    if (own === null) return undefined;
    const value = take(own);
    if (value === undefined) ignored.push(key);
    return value;
  };
  const model = read("m", (name) => (name === "" ? undefined : name));
  const ids = read("i", idsOf);
  const prompt = ids ?? read("p", (own) => own);
  const target = read("y", (own) => {
    const tokens = idsOf(own);
    return tokens !== undefined && tokens.length <= 2 ? tokens : undefined;
  });
  const analysis = read("a", (name) => (/^[a-z][a-z0-9-]*$/.test(name) ? name : undefined));
  const degree = read("k", (own) => (/^\d{1,6}$/.test(own) ? Number(own) : undefined));
  const frozen = read("z", gatesOf);
  const checked = read("c", (own) => (/^\d{1,4}$/.test(own) ? Number(own) : undefined));
  const checks = read("o", (own) =>
    own.length <= MOST_CHECKS && /^[\w:.@>,]+$/.test(own) ? own.split(",") : undefined,
  );
  const dictionaries = read("d", (own) => {
    const names = own.split(",");
    return names.length <= MOST_DICTIONARIES && names.every((name) => name !== "")
      ? names
      : undefined;
  });
  const path = read("s", (own) => own);
  const why = read("u", (own) => own === YES || undefined);
  const head = read("h", (name) => (/^L\d{1,4}\.H\d{1,4}$/.test(name) ? name : undefined));
  const edge = read("e", (own) => {
    const [query, key, ...more] = idsOf(own) ?? [];
    return query !== undefined && key !== undefined && more.length === 0 && key <= query
      ? ([query, key] as const)
      : undefined;
  });
  const node = read("n", (own) => own);
  const panel = read("w", (name) => (isPanel(name) ? name : undefined));
  const values = read("q", valuesOf);
  const score = read("r", scoreIn);
  const precision = read("x", (own) => (own === "f32" || own === "f64" ? own : undefined));
  const engine = read("g", (name) => (/^[a-z]{1,20}$/.test(name) ? name : undefined));
  const top = read("l", (own) => TOPS.find((one) => String(one) === own));
  const token = read("t", (own) => (/^\d{1,6}$/.test(own) ? Number(own) : undefined));
  for (const key of given.keys()) if (!KEYS.has(key)) ignored.push(key);
  const asked = model !== undefined || prompt !== undefined || target !== undefined;
  return {
    place: {
      question: asked
        ? {
            model: model ?? FIRST.model,
            prompt: prompt ?? FIRST.prompt,
            target: target ?? (prompt === undefined && model === undefined ? FIRST.target : null),
          }
        : FIRST,
      analysis: analysis ?? START.analysis,
      values: values ?? {},
      degree: degree ?? null,
      frozen: frozen ?? null,
      ...{ checked: checked ?? null, checks: checks ?? [], dictionaries: dictionaries ?? null },
      path: path ?? null,
      why: why ?? false,
      score: score ?? null,
      precision: precision ?? PLAIN.precision,
      engine: engine ?? PLAIN.engine,
      top: top ?? PLAIN.top,
      token: token ?? null,
      picked: { head: head ?? null, edge: edge ?? null, node: node ?? null },
      panel: panel ?? null,
    },
    ignored: [...new Set(ignored)],
  };
}

/** All keys: a letter each. */
const KEYS: ReadonlySet<string> = new Set("vmipyakzcodsurxglthenwq");

/** A score as a fragment has it: `L2.H2.query-13-5`. */
function scoreText({ head, side, query, key }: Score): string {
  return `${head}.${side}-${query}-${key}`;
}

function scoreIn(text: string): Score | undefined {
  const found = /^(L\d{1,4}\.H\d{1,4})\.(query|key)-(\d{1,6})-(\d{1,6})$/.exec(text);
  const [, head = "", side, query, key] = found ?? [];
  if (found === null || Number(key) > Number(query)) return undefined;
  return {
    ...{ head, query: Number(query), key: Number(key) },
    side: side === "key" ? "key" : "query",
  };
}

function lettersOf(frozen: readonly Gate[]): string {
  const letters = GATES.filter(([, gate]) => frozen.includes(gate)).map(([letter]) => letter);
  return letters.length === 0 ? NONE : letters.join("");
}

/** No gates, in a fragment. */
const NONE = "0";

function gatesOf(text: string): readonly Gate[] | undefined {
  const gates = GATES.filter(([letter]) => text.includes(letter)).map(([, gate]) => gate);
  return text === NONE || (text.length === gates.length && gates.length < GATES.length)
    ? gates
    : undefined;
}

/** Token ids with hyphens between them. */
function idsOf(text: string): readonly number[] | undefined {
  return /^\d{1,9}(?:-\d{1,9})*$/.test(text) ? text.split("-").map(Number) : undefined;
}

function valuesOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>) // of an object, anything
      : undefined;
  } catch {
    return undefined;
  }
}
