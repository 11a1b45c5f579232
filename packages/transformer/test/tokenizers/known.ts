import { byteAlphabet, byteTokens, type Json } from "./vocabularies.ts";

/** A small tokenizer.json, and the tokens of a text as the original implementation gives them. */
export interface Known {
  readonly name: string;
  readonly json: Json;
  readonly text: string;
  readonly tokens: readonly string[];
}

const vocabOf = (tokens: readonly string[]): Json =>
  Object.fromEntries(tokens.map((token, id) => [token, id]));
const bpe = (
  tokens: readonly string[],
  merges: readonly string[] = [],
  fields: Json = {},
): Json => ({
  type: "BPE",
  vocab: vocabOf(tokens),
  merges,
  ...fields,
});
const byteLevel: Json = {
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: true,
};
const metaspace: Json = {
  type: "Metaspace",
  replacement: "▁",
  prepend_scheme: "always",
  split: true,
};
const added = (id: number, content: string, fields: Json): Json => ({
  id,
  content,
  special: true,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  ...fields,
});

/** A space that would be merged with the first byte of what follows it: `Ġ` and `Â` are 0x20 and 0xC2. */
const greedy = bpe([...byteAlphabet, "ĠÂ", "Ġâ"], ["Ġ Â", "Ġ â"]);
const digits: Json = {
  type: "Sequence",
  pretokenizers: [{ type: "Digits", individual_digits: true }, byteLevel],
};
const prefixed = (tokens: readonly string[], merges: readonly string[]): Json => ({
  pre_tokenizer: { type: "Whitespace" },
  model: bpe(tokens, merges, { continuing_subword_prefix: "##" }),
});
const tok = (fields: Json): Json => ({
  added_tokens: [added(4, "TOK", fields)],
  model: bpe([..." sé"]),
});
const pieces = (text: string, byte_fallback = true): Json => ({
  pre_tokenizer: metaspace,
  model: {
    type: "Unigram",
    unk_id: 0,
    byte_fallback,
    vocab: [
      ["<unk>", 0],
      ["▁", -2],
      ...[...text].map((char) => [char, -3]),
      ...(byte_fallback ? byteTokens.map((token) => [token, -20]) : []),
    ],
  },
});
const words: Json = {
  pre_tokenizer: { type: "WhitespaceSplit" },
  model: { type: "WordLevel", unk_token: "[UNK]", vocab: vocabOf(["[UNK]", "foo", "bar"]) },
};
const wordPiece = (max_input_chars_per_word: number): Json => ({
  pre_tokenizer: { type: "BertPreTokenizer" },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word,
    vocab: vocabOf(["[UNK]", "ab", "a", "##b", "##😀", "."]),
  },
});

const known = (name: string, json: Json, text: string, tokens: readonly string[]): Known => ({
  name,
  json,
  text,
  tokens,
});

export const KNOWN: readonly Known[] = [
  known("U+0085 is white space", { pre_tokenizer: byteLevel, model: greedy }, "a \u0085b", [
    "a",
    "Ġ",
    "Â",
    "ħ",
    "b",
  ]),
  known("U+00A0 is white space", { pre_tokenizer: byteLevel, model: greedy }, "a \u00a0b", [
    "a",
    "Ġ",
    "Â",
    "ł",
    "b",
  ]),
  known("U+2028 is white space", { pre_tokenizer: byteLevel, model: greedy }, "a \u2028b", [
    "a",
    "Ġ",
    "â",
    "Ģ",
    "¨",
    "b",
  ]),
  known("U+200B is none", { pre_tokenizer: byteLevel, model: greedy }, "a \u200bb", [
    "a",
    "Ġâ",
    "Ģ",
    "ĭ",
    "b",
  ]),
  known("U+FEFF is none", words, "foo\ufeffbar", ["[UNK]"]),
  known("U+3000 and U+0085 divide words", words, "foo\u3000bar\u0085foo", ["foo", "bar", "foo"]),
  known("½ is a numeral", { pre_tokenizer: digits, model: greedy }, "4 ½", ["4", "Ġ", "Â", "½"]),
  known("² is a numeral", { pre_tokenizer: digits, model: greedy }, "m ²", ["m", "Ġ", "Â", "²"]),
  known("Ⅷ is a numeral", { pre_tokenizer: digits, model: greedy }, "m Ⅷ", [
    "m",
    "Ġ",
    "â",
    "ħ",
    "§",
  ]),
  known("§ is none", { pre_tokenizer: digits, model: greedy }, "4 §", ["4", "ĠÂ", "§"]),
  known(
    "numerals together",
    {
      pre_tokenizer: { type: "Digits", individual_digits: false },
      model: bpe(["1", "½", "1½", "a"], ["1 ½"]),
    },
    "a1½a",
    ["a", "1½", "a"],
  ),
  known(
    "numerals alone",
    {
      pre_tokenizer: { type: "Digits", individual_digits: true },
      model: bpe(["1", "½", "1½", "a"], ["1 ½"]),
    },
    "a1½a",
    ["a", "1", "½", "a"],
  ),
  known(
    "a prefix inside of a word",
    prefixed(["a", "b", "##a", "##b", "ab", "##ab"], ["a ##b", "##a ##b"]),
    "ab",
    ["ab"],
  ),
  known(
    "a prefix, three letters",
    prefixed(["a", "b", "##a", "##b", "ab", "##ab"], ["##a ##b", "a ##b"]),
    "bab ab",
    ["b", "##ab", "ab"],
  ),
  known("a prefix of one letter", prefixed(["a", "b", "##b"], []), "b ab", ["b", "a", "##b"]),
  known(
    "a suffix at the end of a word",
    {
      pre_tokenizer: { type: "WhitespaceSplit" },
      model: bpe(["a", "a</w>", "b</w>", "ab</w>"], ["a b</w>"], { end_of_word_suffix: "</w>" }),
    },
    "ab a aa",
    ["ab</w>", "a</w>", "a", "a</w>"],
  ),
  known(
    "an unknown letter with a prefix",
    {
      ...prefixed([], []),
      model: bpe(["?", "a", "##a"], [], { continuing_subword_prefix: "##", unk_token: "?" }),
    },
    "axa",
    ["a", "?", "##a"],
  ),
  known("a single word", tok({ single_word: true }), "sTOKs", ["s", "s"]),
  known("a single word between spaces", tok({ single_word: true }), "s TOK s", [
    "s",
    " ",
    "TOK",
    " ",
    "s",
  ]),
  known("a single word beside é", tok({ single_word: true }), "TOKé", ["é"]),
  known("not a single word", tok({}), "sTOKs", ["s", "TOK", "s"]),
  known("white space on the left", tok({ lstrip: true }), "s  TOK s", ["s", "TOK", " ", "s"]),
  known("white space on the right", tok({ rstrip: true }), "s TOK\u0085\n s", [
    "s",
    " ",
    "TOK",
    "s",
  ]),
  known("Unigram: bytes", pieces("ab"), "é", ["▁", "<0xC3>", "<0xA9>"]),
  known("Unigram: bytes of four", pieces("ab"), "a😀", [
    "▁",
    "a",
    "<0xF0>",
    "<0x9F>",
    "<0x98>",
    "<0x80>",
  ]),
  known("Unigram: bytes of characters that follow each other", pieces("ab"), "éß", [
    "▁",
    "<0xC3>",
    "<0xA9>",
    "<0xC3>",
    "<0x9F>",
  ]),
  known("Unigram: unknown ones are one", pieces("ab", false), "éßa", ["▁", "<unk>", "a"]),
  known("Unigram: a character beyond U+FFFF", pieces("a😀", false), "😀a", ["▁", "😀", "a"]),
  known("an unknown word", words, "foo zzz bar", ["foo", "[UNK]", "bar"]),
  known("unknown words are not one", words, "zzz yyy", ["[UNK]", "[UNK]"]),
  known("WordPiece", wordPiece(100), "ab. aab abb", ["ab", ".", "[UNK]", "ab", "##b"]),
  known("WordPiece counts characters, not units", wordPiece(2), "a😀 abb", ["a", "##😀", "[UNK]"]),
  known(
    "BPE: unknown ones as one",
    { model: bpe(["?", "a"], [], { unk_token: "?", fuse_unk: true }) },
    "xxaxx",
    ["?", "a", "?"],
  ),
  known("BPE: unknown ones apart", { model: bpe(["?", "a"], [], { unk_token: "?" }) }, "xxa", [
    "?",
    "?",
    "a",
  ]),
  known(
    "BPE: bytes",
    { model: bpe(["?", "a", ...byteTokens], [], { unk_token: "?", byte_fallback: true }) },
    "aé",
    ["a", "<0xC3>", "<0xA9>"],
  ),
  known(
    "BPE: an entry without merges",
    { model: bpe(["a", "b", "ab"], [], { ignore_merges: true }) },
    "ab",
    ["ab"],
  ),
  known(
    "BPE: merges as pairs",
    { model: bpe(["a", " ", "a "], [], { merges: [["a", " "]] }) },
    "a a",
    ["a ", "a"],
  ),
];
