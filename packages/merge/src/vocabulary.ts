import { readJson } from "@resolvent/transformer";
import type { Folder, ReadOptions } from "@resolvent/weights";
import { refuse } from "./refuse.ts";

/** The tokens of a model with their ids. */
export interface Vocabulary {
  /** Those of the tokenizer's own model. */
  readonly ordinary: ReadonlyMap<string, number>;
  /** Those added to it: special ones, and others. */
  readonly added: ReadonlyMap<string, number>;
}

/** Largest id; the largest published vocabularies are below a tenth of it. */
const MAX_ID = 10_000_000;

/**
 * The vocabulary of a folder: of tokenizer.json, else of vocab.json with added_tokens.json; undefined where there is
 * neither.
 *
 * @throws InputError `merge/bad-vocabulary`
 */
export async function readVocabulary(
  folder: Folder,
  options?: ReadOptions,
): Promise<Vocabulary | undefined> {
  const whole = await readJson(folder, "tokenizer.json", options);
  if (whole !== undefined) {
    const model = Object(whole.model) as Readonly<Record<string, unknown>>; // fields are looked at one by one
    const listed = Array.isArray(whole.added_tokens) ? whole.added_tokens : [];
    const added = new Map<string, number>();
    for (const token of listed) {
      const { content, id } = Object(token) as Readonly<Record<string, unknown>>; // the same
      put(added, content, id, folder.name);
    }
    return { ordinary: entries(model.vocab, folder.name, added), added };
  }
  const vocab = await readJson(folder, "vocab.json", options);
  if (vocab === undefined) return undefined;
  const more = (await readJson(folder, "added_tokens.json", options)) ?? {};
  const added = entries(more, folder.name);
  return { ordinary: entries(vocab, folder.name, added), added };
}

/** The id of a token, ordinary or added. */
export function tokenId({ ordinary, added }: Vocabulary, token: string): number | undefined {
  return added.get(token) ?? ordinary.get(token);
}

/** Tokens as an object has them, or as Unigram's list of `[token, score]`. Added tokens stand in both. */
function entries(
  value: unknown,
  folder: string,
  apart: ReadonlyMap<string, number> = new Map(),
): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  const pairs: readonly (readonly [unknown, unknown])[] = Array.isArray(value)
    ? value.map((pair: unknown, id) => [Array.isArray(pair) ? pair[0] : undefined, id])
    : Object.entries(Object(value));
  for (const [token, id] of pairs) if (!apart.has(String(token))) put(ids, token, id, folder);
  return ids;
}

function put(ids: Map<string, number>, token: unknown, id: unknown, folder: string): void {
  const known = typeof id === "number" && Number.isSafeInteger(id) && id >= 0 && id <= MAX_ID;
  if (typeof token === "string" && known) {
    ids.set(token, id);
    return;
  }
  throw refuse(
    "bad-vocabulary",
    `${folder}: the vocabulary gives ${JSON.stringify(token)} the id ${JSON.stringify(id)}.`,
    `Ids are whole numbers to ${MAX_ID}: the tokenizer is damaged.`,
    { folder, token, id },
  );
}
