import { parseTokenIds, type TextFile } from "@resolvent/analysis";
import { drawing, InputError } from "@resolvent/tensor";

/** A line of token ids longer than this is no such file: some million tokens. */
const LONGEST_LINE = 2 ** 24;

/** A piece of a text has about this many characters for each token of a sequence: mostly enough for one. */
const CHARACTERS_PER_TOKEN = 4;

/** Sequences of a corpus, in an order drawn by the seed. */
export interface Sample {
  readonly sequences: readonly (readonly number[])[];
  /** Tokens of all of them. */
  readonly tokens: number;
  /** Sequences in the corpus, drawn or not. */
  readonly found: number;
  /** Drawn sequences that were longer than `length`, and were cut. */
  readonly cut: number;
  /** Sequences of a single token, which have no next one, and were left out. */
  readonly short: number;
}

export interface SampleOptions {
  /** Tokens of a sequence at most. */
  readonly length: number;
  /** Tokens of all sequences at most. */
  readonly maxTokens: number;
  readonly seed: number;
  /** Called after each sequence of the corpus that was looked at; awaited. */
  readonly onSequence?: (found: number) => void | Promise<void>;
}

/**
 * A sample of a corpus that passes by once: each sequence draws a number, and those with the least numbers stay, up
 * to `maxTokens` (a bottom-k sample; Cohen & Kaplan 2007). What is held is what stays. All of a corpus that is
 * short enough stays. The same corpus and seed give the same sequences in the same order, which is that of the
 * numbers: a random one.
 *
 * @param corpus sequences that are made only where they may stay
 * @throws InputError `linearity/no-tokens` where nothing stays
 */
export async function sampleSequences(
  corpus: AsyncIterable<() => readonly number[]>,
  { length, maxTokens, seed, onSequence }: SampleOptions,
): Promise<Sample> {
  const kept: { readonly key: number; readonly ids: readonly number[]; readonly cut: boolean }[] =
    [];
  const next = drawing(seed);
  let [tokens, found, short, bound] = [0, 0, 0, Number.POSITIVE_INFINITY];
  for await (const make of corpus) {
    found++;
    const key = next();
    if (key < bound) {
      const whole = make();
      if (whole.length < 2) short++;
      else {
        const ids = whole.slice(0, length);
        kept.splice(placeOf(kept, key), 0, { key, ids, cut: whole.length > length });
        tokens += ids.length;
        while (tokens > maxTokens) {
          const last = kept.pop();
          if (last === undefined) break;
          tokens -= last.ids.length;
          bound = last.key; // nothing behind it may come back
        }
      }
    }
    await onSequence?.(found);
  }
  if (kept.length === 0) {
    throw new InputError({
      code: "linearity/no-tokens",
      message: `The corpus has no sequence of 2 to ${maxTokens} tokens.`,
      remedy: "Give a longer text, or allow more tokens.",
      details: { found, short, maxTokens },
    });
  }
  return {
    sequences: kept.map(({ ids }) => ids),
    tokens,
    found,
    cut: kept.filter(({ cut }) => cut).length,
    short,
  };
}

/** Where a key belongs among sorted ones, after its equals. */
function placeOf(kept: readonly { readonly key: number }[], key: number): number {
  let [from, to] = [0, kept.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((kept[middle]?.key ?? 0) <= key) from = middle + 1;
    else to = middle;
  }
  return from;
}

/**
 * The pieces of a text, each about as long as a sequence: whole lines, put together until there are
 * 4 characters for each token; longer lines are cut.
 *
 * @param length tokens of a sequence
 * @throws InputError `linearity/not-text` for what is not UTF-8
 */
export async function* textPieces(file: TextFile, length: number): AsyncGenerator<string> {
  const least = CHARACTERS_PER_TOKEN * length;
  let piece = "";
  for await (const { text, ends } of linesOf(file, 2 * least)) {
    piece += ends ? `${text}\n` : text;
    if (piece.length < least) continue;
    if (piece.trim() !== "") yield piece.trim();
    piece = "";
  }
  if (piece.trim() !== "") yield piece.trim();
}

/**
 * The token ids of each line, separated by commas or spaces, in brackets or not; empty lines are passed over.
 *
 * @throws InputError `linearity/bad-tokens` with the line's number; `linearity/not-text`
 */
export async function* tokenLines(file: TextFile): AsyncGenerator<readonly number[]> {
  let line = 0;
  for await (const { text, ends } of linesOf(file, LONGEST_LINE)) {
    line++;
    if (!ends && text.length >= LONGEST_LINE)
      throw badTokens(file, line, "a line of over 2²⁴ bytes");
    const ids = parseTokenIds(text.replace(/^\s*\[|\]\s*,?\s*$/g, ""), (odd) =>
      badTokens(file, line, JSON.stringify(odd.slice(0, 40))),
    );
    if (ids.length > 0) yield ids;
  }
}

function badTokens(file: TextFile, line: number, got: string): InputError {
  return new InputError({
    code: "linearity/bad-tokens",
    message: `${file.name}, line ${line}: expected token ids, got ${got}.`,
    remedy: "Give one list of whole numbers a line: 1,403,407.",
    details: { file: file.name, line, got },
  });
}

/** Lines as they come by; of one that is longer than `longest`, parts of that length. */
async function* linesOf(
  file: TextFile,
  longest: number,
): AsyncGenerator<{ readonly text: string; readonly ends: boolean }> {
  let rest = "";
  const lines = function* (
    all: string,
  ): Generator<{ readonly text: string; readonly ends: boolean }> {
    rest = all;
    for (;;) {
      const end = rest.indexOf("\n");
      if (end >= 0 && end <= longest) {
        yield { text: rest.slice(0, end).replace(/\r$/, ""), ends: true };
        rest = rest.slice(end + 1);
      } else if (rest.length > longest) {
        // Not between the halves of one character.
        const at = longest - (/[\ud800-\udbff]/.test(rest.charAt(longest - 1)) ? 1 : 0);
        yield { text: rest.slice(0, at), ends: false };
        rest = rest.slice(at);
      } else return;
    }
  };
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decoded = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (cause) {
      throw new InputError({
        code: "linearity/not-text",
        message: `${file.name} is not UTF-8 text.`,
        remedy: "Is it the right file?",
        details: { file: file.name },
        cause,
      });
    }
  };
  for await (const bytes of file.stream()) yield* lines(rest + decoded(bytes));
  yield* lines(rest + decoded());
  if (rest !== "") yield { text: rest.replace(/\r$/, ""), ends: true };
}

/** Sequences of one length that stand next to each other, together up to `tokens` tokens: what is run at once. */
export function* batchesOf(
  sequences: readonly (readonly number[])[],
  tokens: number,
): Generator<{ readonly first: number; readonly rows: readonly (readonly number[])[] }> {
  let rows: (readonly number[])[] = [];
  let first = 0;
  for (const [index, row] of sequences.entries()) {
    const full = (rows.length + 1) * row.length > tokens;
    if (rows.length > 0 && (full || rows[0]?.length !== row.length)) {
      yield { first, rows };
      rows = [];
      first = index;
    }
    rows.push(row);
  }
  if (rows.length > 0) yield { first, rows };
}
