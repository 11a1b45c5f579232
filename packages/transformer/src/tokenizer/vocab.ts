import { badTokenizer, isCount, isObject, type Part, wrong } from "./part.ts";
import type { Report } from "./piece.ts";

/** Words to token ids, and the vocabulary. */
export interface Model {
  /** Adds the ids of a word, which is not empty, to `ids`. */
  encode(word: string, ids: number[], report?: Report): void;
  readonly vocab: Vocab;
}

/** The entries of a model, without added tokens. */
export interface Vocab {
  /** How many entries there are. */
  readonly count: number;
  id(token: string): number | undefined;
  token(id: number): string | undefined;
  /** One above the largest id. */
  readonly size: number;
}

/** The field `vocab` of a model: `{"token": id}`. */
export function vocabOf(part: Part): Vocab {
  const entries = part.raw("vocab");
  if (!isObject(entries)) throw wrong(`${part.path}.vocab`, "an object", entries);
  const ids = new Map<string, number>();
  const tokens: (string | undefined)[] = [];
  for (const token of Object.keys(entries)) {
    const id = entries[token];
    if (!isCount(id) || id > MAX_ID) {
      throw wrong(
        `${part.path}.vocab[${JSON.stringify(token)}]`,
        `a whole number to ${MAX_ID}`,
        id,
      );
    }
    ids.set(token, id);
    tokens[id] = token;
  }
  return vocabFrom(ids, tokens);
}

/** The largest id; the largest published vocabularies are below a tenth of it. */
const MAX_ID = 10_000_000;

export function vocabFrom(
  ids: ReadonlyMap<string, number>,
  tokens: readonly (string | undefined)[],
): Vocab {
  return {
    count: ids.size,
    id: (token) => ids.get(token),
    token: (id) => tokens[id],
    size: tokens.length,
  };
}

/** The id for what a model does not know; an error where it has none. */
export function unknownId(vocab: Vocab, token: string | undefined, text: string): number {
  const id = token === undefined ? undefined : vocab.id(token);
  if (id === undefined) {
    const why =
      token === undefined
        ? "it has no unknown token"
        : `its unknown token ${JSON.stringify(token)} is not in the vocabulary`;
    throw badTokenizer(`the tokenizer has no token for ${JSON.stringify(text)}, and ${why}`, {
      text,
    });
  }
  return id;
}
