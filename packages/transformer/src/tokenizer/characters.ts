// Classes of characters as the original implementation has them: Unicode's properties, not JavaScript's \s, \w, \d.

export const WHITE_SPACE: RegExp = /\p{White_Space}/gu;
export const WHITE_SPACE_RUN: RegExp = /\p{White_Space}+/gu;
/** Numerals of every kind: digits, letters such as Ⅷ, and others such as ½. */
export const NUMERALS: RegExp = /[\p{Nd}\p{Nl}\p{No}]/gu;
/** ASCII's punctuation and symbols, and Unicode's punctuation. */
export const PUNCTUATION: RegExp = /[!-/:-@[-`{-~\p{P}]/gu;
/** What a word consists of (UTS 18, annex C): one character, and runs of it or of neither it nor white space. */
export const WORD_CHAR: RegExp = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
export const WORDS: RegExp =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu;
/** GPT-2's words (Radford et al. 2019, `encoder.py`). */
export const GPT2_WORDS: RegExp =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** Each character on its own, without the rule for a sigma at the end of a word. */
export function lowercase(text: string): string {
  return text.includes("Σ")
    ? text
        .split("Σ")
        .map((part) => part.toLowerCase())
        .join("σ")
    : text.toLowerCase();
}

/** Halves of surrogate pairs are no characters: each becomes U+FFFD, as in UTF-8. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}
