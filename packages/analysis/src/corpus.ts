import { InputError } from "@resolvent/tensor";
import type { Architecture } from "@resolvent/transformer";
import type { TextFile } from "./file.ts";
import type { Vocabulary } from "./subject.ts";
import { beginsLists, tokenLists } from "./token-lists.ts";
import { parseTokenIds } from "./token-notation.ts";

/** A line of token ids longer than this is no such file: some million tokens. */
const LONGEST_LINE = 2 ** 24;

/** A piece of a text has about this many characters for each token of a sequence: mostly enough for one. */
const CHARACTERS_PER_TOKEN = 4;

/** Tokens of a sequence of a text where nothing else is said, as many as the model takes at most. */
const LENGTH = 128;

/** A corpus as an analysis is given one: a text or token ids. */
export interface CorpusFiles {
  /** UTF-8 text. */
  readonly corpus?: TextFile | undefined;
  /** Token ids, one list a line, or one JSON list of lists. */
  readonly tokensFile?: TextFile | undefined;
  /** Tokens of a sequence at most; default 128 of a text, all of a line of ids, if the context allows. */
  readonly length?: number | undefined;
}

/** Sequences of token ids that pass by, each time from the start. */
export interface Corpus {
  /** That of its file. */
  readonly name: string;
  /** Tokens of a sequence at most; those of a file of token ids may have more, and are cut by who runs them. */
  readonly length: number;
  /** Sequences, each made only where it is wanted. */
  readonly sequences: () => AsyncGenerator<() => readonly number[]>;
}

/**
 * The sequences of a corpus: of a text its lines, put together and cut to `length` tokens; of token ids the lines.
 *
 * @throws InputError `analysis/corpus` where it is none or two, `analysis/too-long`, and, from the sequences,
 * `analysis/bad-tokens`, `analysis/not-text`
 */
export function corpusOf(
  { corpus, tokensFile, length }: CorpusFiles,
  { context, vocab }: Pick<Architecture, "context" | "vocab">,
  vocabulary: Vocabulary,
): Corpus {
  if ((corpus === undefined) === (tokensFile === undefined)) {
    throw new InputError({
      code: "analysis/corpus",
      message: `A corpus is one file, got ${corpus === undefined ? "none" : "two"}.`,
      remedy: "Give --corpus FILE or --tokens-file FILE.",
    });
  }
  if (length !== undefined && length > context) {
    throw new InputError({
      code: "analysis/too-long",
      message: `The model takes at most ${context} tokens, got a length of ${length}.`,
      remedy: "Shorten the sequences.",
      details: { context, got: length },
    });
  }
  if (tokensFile !== undefined) {
    return {
      name: tokensFile.name,
      length: length ?? context,
      sequences: async function* () {
        for await (const ids of tokenLines(tokensFile, { vocab })) yield () => ids;
      },
    };
  }
  const text = corpus as TextFile; // one of the two is there
  const own = length ?? Math.min(LENGTH, context);
  vocabulary.encode(""); // says at once where there is no tokenizer
  return {
    name: text.name,
    length: own,
    sequences: async function* () {
      for await (const piece of textPieces(text, own)) {
        // A piece is about as long as a sequence: what it has more is left, without a word.
        yield () => vocabulary.encode(piece).slice(0, own);
      }
    },
  };
}

/**
 * The pieces of a text, each about as long as a sequence: whole lines, put together until there are
 * 4 characters for each token; longer lines are cut.
 *
 * @param length tokens of a sequence
 * @throws InputError `analysis/not-text` for what is not UTF-8
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
 * The token ids of each line, separated by commas or spaces, in brackets or not; empty lines are passed over. A file that
 * begins as a JSON list of lists is read as that, however it is broken into lines.
 *
 * @throws InputError `analysis/bad-tokens` with the number of the line or list, also for an id that the model does not have,
 * where `vocab` says how many it has; `analysis/not-text`
 */
export async function* tokenLines(
  file: TextFile,
  { vocab = Number.POSITIVE_INFINITY }: { readonly vocab?: number } = {},
): AsyncGenerator<readonly number[]> {
  const known = (ids: readonly number[], place: string): readonly number[] => {
    const bad = ids.find((id) => id >= vocab);
    if (bad === undefined) return ids;
    throw new InputError({
      code: "analysis/bad-tokens",
      message: `${file.name}, ${place}: token ids of this model are 0 to ${vocab - 1}, got ${bad}.`,
      remedy: "Give ids of this model's own tokenizer.",
      details: { file: file.name, place, vocab, got: bad },
    });
  };
  let [line, begun] = [0, false];
  const lines = linesOf(file, LONGEST_LINE);
  for await (const { text, ends } of lines) {
    line++;
    if (!begun && beginsLists(text)) {
      const lists = await tokenLists(file, rest(text, lines));
      for (const [i, ids] of lists.entries()) {
        if (known(ids, `list ${i + 1}`).length > 0) yield ids;
      }
      return;
    }
    begun ||= text.trim() !== "";
    if (!ends && text.length >= LONGEST_LINE)
      throw badTokens(file, line, "a line of over 2²⁴ bytes");
    const ids = parseTokenIds(text.replace(/^\s*\[|\]\s*,?\s*$/g, ""), (odd) =>
      badTokens(file, line, JSON.stringify(odd.slice(0, 40))),
    );
    if (known(ids, `line ${line}`).length > 0) yield ids;
  }
}

/** A text that has begun, to its end. */
async function* rest(
  begun: string,
  lines: AsyncIterable<{ readonly text: string; readonly ends: boolean }>,
): AsyncGenerator<string> {
  yield begun;
  for await (const { text, ends } of lines) yield ends ? `${text}\n` : text;
}

function badTokens(file: TextFile, line: number, got: string): InputError {
  return new InputError({
    code: "analysis/bad-tokens",
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
        code: "analysis/not-text",
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
