import type { Range } from "../range.ts";
import type { SiteVector } from "../site-vector.ts";
import type { Prompt } from "../subject.ts";
import type { TokenName } from "../token-notation.ts";
import {
  type Field,
  type FieldOptions,
  fieldOf,
  issuesAt,
  type Said,
  type Taken,
} from "./field.ts";
import { PROMPT, TOKEN, takenChoice, takenList, takenNumber, takenText } from "./taken.ts";

/** What is said about a list: it is empty where nothing is given, unless it has another default or is optional. */
export interface ListOptions<Value, Optional extends boolean>
  extends FieldOptions<readonly Value[], Optional> {
  /** How many entries it has at least, where it is given; default any number. */
  readonly fewest?: number;
}

/** The field that options of a list make. */
export type ListOf<Value, Optional extends boolean> = Optional extends true
  ? Field<readonly Value[] | undefined>
  : Field<readonly Value[], readonly Value[] | undefined>;

/** A parameter that is a list of texts: `--NAME a,b`. */
export function textsParameter<Optional extends boolean = false>(
  description: string,
  options?: ListOptions<string, Optional>,
): ListOf<string, Optional> {
  return listOf(takenText(), "texts", description, options);
}

/** A parameter that is a list of numbers of a range: `--NAME .1,.5`. */
export function numbersParameter<Optional extends boolean = false>(
  description: string,
  options: ListOptions<number, Optional> & Partial<Range> = {},
): ListOf<number, Optional> {
  return listOf(takenNumber({ whole: false, ...options }), "numbers", description, options);
}

/** A parameter that is some of some words, in their order: `--NAME a,b`, `none`, `all`. */
export function choicesParameter<const Choice extends string, Optional extends boolean = false>(
  description: string,
  choices: readonly Choice[],
  options?: ListOptions<Choice, Optional>,
): ListOf<Choice, Optional> {
  return listOf(takenChoice(choices), `some of ${choices.join(", ")}`, description, options);
}

/** A parameter that is a list of prompts: `--NAME TEXT TEXT`. Others: an array whose entries are of `format: "prompt"`. */
export function promptsParameter<Optional extends boolean = false>(
  description: string,
  options?: ListOptions<Prompt, Optional>,
): ListOf<Prompt, Optional> {
  return listOf(PROMPT, "prompts", description, options);
}

/**
 * A parameter that is a list of tokens: `--NAME " Mary","a,b",id:346` on a command line. Schemas of other libraries
 * have an array whose entries are of `format: "token"`.
 */
export function tokensParameter<Optional extends boolean = false>(
  description: string,
  options?: ListOptions<TokenName, Optional>,
): ListOf<TokenName, Optional> {
  return listOf(TOKEN, "tokens", description, options);
}

/** A parameter that is a list of nodes, by names or patterns. Others: entries of `format: "node"`. */
export function nodesParameter<Optional extends boolean = false>(
  description: string,
  options?: ListOptions<string, Optional>,
): ListOf<string, Optional> {
  return listOf(takenText("node"), "names of nodes", description, { title: "names", ...options });
}

/** The parameter `target` of analyses: one token or two. It may be left out. */
export function targetParameter(
  description = "tokens (text or id:N) whose logit difference at the last position is explained, or one for its logit; default: the two likeliest",
  said: Said = {},
): Field<readonly TokenName[] | undefined> {
  const { schema, read } = takenList(TOKEN, { expected: "a list of tokens" });
  const taken: Taken<readonly TokenName[]> = {
    schema: { ...schema, format: "target" },
    read: (value) => {
      const found = read(value);
      if (found.issues !== undefined || found.value.length === 1 || found.value.length === 2)
        return found;
      return { issues: [{ message: ONE_OR_TWO }] };
    },
  };
  return fieldOf(taken, description, { title: "a,b", ...said, optional: true });
}

const ONE_OR_TWO = "Expected one token, or two: the logit of the first minus that of the second";

/**
 * A parameter that is a list of vectors for sites: `--NAME SITE=FILE`, `--NAME SITE=FILE:SCALE` on a
 * command line, as often as there are vectors, where FILE is a JSON array or safetensors of one tensor. Schemas of other
 * libraries have an array whose entries are of `format: "site-vector"`.
 */
export function siteVectorsParameter(
  description: string,
  said: Said = {},
): Field<readonly SiteVector[], readonly SiteVector[] | undefined> {
  return listOf<SiteVector, false>(SITE_VECTOR, "sites with their vectors", description, {
    ...{ title: "site=file", ...said },
  });
}

const SITE = takenText();
const SCALE = takenNumber({ whole: false });
const VECTOR = takenList(SCALE, { expected: "a list of numbers" });

const SITE_VECTOR: Taken<SiteVector> = {
  schema: {
    type: "object",
    properties: { site: SITE.schema, vector: VECTOR.schema, scale: SCALE.schema },
    required: ["site", "vector"],
    format: "site-vector",
  },
  read: (given) => {
    const { site, vector, scale } = Object(given); // of what has no fields, none
    const issues = [
      ...issuesAt("site", SITE.read(site)),
      ...issuesAt("vector", VECTOR.read(vector)),
      ...(scale === undefined ? [] : issuesAt("scale", SCALE.read(scale))),
    ];
    if (issues.length > 0) return { issues };
    return { value: { site, vector, ...(scale !== undefined && { scale }) } };
  },
};

function listOf<Value, Optional extends boolean>(
  taken: Taken<Value>,
  entries: string,
  description: string,
  { fewest = 0, ...options }: ListOptions<Value, Optional> = {},
): ListOf<Value, Optional> {
  const list = takenList(taken, { expected: `a list of ${entries}`, fewest });
  const preset = options.default ?? (options.optional ? undefined : []);
  const field = fieldOf<readonly Value[], readonly Value[] | undefined, boolean>(
    list,
    description,
    {
      ...options,
      ...(preset !== undefined && { default: [...preset] }),
    },
  );
  return field as ListOf<Value, Optional>; // undefined is read only where it is optional
}
