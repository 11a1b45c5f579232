import { charsmapOf } from "./charsmap.ts";
import type { Json } from "./vocabularies.ts";

/** Components of tokenizer.json by the names under which tests combine them. */
const CHARSMAP = charsmapOf({
  "\u0000": "",
  "\u0008": "",
  "\n": " ",
  "\t": " ",
  "\u00a0": " ",
  "\u3000": " ",
  "\u200b": " ",
  ﬁ: "fi",
  ﬃ: "ffi",
  "½": "1⁄2",
  "①": "1",
  Ａ: "A",
  ｆ: "f",
  ｕ: "u",
  ｌ: "l",
  "e\u0301": "é",
  Å: "Å",
  "㎏": "kg",
  "👍🏽": "+",
  각: "각",
  "\u0e33": "\u0e4d\u0e32",
});

export const GPT4 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
export const POSSESSIVE =
  "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+";
export const O200K =
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const regex = (Regex: string): Json => ({ Regex });
const string = (text: string): Json => ({ String: text });
const split = (pattern: Json, behavior: string, invert = false): Json => ({
  type: "Split",
  pattern,
  behavior,
  invert,
});
export const sequence = (name: string, steps: readonly Json[]): Json => ({
  type: "Sequence",
  [name]: steps,
});
export const byteLevel = (add_prefix_space: boolean, use_regex = true): Json => ({
  type: "ByteLevel",
  add_prefix_space,
  trim_offsets: true,
  use_regex,
});
export const metaspace = (prepend_scheme: string, split = true): Json => ({
  type: "Metaspace",
  replacement: "▁",
  prepend_scheme,
  split,
});
const bert = (fields: Json): Json => ({
  type: "BertNormalizer",
  clean_text: true,
  handle_chinese_chars: true,
  strip_accents: null,
  lowercase: true,
  ...fields,
});

export const NORMALIZERS: readonly Json[] = [
  ...["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Nmt", "StripAccents"].map((type) => ({ type })),
  { type: "Strip", strip_left: true, strip_right: false },
  { type: "Strip", strip_left: true, strip_right: true },
  { type: "Prepend", prepend: "▁" },
  { type: "Replace", pattern: string(" "), content: "▁" },
  { type: "Replace", pattern: regex("\\s+"), content: " " },
  { type: "Replace", pattern: regex("(l)(e)|\\d"), content: "$1" },
  { type: "Replace", pattern: string("ab"), content: "" },
  { type: "Replace", pattern: regex("[^\\w\\s]"), content: "xy" },
  { type: "Precompiled", precompiled_charsmap: CHARSMAP },
  bert({}),
  bert({ strip_accents: false }),
  bert({ lowercase: false, clean_text: false }),
  sequence("normalizers", [{ type: "NFD" }, { type: "StripAccents" }, { type: "Lowercase" }]),
  sequence("normalizers", [
    { type: "Precompiled", precompiled_charsmap: CHARSMAP },
    { type: "Strip", strip_left: false, strip_right: true },
    { type: "Replace", pattern: regex(" {2,}"), content: "▁" },
  ]),
  sequence("normalizers", [
    { type: "Prepend", prepend: "▁" },
    { type: "Replace", pattern: string(" "), content: "▁" },
  ]),
];

export const PRE_TOKENIZERS: readonly Json[] = [
  metaspace("always"),
  metaspace("first"),
  metaspace("never"),
  metaspace("first", false),
  { type: "Metaspace", replacement: "▁", add_prefix_space: true },
  { type: "Metaspace", replacement: "_", prepend_scheme: "never", add_prefix_space: false },
  ...["Whitespace", "WhitespaceSplit", "BertPreTokenizer", "UnicodeScripts"].map((type) => ({
    type,
  })),
  { type: "Digits", individual_digits: true },
  { type: "Digits", individual_digits: false },
  { type: "FixedLength", length: 3 },
  { type: "CharDelimiterSplit", delimiter: "a" },
  { type: "CharDelimiterSplit", delimiter: "▁" },
  ...["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"].flatMap(
    (behavior) => [
      { type: "Punctuation", behavior },
      split(string("a"), behavior),
      split(regex("\\d+|[^\\d\\s]b*"), behavior),
      split(regex("a*"), behavior),
      split(regex("\\w+"), behavior, true),
    ],
  ),
  split(regex(GPT4), "Removed", true),
  split(regex("\\p{Han}|[[:punct:]]|\\bt"), "Isolated"),
  split(regex("[[:alnum:]]{2}|[[:word:]]|[^\\W\\d]|\\W\\B|(?<!\\w)[aeiou]"), "Isolated"),
  split(regex("\\w{2}|\\W"), "MergedWithNext"),
  sequence("pretokenizers", [{ type: "WhitespaceSplit" }, metaspace("first")]),
  sequence("pretokenizers", [{ type: "WhitespaceSplit" }, metaspace("always")]),
  sequence("pretokenizers", [
    { type: "UnicodeScripts" },
    { type: "Digits", individual_digits: true },
    { type: "Punctuation", behavior: "Contiguous" },
  ]),
];

/** Those that leave characters which stand for bytes. */
export const BYTE_PRE_TOKENIZERS: readonly Json[] = [
  byteLevel(false),
  byteLevel(true),
  sequence("pretokenizers", [split(regex(GPT4), "Isolated"), byteLevel(false, false)]),
  sequence("pretokenizers", [split(regex(POSSESSIVE), "Isolated"), byteLevel(false, false)]),
  sequence("pretokenizers", [split(regex(O200K), "Isolated"), byteLevel(true, false)]),
  sequence("pretokenizers", [{ type: "Digits", individual_digits: true }, byteLevel(false)]),
  sequence("pretokenizers", [
    { type: "Punctuation", behavior: "Contiguous" },
    split(regex("[0-9][0-9][0-9]"), "Isolated"),
    byteLevel(true),
  ]),
  sequence("pretokenizers", [
    split(regex("\\p{N}{1,3}"), "Isolated"),
    split(regex("[一-龥぀-ゟ゠-ヿ]+"), "Isolated"),
    split(
      regex(
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      ),
      "Isolated",
    ),
    byteLevel(false, false),
  ]),
];

export const DECODERS: readonly (Json | null)[] = [
  null,
  byteLevel(true),
  { type: "ByteFallback" },
  { type: "Fuse" },
  metaspace("always"),
  metaspace("never"),
  { type: "Metaspace", replacement: "▁", prepend_scheme: "never", add_prefix_space: false },
  { type: "WordPiece", prefix: "##", cleanup: true },
  { type: "WordPiece", prefix: "##", cleanup: false },
  { type: "BPEDecoder", suffix: "</w>" },
  { type: "CTC", pad_token: "<pad>", word_delimiter_token: "|", cleanup: true },
  { type: "CTC", pad_token: "a", word_delimiter_token: "b", cleanup: false },
  { type: "Strip", content: " ", start: 1, stop: 0 },
  { type: "Strip", content: "a", start: 2, stop: 0 },
  { type: "Strip", content: "a", start: 0, stop: 1 },
  { type: "Replace", pattern: string("▁"), content: " " },
  { type: "Replace", pattern: regex("[a-c]+"), content: "$0" },
  sequence("decoders", [
    { type: "Replace", pattern: string("▁"), content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
    { type: "Strip", content: " ", start: 1, stop: 0 },
  ]),
];

export const POST_PROCESSORS: readonly (Json | null)[] = [
  null,
  byteLevel(false),
  template(["<s>", "A"]),
  template(["<s>", "A", "</s>"]),
  { type: "BertProcessing", sep: ["</s>", 2], cls: ["<s>", 1] },
  {
    type: "RobertaProcessing",
    sep: ["</s>", 2],
    cls: ["<s>", 1],
    trim_offsets: true,
    add_prefix_space: false,
  },
  sequence("processors", [byteLevel(false), template(["<s>", "A"])]),
];

/** `A` is the text; the tokens have the ids 0 to 2 in every generated vocabulary. */
export function template(steps: readonly string[]): Json {
  const ids: Readonly<Record<string, number>> = { "<s>": 1, "</s>": 2 };
  const sequenceOf = (id: string, type_id: number): Json => ({ Sequence: { id, type_id } });
  return {
    type: "TemplateProcessing",
    single: steps.map((id) =>
      id === "A" ? sequenceOf("A", 0) : { SpecialToken: { id, type_id: 0 } },
    ),
    pair: [sequenceOf("A", 0), sequenceOf("B", 1)],
    special_tokens: Object.fromEntries(
      steps.filter((id) => id !== "A").map((id) => [id, { id, ids: [ids[id]], tokens: [id] }]),
    ),
  };
}
