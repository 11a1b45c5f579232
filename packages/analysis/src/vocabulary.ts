import { InputError } from "@resolvent/tensor";
import type { Tokenizer } from "@resolvent/transformer";
import type { Vocabulary } from "./subject.ts";
import { tokenNotation } from "./token-notation.ts";

/**
 * How a model's text becomes tokens and back; `model` is its name, `size` how many tokens it knows. Each text that is
 * encoded goes to `read` too; `fault` is why there is no tokenizer, where there should be one.
 *
 * What it gives throws InputError `analysis/no-tokenizer`, `analysis/no-token` (with those near it), or the fault.
 */
export function vocabularyOf(
  tokenizer: Tokenizer | undefined,
  model: string,
  size: number,
  { read, fault }: { read?: (text: string) => void; fault?: InputError | undefined } = {},
): Vocabulary {
  const text = (id: number): string => {
    if (tokenizer?.entry(id) === undefined) return `id:${id}`;
    const own = tokenizer.token(id);
    return /^id:\d+$/.test(own) ? own.replace(":", "\\x3a") : own; // a text that reads like an id
  };
  let index: TokenIndex | undefined;
  return {
    text,
    entry: (id) => tokenizer?.entry(id) ?? text(id),
    decode: (ids) => tokenizer?.decode(ids) ?? "",
    encode: (prompt) => {
      if (typeof prompt !== "string") return prompt;
      if (fault !== undefined) throw fault;
      if (tokenizer === undefined)
        throw noTokenizer(model, "Give ids of tokens in its place (--tokens 1,2,3).");
      const ids = tokenizer.encode(prompt);
      read?.(prompt);
      return ids;
    },
    tokenId: (name) => {
      if (typeof name === "number") {
        if (Number.isInteger(name) && name >= 0 && name < size) return name;
        throw noSuchToken(`${model} has tokens id:0 to id:${size - 1}, got id:${name}.`);
      }
      if (tokenizer === undefined) throw fault ?? noTokenizer(model, "Name tokens by id: id:346.");
      index ??= tokenIndex(tokenizer, text, size);
      const [id, ...more] = index.named(name);
      if (id === undefined) throw noToken(name, tokenizer, index, model);
      if (more.length === 0) return id;
      throw noSuchToken(
        `${tokenNotation(name)} may be ${more.length + 1} tokens: ${index.list([id, ...more])}.`,
        "Name one of them by its id.",
      );
    },
  };
}

interface TokenIndex {
  /** The tokens that read so, or have that entry in the vocabulary. */
  named(name: string): readonly number[];
  /** Tokens in words: `id:346 (" Mary")`. */
  list(ids: readonly number[]): string;
}

/** Tokens that a message lists at most. */
const LISTED = 6;

function tokenIndex(tokenizer: Tokenizer, text: (id: number) => string, size: number): TokenIndex {
  const byText = new Map<string, number[]>();
  for (let id = 0; id < size; id++) {
    const own = text(id);
    const others = byText.get(own);
    if (others === undefined) byText.set(own, [id]);
    else others.push(id);
  }
  const shown = (id: number): string => {
    const entry = tokenizer.entry(id) ?? text(id);
    const written = entry === text(id) ? "" : `, ${entry} in the vocabulary`;
    return `id:${id} (${tokenNotation(text(id))}${written})`;
  };
  return {
    named: (name) => {
      const entry = tokenizer.id(name);
      const ids = new Set(byText.get(name));
      if (entry !== undefined && entry < size) ids.add(entry);
      return [...ids].sort((a, b) => a - b);
    },
    list: (ids) =>
      ids.slice(0, LISTED).map(shown).join(", ") +
      (ids.length > LISTED ? ` and ${ids.length - LISTED} more` : ""),
  };
}

/** Says what a text that is no token is, and which tokens read nearly so. */
function noToken(name: string, tokenizer: Tokenizer, index: TokenIndex, model: string): InputError {
  const bare = name.trim();
  const capital = bare.charAt(0).toUpperCase() + bare.slice(1);
  const alike = [
    bare,
    ` ${bare}`,
    bare.toLowerCase(),
    ` ${bare.toLowerCase()}`,
    capital,
    ` ${capital}`,
  ];
  const near = [...new Set(alike)].flatMap((other) => index.named(other));
  const number = /^\d{1,9}$/.test(name) ? ` If the id is meant: id:${name}.` : "";
  const pieces = tokenizer.encode(name, { special: false });
  const read =
    pieces.length === 0
      ? ""
      : pieces.length === 1
        ? `: it is read as ${index.list(pieces)}`
        : `: as a text it is ${pieces.length} tokens, ${index.list(pieces)}`;
  return noSuchToken(
    `${model} has no token ${tokenNotation(name)}${read}.`,
    `${near.length > 0 ? `Near it: ${index.list([...new Set(near)])}.` : "Spaces and capitals count."}${number}`,
  );
}

function noTokenizer(model: string, remedy: string): InputError {
  return new InputError({
    code: "analysis/no-tokenizer",
    message: `${model} has no tokenizer.json, so it cannot read text.`,
    remedy,
  });
}

function noSuchToken(message: string, remedy?: string): InputError {
  const code = "analysis/no-token";
  return new InputError({ code, message, ...(remedy !== undefined && { remedy }) });
}
