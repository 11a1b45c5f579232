import { type TokenName, tokenNotation } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import type { Target } from "@resolvent/transformer";

/** A prompt, what it is compared with, and what is asked of both. */
export interface PromptPair {
  readonly clean: readonly number[];
  /** Needed for the reference run: as many tokens as `clean`. */
  readonly corrupt?: readonly number[];
  /** Default: the likeliest next tokens of the clean and of the corrupt run; where they agree, the clean run's second. */
  readonly target?: Target;
}

/** Pairs of one analysis at most: each is patched by itself, and kept in the result. */
export const PAIRS_LIMIT = 4096;

/**
 * Throws `patching/no-pairs`, `patching/too-many-pairs`, `patching/no-corrupt`, `patching/pair-length`.
 *
 * @param text of a token, for messages; default its id
 */
export function checkPairs(
  pairs: readonly PromptPair[],
  needsCorrupt: boolean,
  text: (id: number) => string = String,
): void {
  if (pairs.length === 0) {
    throw new InputError({ code: "patching/no-pairs", message: "There are no prompts to patch." });
  }
  if (pairs.length > PAIRS_LIMIT) {
    throw new InputError({
      code: "patching/too-many-pairs",
      message: `At most ${PAIRS_LIMIT} pairs of prompts are patched together, got ${pairs.length}.`,
      remedy: "Take a part of them.",
      details: { limit: PAIRS_LIMIT, got: pairs.length },
    });
  }
  pairs.forEach(({ clean, corrupt }, pair) => {
    if (corrupt === undefined) {
      if (!needsCorrupt) return;
      throw new InputError({
        code: "patching/no-corrupt",
        message: `The reference run needs a corrupt prompt, and pair ${pair} has none.`,
        remedy: "Give one (--corrupt), or take the reference zero or mean (--reference).",
        details: { pair },
      });
    }
    if (corrupt.length !== clean.length) throw unequal(pair, clean, corrupt, text);
  });
}

/** Tokens of either prompt that a message shows at most. */
const TOKENS_SHOWN = 8;

function unequal(
  pair: number,
  clean: readonly number[],
  corrupt: readonly number[],
  text: (id: number) => string,
): InputError {
  // What stands between the tokens that both begin with and those that both end with.
  const shorter = Math.min(clean.length, corrupt.length);
  let start = 0;
  while (start < shorter && clean[start] === corrupt[start]) start++;
  let end = 0;
  while (end < shorter - start && clean.at(-1 - end) === corrupt.at(-1 - end)) end++;
  const words = (ids: readonly number[]): string => {
    const all = ids.slice(start, ids.length - end).map((id) => tokenNotation(text(id)));
    const more = all.length > TOKENS_SHOWN ? ", …" : "";
    return all.length === 0 ? "nothing" : `${all.slice(0, TOKENS_SHOWN).join(", ")}${more}`;
  };
  return new InputError({
    code: "patching/pair-length",
    message: `Clean and corrupt prompt are patched position by position, so they need as many tokens as each other: pair ${pair} has ${clean.length} and ${corrupt.length}. Where clean has ${words(clean)}, corrupt has ${words(corrupt)}.`,
    remedy: "Choose other words, or give token ids (--tokens and --corrupt-tokens).",
    details: { pair, clean: clean.length, corrupt: corrupt.length },
  });
}

/** A line of a file of pairs, before its texts are tokens. */
export interface PairLine {
  readonly clean: string | readonly number[];
  readonly corrupt?: string | readonly number[];
  /** One or two tokens. */
  readonly target?: readonly TokenName[];
}

/** Characters of a file of pairs at most, 64 MiB: far more than `PAIRS_LIMIT` prompts of usual contexts. */
const TEXT_LIMIT = 2 ** 26;

/**
 * The pairs of a JSONL text, `{"clean": …, "corrupt": …, "target": [a, b]}` a line; prompts are texts or lists of
 * token ids; a token of a target is a text, or its id as a number. Empty lines are passed over.
 *
 * @throws InputError `patching/bad-pairs`, which names the line; `patching/too-many-pairs`
 */
export function parsePairs(text: string): PairLine[] {
  if (text.length > TEXT_LIMIT) {
    throw badPairs(0, `the text has ${text.length} characters, the limit is ${TEXT_LIMIT}`);
  }
  const lines = text.split("\n").flatMap((line, i) => (line.trim() === "" ? [] : [{ line, i }]));
  if (lines.length > PAIRS_LIMIT) {
    throw new InputError({
      code: "patching/too-many-pairs",
      message: `At most ${PAIRS_LIMIT} pairs of prompts are patched together, got ${lines.length}.`,
      remedy: "Take a part of them.",
      details: { limit: PAIRS_LIMIT, got: lines.length },
    });
  }
  return lines.map(({ line, i }) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw badPairs(i + 1, "it is no JSON");
    }
    if (typeof value !== "object" || value === null) throw badPairs(i + 1, "it is no object");
    const { clean, corrupt, target, ...rest } = value as Readonly<Record<string, unknown>>; // an object
    const odd = Object.keys(rest)[0];
    if (odd !== undefined)
      throw badPairs(i + 1, `it has "${odd}", beside clean, corrupt and target`);
    if (!isPrompt(clean)) throw badPairs(i + 1, '"clean" is neither a text nor token ids');
    if (corrupt !== undefined && !isPrompt(corrupt)) {
      throw badPairs(i + 1, '"corrupt" is neither a text nor token ids');
    }
    const names = target === undefined || target === null ? undefined : [target].flat();
    if (names !== undefined && (names.length < 1 || names.length > 2)) {
      throw badPairs(i + 1, `"target" is one token or two, got ${names.length}`);
    }
    if (names !== undefined && !names.every(isTokenName)) {
      throw badPairs(i + 1, '"target" has something that is neither a text nor a token id');
    }
    return {
      clean,
      ...(corrupt !== undefined && { corrupt }),
      ...(names !== undefined && { target: names }),
    };
  });
}

function isTokenName(value: unknown): value is TokenName {
  return typeof value === "string" ? value !== "" : Number.isInteger(value) && Number(value) >= 0;
}

function isPrompt(value: unknown): value is string | number[] {
  if (typeof value === "string") return true;
  return Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0);
}

function badPairs(line: number, why: string): InputError {
  return new InputError({
    code: "patching/bad-pairs",
    message: `Pairs of prompts, line ${line}: ${why}.`,
    remedy: 'A line is like {"clean": "…", "corrupt": "…", "target": [" Mary", " John"]}.',
    details: { line },
  });
}
