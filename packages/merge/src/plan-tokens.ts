import type { ModelParts } from "./model-parts.ts";
import type { PlannedToken, PlannedTokenizer } from "./plan.ts";
import type { RecipeToken, RecipeTokenizer } from "./recipe.ts";
import { refuse } from "./refuse.ts";
import { tokenId, type Vocabulary } from "./vocabulary.ts";

/** Models by name, in the order in which vocabularies are joined, and the donor. */
interface Models {
  readonly parts: ReadonlyMap<string, ModelParts>;
  readonly donor: ModelParts;
}

/**
 * The vocabulary of the result: the donor's, a model's, or the donor's with the tokens that it lacks, ordinary ones
 * first, then added ones, by model and id; then the tokens that the configuration names.
 *
 * @throws InputError `merge/tokenizer-source`, `merge/tokenizer-missing`, `merge/tokenizer-tables`, `merge/token-missing`,
 * `merge/vocabulary`
 */
export function planTokenizer(recipe: RecipeTokenizer, models: Models): PlannedTokenizer {
  const { source, multiple, path } = recipe;
  const { parts, donor } = models;
  if (donor.layout.tie === undefined) {
    throw refuse(
      "tokenizer-tables",
      `${path}: models of the type ${donor.type} have no rows that are brought to another vocabulary.`,
      "Leave tokenizer and tokenizer_source out: rows are merged by their ids.",
      { path, type: donor.type },
    );
  }
  const named = source === "union" || source === "base" ? donor.name : source;
  const start = known(parts, named, path);
  const vocab = existing(start);
  let next = 0; // vocabularies are longer than a call's arguments may be
  for (const id of vocab.values()) next = Math.max(next, id + 1);
  const add = (token: string): void => {
    if (!vocab.has(token)) vocab.set(token, next++);
  };
  if (source === "union") {
    for (const kind of ["ordinary", "added"] as const) {
      for (const one of parts.values()) {
        const limit = vocabSize(one);
        const ids = [...vocabularyOf(one)[kind]].filter(([, id]) => id < limit);
        for (const [token] of ids.sort(([, a], [, b]) => a - b)) add(token);
      }
    }
  }
  for (const { token } of recipe.tokens) add(token);
  const rows = Math.ceil(next / multiple) * multiple;
  if (rows === 0) {
    throw refuse("vocabulary", `${path}: ${named} has no tokens.`, "Name another model.", {
      model: named,
    });
  }
  const tokens = recipe.tokens.map((one) => [one.token, planToken(one, parts)] as const);
  return { source, vocab: Object.fromEntries(vocab), rows, tokens: Object.fromEntries(tokens) };
}

function planToken(
  { source, path, token, force }: RecipeToken,
  parts: Models["parts"],
): PlannedToken {
  if (source === undefined) return { force };
  if (source.kind === "zero") return { source: { kind: "zero" }, force };
  const { model } = source;
  const from = known(parts, model, path);
  const wanted = source.kind === "model" ? token : source.token;
  if (typeof wanted !== "number") vocabularyOf(from);
  const row = typeof wanted === "number" ? wanted : rowOf(from, wanted);
  if (row === undefined || row >= vocabSize(from)) {
    throw refuse(
      "token-missing",
      `${path}: there is no token ${wanted} in ${model}.`,
      "Name a token that the model has, or a model that has the token.",
      { token: wanted, model },
    );
  }
  return { source: { kind: "row", model, row }, force };
}

function known(parts: Models["parts"], model: string, path: string): ModelParts {
  const found = parts.get(model);
  if (found !== undefined) return found;
  throw refuse(
    "tokenizer-source",
    `${path}: ${model} is no model of this merge.`,
    `Name one of ${[...parts.keys()].join(", ")}.`,
    { path, model },
  );
}

/** A model's tokens. Throws `merge/tokenizer-missing`. */
export function vocabularyOf({ name, model }: ModelParts): Vocabulary {
  if (model.vocabulary !== undefined) return model.vocabulary;
  throw refuse(
    "tokenizer-missing",
    `${name} has no tokenizer.json and no vocab.json, and vocabularies are to be brought together.`,
    "Write a tokenizer.json, or leave tokenizer and tokenizer_source out where all models have one vocabulary.",
    { model: name },
  );
}

/** Rows of a model that mean a token: ids from here on do not exist for it. */
function vocabSize({ layout }: ModelParts): number {
  return layout.architecture.vocab;
}

/** The row of a token in a model; undefined where it has none, as where it has no tokens. */
export function rowOf(parts: ModelParts, token: string): number | undefined {
  const { vocabulary } = parts.model;
  const id = vocabulary && tokenId(vocabulary, token);
  return id === undefined || id >= vocabSize(parts) ? undefined : id;
}

/** The tokens of a model that have a row. */
function existing(parts: ModelParts): Map<string, number> {
  const { ordinary, added } = vocabularyOf(parts);
  const limit = vocabSize(parts);
  return new Map([...ordinary, ...added].filter(([, id]) => id < limit));
}
