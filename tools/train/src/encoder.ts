import { tokenizerOf } from "@resolvent/transformer";
import { endOfText, type TokenizerJson, tokenizerConfig, wordPattern } from "./bpe.ts";

/** Texts to token ids, fast for texts that repeat their words. */
export interface Encoder {
  /** The ids of a text; `<|endoftext|>` in it is not looked for. */
  encode(text: string): number[];
  decode(ids: readonly number[]): string;
  /** The id of a word that is one token, its leading space included; undefined where it is not. */
  single(word: string): number | undefined;
  /** The id of `<|endoftext|>`. */
  readonly endOfText: number;
  readonly vocabSize: number;
}

/**
 * An encoder over the tokenizer of a model. Merges never cross words, so each different word is
 * encoded once and remembered: for a small vocabulary of words this is many times faster.
 */
export function createEncoder(json: TokenizerJson): Encoder {
  const tokenizer = tokenizerOf(json, tokenizerConfig);
  const known = new Map<string, readonly number[]>();
  const idsOf = (word: string): readonly number[] => {
    const seen = known.get(word);
    if (seen !== undefined) return seen;
    const ids = tokenizer.encode(word);
    known.set(word, ids);
    return ids;
  };
  return {
    encode(text) {
      const ids: number[] = [];
      for (const word of text.match(wordPattern) ?? []) {
        for (const id of idsOf(word)) ids.push(id);
      }
      return ids;
    },
    decode: tokenizer.decode,
    single(word) {
      const ids = idsOf(word);
      return ids.length === 1 ? ids[0] : undefined;
    },
    endOfText: json.model.vocab[endOfText] ?? 0, // trainBpe always puts it in
    vocabSize: Object.keys(json.model.vocab).length,
  };
}
