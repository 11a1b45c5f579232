import {
  isPrompt,
  type TokenName,
  targetNames,
  textRows,
  tokenNotation,
} from "@resolvent/analysis";
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

/**
 * The pairs of a text: JSON lines, `{"clean": …, "corrupt": …, "target": [a, b]}`; CSV with these columns; or plain
 * text with a tab between clean and corrupt, and another before a target. In JSON prompts are texts or lists of token
 * ids, and a token of a target is a text, or its id as a number. Empty lines are passed over.
 *
 * @throws InputError `patching/bad-pairs`, which names the line; `patching/too-many-pairs`
 */
export function parsePairs(text: string): PairLine[] {
  const rows = textRows(text, { columns: ["clean", "corrupt", "target"], refuse: badPairs });
  if (rows.length > PAIRS_LIMIT) {
    throw new InputError({
      code: "patching/too-many-pairs",
      message: `At most ${PAIRS_LIMIT} pairs of prompts are patched together, got ${rows.length}.`,
      remedy: "Take a part of them.",
      details: { limit: PAIRS_LIMIT, got: rows.length },
    });
  }
  return rows.map(({ line, fields, json }) => {
    const { clean, corrupt, target, ...rest } = fields;
    const odd = Object.keys(rest)[0];
    if (odd !== undefined)
      throw badPairs(line, `it has "${odd}", beside clean, corrupt and target`);
    if (!isPrompt(clean)) throw badPairs(line, '"clean" is neither a text nor token ids');
    if (!json && corrupt === undefined)
      throw badPairs(line, "it is no JSON, and has no tab or column before a corrupt prompt");
    if (corrupt !== undefined && !isPrompt(corrupt)) {
      throw badPairs(line, '"corrupt" is neither a text nor token ids');
    }
    const names = targetNames(target, { json, refuse: (why) => badPairs(line, why) });
    return {
      clean,
      ...(corrupt !== undefined && { corrupt }),
      ...(names !== undefined && { target: names }),
    };
  });
}

function badPairs(line: number, why: string): InputError {
  return new InputError({
    code: "patching/bad-pairs",
    message: `Pairs of prompts, line ${line}: ${why}.`,
    remedy:
      'A line is like {"clean": "…", "corrupt": "…", "target": [" Mary", " John"]}; or the file is CSV with the header clean,corrupt,target, or has a tab between clean and corrupt.',
    details: { line },
  });
}
