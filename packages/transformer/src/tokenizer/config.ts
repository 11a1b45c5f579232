import type { AddedToken } from "./added-tokens.ts";
import { addedToken } from "./added-tokens.ts";
import { isCount, isObject, isText, type Part, partOf, wrong } from "./part.ts";
import { around, type PostProcessor } from "./post-processor.ts";

/** tokenizer_config.json, or undefined; and special_tokens_map.json where that stands in for it. */
export type Config = Readonly<Record<string, unknown>>;

/** The fields that name one special token each. */
const NAMED = [
  "bos_token",
  "eos_token",
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
] as const;

/** A field such as `bos_token`: a text, or an object with the text as `content`. */
function namedToken(config: Config, name: (typeof NAMED)[number]): string | undefined {
  const value = config[name];
  const text = isObject(value) ? value.content : value;
  return isText(text) && text !== "" ? text : undefined;
}

/**
 * The special tokens that `add_bos_token` and `add_eos_token` ask for. Where either is given, they replace what
 * tokenizer.json puts around a text, and one that is not given is false (true for the beginning in Llama's class), as
 * in transformers. Undefined where neither is given.
 */
export function flagged(
  config: Config,
  idOf: (token: string) => number | undefined,
): PostProcessor | undefined {
  const bos = flagOf(config, "add_bos_token");
  const eos = flagOf(config, "add_eos_token");
  if (bos === undefined && eos === undefined) return undefined;
  const ids = (wanted: boolean, name: "bos_token" | "eos_token"): number[] => {
    const token = wanted ? namedToken(config, name) : undefined;
    if (token === undefined) return []; // nothing to add, as in transformers
    const id = idOf(token);
    if (id === undefined) {
      throw wrong(`tokenizer_config.json: ${name}`, "a token of the vocabulary", token);
    }
    return [id];
  };
  const llama = isText(config.tokenizer_class) && /^(Code)?Llama/.test(config.tokenizer_class);
  return around(ids(bos ?? llama, "bos_token"), ids(eos ?? false, "eos_token"));
}

function flagOf(config: Config, name: string): boolean | undefined {
  const value = config[name] ?? undefined;
  if (value !== undefined && typeof value !== "boolean") {
    throw wrong(`tokenizer_config.json: ${name}`, "true or false", value);
  }
  return value;
}

/** tokenizer.json's normalizer and pre-tokenizer with what the config says of them in their place. */
export function configured(root: Part, config: Config): Part {
  const change = (
    name: string,
    type: string,
    fields: Readonly<Record<string, string>>,
  ): Readonly<Record<string, unknown>> => {
    const value = root.raw(name);
    if (!isObject(value) || value.type !== type) return {};
    const fresh = Object.entries(fields).flatMap(([field, from]) =>
      typeof config[from] === "boolean" ? [[field, config[from]] as const] : [],
    );
    return { [name]: { ...value, ...Object.fromEntries(fresh) } };
  };
  const whole = {
    normalizer: root.raw("normalizer"),
    pre_tokenizer: root.raw("pre_tokenizer"),
    ...change("normalizer", "BertNormalizer", {
      lowercase: "do_lower_case",
      strip_accents: "strip_accents",
      handle_chinese_chars: "tokenize_chinese_chars",
    }),
    ...change("pre_tokenizer", "ByteLevel", { add_prefix_space: "add_prefix_space" }),
  };
  return partOf(whole, "tokenizer.json", root.translate);
}

/**
 * Added tokens of the config that tokenizer.json lacks or describes otherwise, and the named special tokens of the
 * vocabulary, which are looked for in texts too.
 */
export function configTokens(
  config: Config,
  listed: readonly AddedToken[],
  known: (token: string) => boolean,
): readonly AddedToken[] {
  const more: AddedToken[] = [];
  const decoder = config.added_tokens_decoder;
  if (isObject(decoder)) {
    const entries = Object.entries(decoder).sort(([a], [b]) => Number(a) - Number(b));
    for (const [id, value] of entries) {
      if (!isCount(Number(id)))
        throw wrong("tokenizer_config.json: added_tokens_decoder", "ids", id);
      const path = `tokenizer_config.json: added_tokens_decoder["${id}"]`;
      const token = addedToken(partOf(withoutType(value), path));
      if (!listed.some((one) => same(one, token))) more.push(token);
    }
  }
  const named = NAMED.map((name) => namedToken(config, name));
  const extra = [config.additional_special_tokens, config.extra_special_tokens].flatMap((list) =>
    Array.isArray(list) ? list.map((one) => (isObject(one) ? one.content : one)) : [],
  );
  for (const content of new Set([...named, ...extra])) {
    const there = [...listed, ...more].some((one) => one.content === content);
    if (!isText(content) || there || !known(content)) continue;
    more.push({
      content,
      special: true,
      singleWord: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    });
  }
  return more;
}

/** Saved tokens carry the name of their class. */
function withoutType(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { __type: _, ...fields } = value;
  return fields;
}

function same(a: AddedToken, b: AddedToken): boolean {
  return (
    a.content === b.content &&
    a.special === b.special &&
    a.singleWord === b.singleWord &&
    a.lstrip === b.lstrip &&
    a.rstrip === b.rstrip &&
    a.normalized === b.normalized
  );
}
