import { describe, expect, test } from "vitest";
import { tokenizerOf } from "../src/index.ts";
import { BYTE_CHARS } from "../src/tokenizer/bytes.ts";

type Json = Readonly<Record<string, unknown>>;

const bytes = Object.fromEntries(BYTE_CHARS.map((char, id) => [char, id]));
const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };
const letters = Object.fromEntries([..."ab ▁"].map((char, id) => [char, id]));
const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
const wordLevel = { type: "WordLevel", unk_token: "?", vocab: { "?": 0, foo: 1 } };

describe("losses", () => {
  test.each<[string, Json, string, { vanished?: string[]; unknown?: string[] }]>([
    [
      "nothing: every byte has a token",
      { pre_tokenizer: byteLevel, model: { type: "BPE", vocab: bytes, merges: [] } },
      "é\u0000 😀\n\ud800",
      {},
    ],
    [
      "bytes without a token, by their characters",
      { pre_tokenizer: byteLevel, model: { type: "BPE", vocab: { a: 0, Ġ: 1, Ã: 2 }, merges: [] } },
      "a é a\u0085",
      { vanished: ["é", "\u0085"] },
    ],
    [
      "characters that the model has not",
      { model: { type: "BPE", vocab: letters, merges: [] } },
      "axb yx",
      { vanished: ["x", "y"] },
    ],
    [
      "a space that the model has not",
      { model: { type: "BPE", vocab: { a: 0 }, merges: [] } },
      "a a",
      { vanished: [" "] },
    ],
    [
      "unknown characters of BPE",
      { model: { type: "BPE", vocab: letters, merges: [], unk_token: "a" } },
      "axb",
      { unknown: ["x"] },
    ],
    [
      "unknown characters of Unigram",
      {
        pre_tokenizer: metaspace,
        model: {
          type: "Unigram",
          unk_id: 0,
          vocab: [
            ["?", 0],
            ["▁", -1],
            ["a", -1],
          ],
        },
      },
      "a éé",
      { unknown: ["é"] },
    ],
    [
      "unknown words",
      { pre_tokenizer: { type: "WhitespaceSplit" }, model: wordLevel },
      "foo zzz foo\tbar",
      { unknown: ["zzz", "bar"] },
    ],
    [
      "unknown words of WordPiece",
      {
        pre_tokenizer: { type: "BertPreTokenizer" },
        model: {
          type: "WordPiece",
          unk_token: "?",
          continuing_subword_prefix: "##",
          max_input_chars_per_word: 5,
          vocab: { "?": 0, a: 1, "##b": 2 },
        },
      },
      "ab ac ababab",
      { unknown: ["ac", "ababab"] },
    ],
    [
      "white space that is split at",
      { pre_tokenizer: { type: "WhitespaceSplit" }, model: wordLevel },
      " foo \u0085 foo\n",
      {},
    ],
    [
      "a space that the tokenizer put there itself",
      { pre_tokenizer: metaspace, model: { type: "BPE", vocab: { a: 0 }, merges: [] } },
      "a",
      {},
    ],
    [
      "control characters that a normalizer drops",
      {
        normalizer: {
          type: "BertNormalizer",
          clean_text: true,
          handle_chinese_chars: true,
          strip_accents: null,
          lowercase: true,
        },
        pre_tokenizer: { type: "BertPreTokenizer" },
        model: wordLevel,
      },
      "FO\u0001O\t\r\n foo\u200d",
      { vanished: ["\u0001", "\u200d"] },
    ],
    [
      "accents: a change, no loss",
      {
        normalizer: { type: "Sequence", normalizers: [{ type: "NFD" }, { type: "StripAccents" }] },
        model: wordLevel,
      },
      "fóo",
      {},
    ],
    [
      "what a normalizer replaces by nothing",
      {
        normalizer: { type: "Replace", pattern: { Regex: "[x\\s]+" }, content: "" },
        model: wordLevel,
      },
      "f x ooyx".replace("y", ""),
      { vanished: ["x"] },
    ],
    [
      "what a pre-tokenizer removes",
      { pre_tokenizer: { type: "Punctuation", behavior: "Removed" }, model: wordLevel },
      "foo,foo!foo",
      { vanished: [",", "!"] },
    ],
    [
      "a delimiter",
      { pre_tokenizer: { type: "CharDelimiterSplit", delimiter: "|" }, model: wordLevel },
      "foo|foo",
      { vanished: ["|"] },
    ],
    [
      "added tokens are no loss",
      { added_tokens: [{ id: 2, content: "é" }], model: wordLevel },
      "éfooé",
      {},
    ],
  ])("%s", (_, json, text, { vanished = [], unknown = [] }) => {
    expect(tokenizerOf(json).losses(text)).toEqual({ vanished, unknown });
  });
});
