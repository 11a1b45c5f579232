import { readJson } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import type { PlannedTokenizer } from "./plan.ts";
import { refuse } from "./refuse.ts";

type Fields = Readonly<Record<string, unknown>>;

/** An entry of `added_tokens`, as its tokenizer has it. */
interface AddedToken extends Fields {
  readonly id: number;
  readonly content: string;
}

/** What an added token is where no tokenizer has it as one. */
const PLAIN = {
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: false,
};

/**
 * The files of a tokenizer that has the result's vocabulary: those of `source`, with what it lacks as added tokens, as the
 * model that has it has it, and without ids that have no row.
 *
 * @throws InputError `merge/tokenizer-missing`
 */
export async function builtTokenizer(
  { vocab }: PlannedTokenizer,
  source: Folder,
  others: readonly Folder[],
): Promise<readonly (readonly [file: string, value: unknown])[]> {
  const whole = await readJson(source, "tokenizer.json");
  if (whole === undefined) return await separateFiles(vocab, source);
  const model = Object(whole.model) as Fields; // its fields are looked at one by one
  const ordinary = ordinaryIds(model.vocab);
  const known = new Map<string, AddedToken>();
  for (const folder of [source, ...others]) {
    for (const token of addedTokens(await readJson(folder, "tokenizer.json"))) {
      if (!known.has(token.content)) known.set(token.content, token);
    }
  }
  const own = new Set(addedTokens(whole).map(({ content }) => content));
  const added = Object.entries(vocab)
    .filter(([token, id]) => own.has(token) || ordinary.get(token) !== id)
    .sort(([, a], [, b]) => a - b)
    .map(([content, id]) => ({ ...PLAIN, ...known.get(content), id, content }));
  const kept = {
    ...whole,
    model: withoutLost(model, ordinary, { vocab, own }),
    added_tokens: added,
  };
  const files: [string, unknown][] = [["tokenizer.json", kept]];
  const config = await readJson(source, "tokenizer_config.json");
  if (config?.added_tokens_decoder !== undefined) {
    const decoder = added.map(({ id, ...token }) => [String(id), token] as const);
    files.push([
      "tokenizer_config.json",
      { ...config, added_tokens_decoder: Object.fromEntries(decoder) },
    ]);
  }
  if ((await source.open("added_tokens.json")) !== undefined) {
    files.push([
      "added_tokens.json",
      Object.fromEntries(added.map(({ content, id }) => [content, id])),
    ]);
  }
  return files;
}

/** A tokenizer's model without tokens that have no row, or another one, and without merges that make one of them. */
function withoutLost(
  model: Fields,
  ordinary: ReadonlyMap<string, unknown>,
  { vocab, own }: Pick<PlannedTokenizer, "vocab"> & { readonly own: ReadonlySet<string> },
): Fields {
  const idOf = (token: string): unknown => (Object.hasOwn(vocab, token) ? vocab[token] : undefined);
  const gone = [...ordinary].filter(([token, id]) => !own.has(token) && idOf(token) !== id);
  const lost = new Set(gone.map(([token]) => token));
  if (lost.size === 0) return model;
  const merges = Array.isArray(model.merges) ? model.merges : [];
  const kept = merges.filter((merge: unknown) => {
    const parts =
      typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge.map(String) : [];
    return ![...parts, parts.join("")].some((token) => lost.has(token));
  });
  const entries = Array.isArray(model.vocab)
    ? model.vocab.filter((pair: unknown) => !lost.has(String(Array.isArray(pair) ? pair[0] : pair)))
    : Object.fromEntries(Object.entries(Object(model.vocab)).filter(([token]) => !lost.has(token)));
  return { ...model, vocab: entries, ...(model.merges !== undefined && { merges: kept }) };
}

async function separateFiles(
  vocab: Readonly<Record<string, number>>,
  source: Folder,
): Promise<readonly (readonly [string, unknown])[]> {
  const ordinary = await readJson(source, "vocab.json");
  if (ordinary === undefined) {
    throw refuse(
      "tokenizer-missing",
      `${source.name} has no tokenizer.json and no vocab.json.`,
      "Write a tokenizer.json.",
      { folder: source.name },
    );
  }
  const added = Object.entries(vocab).filter(([token]) => !Object.hasOwn(ordinary, token));
  return added.length === 0 ? [] : [["added_tokens.json", Object.fromEntries(added)]];
}

/** The ids of a tokenizer's own tokens, as an object has them, or as a list of `[token, score]`. */
function ordinaryIds(vocab: unknown): ReadonlyMap<string, unknown> {
  if (!Array.isArray(vocab)) return new Map(Object.entries(Object(vocab)));
  return new Map(
    vocab.map((pair: unknown, id) => [String(Array.isArray(pair) ? pair[0] : pair), id]),
  );
}

function addedTokens(tokenizer: Fields | undefined): readonly AddedToken[] {
  const listed: unknown = tokenizer?.added_tokens;
  return Array.isArray(listed) ? listed.filter(isAdded) : [];
}

function isAdded(value: unknown): value is AddedToken {
  const { id, content } = Object(value) as Fields; // its fields are looked at one by one
  return typeof id === "number" && typeof content === "string";
}
