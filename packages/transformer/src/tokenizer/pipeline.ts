import { addedToken, addedTokens } from "./added-tokens.ts";
import { byteOfToken, fromByteChars, showBytes, utf8 } from "./bytes.ts";
import { wellFormed } from "./characters.ts";
import { type Config, configTokens, configured, flagged } from "./config.ts";
import { decoderOf } from "./decoder.ts";
import { inCharacters, lossesOf } from "./losses.ts";
import { modelOf } from "./model.ts";
import { normalizerOf } from "./normalizer.ts";
import { isObject, type Part, partOf, type Translate } from "./part.ts";
import { hasPattern } from "./pattern.ts";
import type { Report } from "./piece.ts";
import { postProcessorOf } from "./post-processor.ts";
import { preTokenizerOf } from "./pre-tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Components that may have patterns. */
const PATTERNED = ["normalizer", "pre_tokenizer", "decoder"] as const;

/**
 * The same as `tokenizerOf`, without what translates patterns where there are none: it is as large as all the rest.
 *
 * @throws InputError `transformer/bad-tokenizer`
 */
export async function readTokenizer(json: unknown, config: Config): Promise<Tokenizer> {
  const patterns = isObject(json) && PATTERNED.some((name) => hasPattern(json[name]));
  const translate = patterns ? (await import("oniguruma-to-es")).toRegExp : undefined;
  return assembled(json, config, translate);
}

/** A tokenizer, by what translates its patterns. @throws InputError `transformer/bad-tokenizer` */
export function assembled(json: unknown, config: Config, translate?: Translate): Tokenizer {
  const root = partOf(json, "tokenizer.json", translate);
  // Truncation and padding are for batches; transformers only does them where a caller asks for it.
  root.only(
    "version",
    "truncation",
    "padding",
    "added_tokens",
    "normalizer",
    "pre_tokenizer",
    "post_processor",
    "decoder",
    "model",
  );
  const model = modelOf(partOf(root.raw("model"), "model"));
  const { vocab } = model;
  const changed = configured(root, config);
  const normalize = normalizerOf(named(changed, "normalizer"));
  const preTokenize = preTokenizerOf(named(changed, "pre_tokenizer"));
  const decoder = named(root, "decoder");
  const decodeTokens = decoderOf(decoder);
  const listed = root.list("added_tokens").map(addedToken);
  const known = (token: string): boolean => vocab.id(token) !== undefined;
  const added = addedTokens([...listed, ...configTokens(config, listed, known)], vocab, normalize);

  const idOf = (token: string): number | undefined => added.id(token) ?? vocab.id(token);
  const tokenOf = (id: number): string | undefined => added.token(id) ?? vocab.token(id);
  const stored = postProcessorOf(named(root, "post_processor"));
  const postProcess = flagged(config, idOf) ?? stored;
  const isSpecial = (id: number): boolean => added.isSpecial(tokenOf(id) ?? "");

  const asBytes = ["normalizer", "pre_tokenizer"].some((name) =>
    hasType(changed.inside(name), "ByteLevel"),
  );
  const encodeWord = (word: string, ids: number[], report?: Report): void => {
    if (report === undefined || !asBytes) model.encode(word, ids, report);
    else inCharacters(word, report, (inner) => model.encode(word, ids, inner));
  };
  const idsOf = (text: string, report?: Report): number[] => {
    const ids: number[] = [];
    const whole = { text: wellFormed(text), first: text === "" ? 0 : 1 };
    for (const raw of added.split(whole, false)) {
      if (typeof raw === "number") {
        ids.push(raw);
        continue;
      }
      for (const part of added.split(normalize(raw, report), true)) {
        if (typeof part === "number") ids.push(part);
        else for (const word of preTokenize([part], report)) encodeWord(word.text, ids, report);
      }
    }
    return ids;
  };
  const byteLevel = hasType(decoder, "ByteLevel");
  const byteTokens = hasType(decoder, "ByteFallback");
  const bytes = (id: number): Uint8Array | undefined => {
    const token = tokenOf(id);
    if (token === undefined || isSpecial(id)) return undefined;
    const byte = byteTokens ? byteOfToken(token) : undefined;
    if (byte !== undefined) return Uint8Array.of(byte);
    if (byteLevel) return fromByteChars(token) ?? utf8(token);
    return utf8(inTheMiddle(token, (tokens) => decodeTokens(tokens).join("")));
  };
  return {
    encode: (text, { special = true } = {}) => {
      const ids = idsOf(text);
      return special ? [...postProcess(ids)] : ids;
    },
    decode: (ids) => {
      const tokens = ids.map(tokenOf).filter((token) => token !== undefined);
      return decodeTokens(tokens.filter((token) => !added.isSpecial(token))).join("");
    },
    token: (id) => {
      const all = bytes(id);
      return all === undefined || all.length === 0 ? (tokenOf(id) ?? `<${id}>`) : showBytes(all);
    },
    id: idOf,
    entry: tokenOf,
    size: Math.max(vocab.size, added.size),
    isSpecial,
    bytes,
    losses: (text) => lossesOf(text, (report) => idsOf(text, report)),
  };
}

/** A component, its path without the file's name. */
function named(root: Part, name: string): Part | undefined {
  const value = root.raw(name);
  return value === undefined ? undefined : partOf(value, name, root.translate);
}

/** Whether a component, or one in its sequence, is of a type. */
function hasType(part: Part | undefined, type: string): boolean {
  if (part === undefined) return false;
  const inside = ["normalizers", "pretokenizers", "decoders"].flatMap((name) => part.list(name));
  return part.type === type || inside.some((one) => hasType(one, type));
}

/** What stands before and after a token that is decoded: a character that no tokenizer treats specially. */
const NEIGHBOUR = "\u{f0000}";

/** The text that a token adds between two others. */
function inTheMiddle(token: string, decode: (tokens: readonly string[]) => string): string {
  const after = decode([NEIGHBOUR, NEIGHBOUR]).slice(NEIGHBOUR.length);
  const text = decode([NEIGHBOUR, token, NEIGHBOUR]);
  return text.slice(NEIGHBOUR.length, text.length - after.length);
}
