import { memoryFolder } from "@resolvent/weights";
import { describe, expect, test } from "vitest";
import { loadTokenizer } from "../src/index.ts";

const folder = (files: Record<string, unknown>) =>
  memoryFolder(
    new Map(
      Object.entries(files).map(([name, value]) => {
        const text = typeof value === "string" ? value : JSON.stringify(value);
        return [name, new TextEncoder().encode(text)];
      }),
    ),
    "tok",
  );

/** Byte-level BPE as GPT-2 has it: `Ġ` stands for a space. */
const gpt2 = {
  version: "1.0",
  added_tokens: [
    {
      id: 9,
      content: "<|endoftext|>",
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    },
  ],
  normalizer: null,
  pre_tokenizer: {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: true,
  },
  post_processor: {
    type: "ByteLevel",
    add_prefix_space: true,
    trim_offsets: false,
    use_regex: true,
  },
  decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: "BPE",
    unk_token: null,
    byte_fallback: false,
    vocab: { a: 0, b: 1, Ġ: 2, Ċ: 3, ab: 4, Ġa: 5, Ġab: 6, Ã: 7, "©": 8, "<|endoftext|>": 9 },
    merges: ["a b", "Ġ a", "Ġ ab"],
  },
};

/** Pieces as SentencePiece has them: `▁` stands for a space, unknown characters fall back to bytes. */
const pieces = {
  version: "1.0",
  added_tokens: [
    {
      id: 0,
      content: "<unk>",
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    },
    {
      id: 1,
      content: "<s>",
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    },
  ],
  normalizer: {
    type: "Sequence",
    normalizers: [
      { type: "Prepend", prepend: "▁" },
      { type: "Replace", pattern: { String: " " }, content: "▁" },
    ],
  },
  pre_tokenizer: null,
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
    special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
  },
  decoder: {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: { String: "▁" }, content: " " },
      { type: "ByteFallback" },
      { type: "Fuse" },
      { type: "Strip", content: " ", start: 1, stop: 0 },
    ],
  },
  model: {
    type: "BPE",
    unk_token: "<unk>",
    byte_fallback: true,
    fuse_unk: true,
    vocab: {
      "<unk>": 0,
      "<s>": 1,
      "▁": 2,
      a: 3,
      b: 4,
      ab: 5,
      "▁ab": 6,
      "<0x0A>": 7,
      "<0xC3>": 8,
      "<0xA9>": 9,
    },
    merges: ["a b", "▁ ab"],
  },
};

describe("loadTokenizer", () => {
  test("a folder without tokenizer.json has none", async () => {
    expect(await loadTokenizer(folder({ "config.json": {} }))).toBeUndefined();
  });

  test("byte-level BPE: to ids and back, spaces and line ends kept", async () => {
    const tokenizer = await loadTokenizer(folder({ "tokenizer.json": gpt2 }));
    expect(tokenizer?.encode("ab ab a")).toEqual([4, 6, 5]);
    expect(tokenizer?.encode("a\n")).toEqual([0, 3]);
    expect(tokenizer?.encode("é")).toEqual([7, 8]);
    expect(tokenizer?.decode([4, 6, 5])).toBe("ab ab a");
    expect(tokenizer?.decode([7, 8, 9])).toBe("é");
    expect([6, 3, 9, 99].map((id) => tokenizer?.token(id))).toEqual([
      " ab",
      "\n",
      "<|endoftext|>",
      "<99>",
    ]);
  });

  test("pieces: special tokens around a text unless they are not wanted", async () => {
    const tokenizer = await loadTokenizer(folder({ "tokenizer.json": pieces }));
    expect(tokenizer?.encode("ab ab")).toEqual([1, 6, 6]);
    expect(tokenizer?.encode("ab ab", { special: false })).toEqual([6, 6]);
    expect(tokenizer?.encode("b\n")).toEqual([1, 2, 4, 7]);
    expect(tokenizer?.decode([1, 6, 6])).toBe("ab ab");
    expect(tokenizer?.decode([1, 2, 8, 9])).toBe("é");
  });

  test("pieces: each token as it reads in the middle of a text", async () => {
    const tokenizer = await loadTokenizer(folder({ "tokenizer.json": pieces }));
    expect([2, 6, 3, 7, 8, 1, 10].map((id) => tokenizer?.token(id))).toEqual([
      " ",
      " ab",
      "a",
      "\n",
      "<0xC3>", // half a character
      "<s>",
      "<10>",
    ]);
  });

  test("entries, special tokens and bytes by id", async () => {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    const words = await loadTokenizer(folder({ "tokenizer.json": gpt2 }));
    expect(words?.size).toBe(10);
    expect(["Ġab", " ab", "<|endoftext|>"].map((token) => words?.id(token))).toEqual([
      6,
      undefined,
      9,
    ]);
    expect([0, 9].map((id) => words?.isSpecial(id))).toEqual([false, true]);
    expect([6, 7, 8, 9, 99].map((id) => words?.bytes(id))).toEqual([
      bytes(" ab"),
      Uint8Array.of(0xc3),
      Uint8Array.of(0xa9),
      undefined,
      undefined,
    ]);
    expect([7, 8].map((id) => words?.token(id))).toEqual(["<0xC3>", "<0xA9>"]);
    const parts = await loadTokenizer(folder({ "tokenizer.json": pieces }));
    expect(parts?.size).toBe(10);
    expect(["▁ab", "<0x0A>", "c"].map((token) => parts?.id(token))).toEqual([6, 7, undefined]);
    expect([0, 1, 2].map((id) => parts?.isSpecial(id))).toEqual([true, true, false]);
    expect([6, 7, 8, 1].map((id) => parts?.bytes(id))).toEqual([
      bytes(" ab"),
      bytes("\n"),
      Uint8Array.of(0xc3),
      undefined,
    ]);
  });

  test("what is no tokenizer is refused with the folder's name", async () => {
    for (const json of [
      {},
      { model: null },
      { model: { type: "Unknown" } },
      { version: "1.0", model: [] },
    ]) {
      await expect(loadTokenizer(folder({ "tokenizer.json": json }))).rejects.toMatchObject({
        code: "transformer/bad-tokenizer",
        details: { folder: "tok" },
      });
    }
    await expect(loadTokenizer(folder({ "tokenizer.json": "{" }))).rejects.toMatchObject({
      code: "transformer/bad-json",
    });
  });
});
