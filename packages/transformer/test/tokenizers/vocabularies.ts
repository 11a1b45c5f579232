import { BYTE_CHARS } from "../../src/tokenizer/bytes.ts";
import type { Random } from "./random.ts";

/** A model of tokenizer.json. */
export type Json = Readonly<Record<string, unknown>>;

export interface Bpe {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly [string, string])[];
}

/** Merges of pairs that are frequent in some words, over an alphabet. */
export function learnBpe(
  words: readonly string[],
  start: readonly string[],
  {
    merges: wanted,
    prefix = "",
    suffix = "",
  }: { merges: number; prefix?: string; suffix?: string },
): Bpe {
  const vocab = new Map<string, number>();
  const put = (token: string): void => {
    if (token !== "" && !vocab.has(token)) vocab.set(token, vocab.size);
  };
  for (const token of start) put(token);
  const split = [...new Set(words)].map((word) =>
    [...word].map(
      (char, at, all) => (at > 0 ? prefix : "") + char + (at === all.length - 1 ? suffix : ""),
    ),
  );
  for (const symbol of split.flat()) put(symbol);
  const merges: [string, string][] = [];
  const seen = new Set<string>();
  while (merges.length < wanted) {
    const counts = new Map<string, { pair: [string, string]; count: number }>();
    for (const word of split) {
      for (let at = 0; at + 1 < word.length; at++) {
        const pair: [string, string] = [word[at] ?? "", word[at + 1] ?? ""];
        const key = pair.join(" ");
        const entry = counts.get(key) ?? { pair, count: 0 };
        entry.count++;
        counts.set(key, entry);
      }
    }
    const best = [...counts]
      .filter(([key]) => !seen.has(key))
      .sort(([, a], [, b]) => b.count - a.count)[0];
    if (best === undefined) break;
    const [key, { pair }] = best;
    seen.add(key);
    const [left, right] = pair;
    const merged = left + right.slice(prefix.length);
    put(merged);
    merges.push(pair);
    for (const word of split) {
      for (let at = 0; at + 1 < word.length; at++) {
        if (word[at] === left && word[at + 1] === right) word.splice(at, 2, merged);
      }
    }
  }
  return { vocab: Object.fromEntries(vocab), merges };
}

/** The characters that stand for bytes. */
export const byteAlphabet: readonly string[] = [...BYTE_CHARS];

/** `<0x00>` to `<0xFF>` */
export const byteTokens: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
);

/** Substrings of some words with random log probabilities: a Unigram's vocabulary. */
export function somePieces(
  random: Random,
  words: readonly string[],
  count: number,
): [string, number][] {
  const pieces = new Map<string, number>();
  for (let tries = 0; pieces.size < count && tries < 20 * count; tries++) {
    const chars = [...random.pick(words)];
    const start = random.below(chars.length);
    const piece = chars.slice(start, start + 1 + random.below(5)).join("");
    if (piece !== "") pieces.set(piece, Number((-1 - random.below(12000) / 1000).toFixed(3)));
  }
  return [...pieces];
}
