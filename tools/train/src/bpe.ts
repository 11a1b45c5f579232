import { InputError } from "@resolvent/tensor";

/** The mark between documents, GPT-2's. */
export const endOfText = "<|endoftext|>";

/**
 * GPT-2's split of a text into words with their leading space, before any merge
 * (Radford et al. 2019, `encoder.py`).
 */
export const wordPattern: RegExp =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/**
 * GPT-2's letter for each of the 256 bytes: printable Latin-1 stands for itself, the others are
 * moved to U+0100 and up, so that a space is `Ġ`.
 */
export const byteLetters: readonly string[] = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let moved = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(printable(byte) ? byte : 256 + moved++),
  );
})();

/** What `trainBpe` returns: the parts of Hugging Face's `tokenizer.json` that are in use. */
export interface TokenizerJson {
  readonly version: "1.0";
  readonly truncation: null;
  readonly padding: null;
  readonly added_tokens: readonly {
    readonly id: number;
    readonly content: string;
    readonly single_word: false;
    readonly lstrip: false;
    readonly rstrip: false;
    readonly normalized: false;
    readonly special: true;
  }[];
  readonly normalizer: null;
  readonly pre_tokenizer: ByteLevel;
  readonly post_processor: ByteLevel;
  readonly decoder: ByteLevel;
  readonly model: {
    readonly type: "BPE";
    readonly dropout: null;
    readonly unk_token: null;
    readonly continuing_subword_prefix: "";
    readonly end_of_word_suffix: "";
    readonly fuse_unk: false;
    readonly byte_fallback: false;
    readonly vocab: Readonly<Record<string, number>>;
    /** In the order in which they apply, each `left right`. */
    readonly merges: readonly string[];
  };
}

interface ByteLevel {
  readonly type: "ByteLevel";
  readonly add_prefix_space: false;
  readonly trim_offsets: true;
  readonly use_regex: true;
}

/** The `tokenizer_config.json` that goes with every tokenizer of `trainBpe`. */
export const tokenizerConfig: Readonly<Record<string, unknown>> = {
  tokenizer_class: "GPT2Tokenizer",
  add_prefix_space: false,
  add_bos_token: false,
  bos_token: endOfText,
  eos_token: endOfText,
  unk_token: endOfText,
  clean_up_tokenization_spaces: false,
};

export interface BpeOptions {
  /** Most tokens, the 256 bytes and the end mark included; default 1,024. */
  readonly vocabSize?: number;
  /** A pair seen less often is not merged; default 2. */
  readonly leastCount?: number;
}

interface Word {
  pieces: number[];
  readonly count: number;
}

/**
 * A byte-level BPE tokenizer learned from texts (Sennrich et al. 2016, on bytes as in GPT-2):
 * the most frequent pair of neighbours within a word is merged, until the vocabulary is full. Of pairs
 * that are equally frequent the one with the smaller ids comes first, so the result depends on the
 * texts only, not on their order. Ids: the bytes in GPT-2's order of letters, merges, then `<|endoftext|>`.
 *
 * Words are counted first and each different word is worked on once, which suits texts of a few
 * thousand different words; cost is merges × letters of those.
 *
 * @throws InputError `train/vocab-size` where there is no room for the bytes and the mark.
 */
export function trainBpe(
  texts: Iterable<string>,
  { vocabSize = 1024, leastCount = 2 }: BpeOptions = {},
): TokenizerJson {
  if (!Number.isInteger(vocabSize) || vocabSize < 257) {
    throw new InputError({
      code: "train/vocab-size",
      message: `A byte-level vocabulary needs at least 257 tokens, got ${vocabSize}.`,
      remedy: "Ask for 257 or more: 256 bytes and the end mark.",
      details: { vocabSize },
    });
  }
  const tokens = [...byteLetters].sort(); // code-point order is GPT-2's order of ids
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const byteIds = byteLetters.map((letter) => idOf.get(letter) ?? 0); // every letter has an id
  const words = countWords(texts, byteIds);
  const merges: string[] = [];

  while (tokens.length < vocabSize - 1) {
    const pair = mostFrequentPair(words, leastCount);
    if (pair === undefined) break;
    const [left, right] = pair;
    const merged = `${tokens[left]}${tokens[right]}`;
    merges.push(`${tokens[left]} ${tokens[right]}`);
    for (const word of words) merge(word, left, right, tokens.length);
    tokens.push(merged);
  }

  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  vocab[endOfText] = tokens.length;
  return tokenizerJson(vocab, merges);
}

const countWords = (texts: Iterable<string>, byteIds: readonly number[]): Word[] => {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of text.match(wordPattern) ?? []) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  const encoder = new TextEncoder();
  return Array.from(counts, ([word, count]) => ({
    pieces: Array.from(encoder.encode(word), (byte) => byteIds[byte] ?? 0), // a byte is below 256
    count,
  }));
};

/** Ids stay far below this, so a pair is one number, ordered as (left, right). */
const pairBase = 2 ** 24;

const mostFrequentPair = (
  words: readonly Word[],
  leastCount: number,
): [left: number, right: number] | undefined => {
  const counts = new Map<number, number>();
  for (const { pieces, count } of words) {
    let left = pieces[0];
    for (let i = 1; i < pieces.length; i++) {
      const right = pieces[i] as number; // i is below the length
      const pair = (left as number) * pairBase + right; // there is a piece before i
      counts.set(pair, (counts.get(pair) ?? 0) + count);
      left = right;
    }
  }
  let best: number | undefined;
  let bestCount = leastCount - 1;
  for (const [pair, count] of counts) {
    if (count > bestCount || (count === bestCount && best !== undefined && pair < best)) {
      best = pair;
      bestCount = count;
    }
  }
  return best === undefined ? undefined : [Math.floor(best / pairBase), best % pairBase];
};

const merge = (word: Word, left: number, right: number, into: number): void => {
  const { pieces } = word;
  if (!pieces.includes(left)) return;
  const merged: number[] = [];
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i] as number; // i is below the length
    if (piece === left && pieces[i + 1] === right) {
      merged.push(into);
      i++;
    } else merged.push(piece);
  }
  word.pieces = merged;
};

const tokenizerJson = (
  vocab: Readonly<Record<string, number>>,
  merges: readonly string[],
): TokenizerJson => {
  const byteLevel: ByteLevel = {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: true,
  };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [
      {
        id: vocab[endOfText] ?? 0, // always in the vocabulary
        content: endOfText,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges,
    },
  };
};
