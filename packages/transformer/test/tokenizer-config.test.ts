import { type ByteSource, memoryFolder } from "@resolvent/weights";
import { describe, expect, test } from "vitest";
import { loadTokenizer, type Tokenizer, tokenizerOf } from "../src/index.ts";

type Json = Readonly<Record<string, unknown>>;

const added = (id: number, content: string, fields: Json = {}): Json => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
  ...fields,
});

async function load(files: Readonly<Record<string, unknown>>): Promise<Tokenizer | undefined> {
  const bytes = Object.entries(files).map(([name, value]): [string, Uint8Array] => [
    name,
    new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value)),
  ]);
  return await loadTokenizer(memoryFolder(new Map(bytes), "tok"));
}

describe("add_bos_token and add_eos_token of tokenizer_config.json", () => {
  const vocab = { "<unk>": 0, "<s>": 1, "</s>": 2, a: 3, b: 4 };
  const text = { Sequence: { id: "A", type_id: 0 } };
  const first = { SpecialToken: { id: "<s>", type_id: 0 } };
  const last = { SpecialToken: { id: "</s>", type_id: 0 } };
  const template = (single: readonly Json[]): Json => ({
    type: "TemplateProcessing",
    single,
    pair: [],
    special_tokens: {
      "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] },
      "</s>": { id: "</s>", ids: [2], tokens: ["</s>"] },
    },
  });
  const tokenizer = (post_processor: Json | null): Json => ({
    added_tokens: [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")],
    post_processor,
    model: { type: "BPE", vocab, merges: [] },
  });
  const named = { bos_token: "<s>", eos_token: { content: "</s>", __type: "AddedToken" } };
  const llama = { tokenizer_class: "LlamaTokenizer" };

  test.each<[string, Json | null, Json, readonly number[]]>([
    ["neither: the template counts", template([first, text]), named, [1, 3, 4]],
    ["neither, no template", null, named, [3, 4]],
    [
      "no BOS against a template",
      template([first, text]),
      { ...named, ...llama, add_bos_token: false },
      [3, 4],
    ],
    [
      "BOS against a template without",
      template([text]),
      { ...named, add_bos_token: true },
      [1, 3, 4],
    ],
    ["BOS without any template", null, { ...named, add_bos_token: true }, [1, 3, 4]],
    ["EOS without any template", null, { ...named, add_eos_token: true }, [3, 4, 2]],
    ["both", null, { ...named, add_bos_token: true, add_eos_token: true }, [1, 3, 4, 2]],
    [
      "neither wanted, against both",
      template([first, text, last]),
      { ...named, add_bos_token: false, add_eos_token: false },
      [3, 4],
    ],
    [
      "EOS only: BOS is not given",
      template([first, text]),
      { ...named, add_eos_token: true },
      [3, 4, 2],
    ],
    [
      "EOS only, in Llama's class: BOS by default",
      template([text]),
      { ...named, ...llama, add_eos_token: true },
      [1, 3, 4, 2],
    ],
    ["no token of that name", template([first, text]), { add_bos_token: true }, [3, 4]],
    [
      "in a sequence of processors",
      {
        type: "Sequence",
        processors: [
          { type: "ByteLevel", add_prefix_space: true, trim_offsets: true },
          template([first, text]),
        ],
      },
      { ...named, add_bos_token: false },
      [3, 4],
    ],
    [
      "against BERT's processor",
      { type: "BertProcessing", cls: ["<s>", 1], sep: ["</s>", 2] },
      { ...named, add_bos_token: true, add_eos_token: false },
      [1, 3, 4],
    ],
  ])("%s", async (_, processor, config, expected) => {
    const made = await load({
      "tokenizer.json": tokenizer(processor),
      "tokenizer_config.json": config,
    });
    expect(made?.encode("ab")).toEqual(expected);
    expect(made?.encode("ab", { special: false })).toEqual([3, 4]);
  });

  test("names that are no token, and flags that are none, are refused by name", async () => {
    const json = tokenizer(null);
    const refusal = async (config: Json): Promise<void> => {
      await load({ "tokenizer.json": json, "tokenizer_config.json": config });
    };
    await expect(refusal({ bos_token: "<x>", add_bos_token: true })).rejects.toThrow(
      /bos_token.*<x>/,
    );
    await expect(refusal({ add_eos_token: "yes" })).rejects.toThrow(/add_eos_token.*"yes"/);
  });
});

describe("other fields of tokenizer_config.json", () => {
  const words: Json = {
    added_tokens: [],
    pre_tokenizer: { type: "WhitespaceSplit" },
    model: {
      type: "WordLevel",
      unk_token: "[UNK]",
      vocab: { "[UNK]": 0, foo: 1, "<x>": 2, "<y>": 3 },
    },
  };

  test("named special tokens of the vocabulary are found in texts, and left out of what is decoded", () => {
    const plain = tokenizerOf(words);
    expect([plain.encode("foo<x>foo"), plain.decode([1, 2])]).toEqual([[0], "foo <x>"]);
    const named = tokenizerOf(words, {
      eos_token: "<x>",
      additional_special_tokens: ["<y>", "<z>"],
    });
    expect([named.encode("foo<x>foo<y>"), named.decode([1, 2, 3, 1])]).toEqual([
      [1, 2, 1, 3],
      "foo foo",
    ]);
    expect([2, 3, 1].map((id) => named.isSpecial(id))).toEqual([true, true, false]);
  });

  test("added_tokens_decoder adds tokens and changes their flags", () => {
    const decoder = { 4: { content: "<new>", special: true, lstrip: true, __type: "AddedToken" } };
    const made = tokenizerOf(words, { added_tokens_decoder: decoder });
    expect([made.encode("foo  <new>foo"), made.size]).toEqual([[1, 4, 1], 5]);
  });

  test("add_prefix_space counts before tokenizer.json's", () => {
    const bytes: Json = {
      pre_tokenizer: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true },
      model: { type: "BPE", vocab: { a: 0, Ġ: 1 }, merges: [] },
    };
    expect(tokenizerOf(bytes).encode("a")).toEqual([1, 0]);
    expect(tokenizerOf(bytes, { add_prefix_space: false }).encode("a")).toEqual([0]);
  });

  test("clean_up_tokenization_spaces changes nothing: only a WordPiece decoder cleans up", () => {
    const tokens = ["x", "Ġ!", "=", "Ġy", "Ġn't"];
    const bytes: Json = {
      pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
      decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
      model: { type: "BPE", vocab: Object.fromEntries(tokens.map((t, id) => [t, id])), merges: [] },
    };
    for (const config of [{}, { clean_up_tokenization_spaces: true }]) {
      expect(tokenizerOf(bytes, config).decode([1, 2, 3, 4])).toBe(" != y n't");
    }
  });
});

describe("vocab.json and merges.txt without tokenizer.json", () => {
  const vocab = {
    a: 0,
    b: 1,
    Ġ: 2,
    ab: 3,
    Ġab: 4,
    "<|endoftext|>": 5,
    "'": 6,
    s: 7,
    "1": 8,
    "2": 9,
    "12": 10,
  };
  const merges = "#version: 0.2\na b\nĠ ab\n1 2\n";
  const files = { "vocab.json": vocab, "merges.txt": merges };

  test("GPT-2's, by its class or by the model's family", async () => {
    for (const more of [
      { "tokenizer_config.json": { tokenizer_class: "GPT2Tokenizer" } },
      { "config.json": { model_type: "gpt2" } },
    ]) {
      const made = await load({ ...files, ...more });
      expect(made?.encode("ab ab's12<|endoftext|>")).toEqual([3, 4, 6, 7, 10, 5]);
      expect(made?.decode([3, 4, 5, 0])).toBe("ab aba");
      expect([made?.isSpecial(5), made?.size]).toEqual([true, 11]);
    }
  });

  test("Qwen's splits digits", async () => {
    const made = await load({ ...files, "config.json": { model_type: "qwen2" } });
    expect(made?.encode("ab12")).toEqual([3, 8, 9]);
  });

  test("added tokens, special tokens of their own file, flags", async () => {
    const made = await load({
      ...files,
      "config.json": { model_type: "gpt2" },
      "added_tokens.json": { "<pad>": 12, "<new>": 11 },
      "special_tokens_map.json": { pad_token: "<pad>", bos_token: { content: "<new>" } },
      "tokenizer_config.json": { add_bos_token: true },
    });
    expect(made?.encode("a<pad>b")).toEqual([11, 0, 12, 1]);
    await expect(
      load({
        ...files,
        "config.json": { model_type: "gpt2" },
        "added_tokens.json": { "<new>": 20 },
      }),
    ).rejects.toThrow(/<new>.*20.*11/);
  });

  test("other classes, and SentencePiece's own format, are refused by name", async () => {
    await expect(
      load({ ...files, "tokenizer_config.json": { tokenizer_class: "CLIPTokenizer" } }),
    ).rejects.toThrow(/CLIPTokenizer/);
    await expect(load({ "tokenizer.model": "\u0000" })).rejects.toMatchObject({
      code: "transformer/bad-tokenizer",
      message: expect.stringMatching(/tokenizer\.model.*SentencePiece.*token ids/),
    });
  });
});

describe("what is refused, by name", () => {
  const model: Json = { type: "BPE", vocab: { a: 0, b: 1, ab: 2 }, merges: ["a b"] };
  test.each<[string, Json, RegExp]>([
    ["random merges", { model: { ...model, dropout: 0.1 } }, /model\.dropout is 0\.1/],
    ["a field of a model", { model: { ...model, sampling: 3 } }, /model\.sampling/],
    [
      "a field of a step",
      { normalizer: { type: "NFC", strict: true }, model },
      /normalizer\.strict/,
    ],
    ["a field of the file", { model, post_filter: {} }, /tokenizer\.json\.post_filter/],
    ["a type of model", { model: { type: "Tree" } }, /model has the type "Tree"/],
    [
      "a type in a sequence",
      {
        normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Upper" }] },
        model,
      },
      /normalizer\.normalizers\[1\].*"Upper"/,
    ],
    [
      "a type of pre-tokenizer",
      { pre_tokenizer: { type: "Jieba" }, model },
      /pre_tokenizer.*"Jieba"/,
    ],
    [
      "a type of post-processor",
      { post_processor: { type: "Pairs" }, model },
      /post_processor.*"Pairs"/,
    ],
    ["a type of decoder", { decoder: { type: "Upper" }, model }, /decoder.*"Upper"/],
    [
      "a regular expression",
      { pre_tokenizer: { type: "Split", pattern: { Regex: "(a" }, behavior: "Isolated" }, model },
      /pre_tokenizer.*regular expression/,
    ],
    [
      "letters that fold to one",
      {
        pre_tokenizer: { type: "Split", pattern: { Regex: "(?i:ss)" }, behavior: "Isolated" },
        model,
      },
      /fold/,
    ],
    [
      "a behaviour",
      { pre_tokenizer: { type: "Punctuation", behavior: "Doubled" }, model },
      /behavior.*Doubled/,
    ],
    ["a merge of what is not there", { model: { ...model, merges: ["a c"] } }, /merges\[0\].*"c"/],
    ["an id", { model: { ...model, vocab: { a: -1 } } }, /vocab\["a"\]/],
    [
      "a template's token",
      {
        post_processor: {
          type: "TemplateProcessing",
          single: [{ SpecialToken: { id: "<s>", type_id: 0 } }],
          special_tokens: {},
        },
        model,
      },
      /<s>/,
    ],
    ["a length of nothing", { pre_tokenizer: { type: "FixedLength", length: 0 }, model }, /length/],
  ])("%s", async (_, json, message) => {
    await expect(load({ "tokenizer.json": json })).rejects.toMatchObject({
      code: "transformer/bad-tokenizer",
      message: expect.stringMatching(message),
    });
  });

  test("truncation and padding are of batches: a text keeps all of its tokens", () => {
    const truncation = { max_length: 1, strategy: "LongestFirst", stride: 0, direction: "Right" };
    const padding = { strategy: { Fixed: 8 }, direction: "Right", pad_id: 0, pad_token: "a" };
    expect(tokenizerOf({ model, truncation, padding }).encode("abab")).toEqual([2, 2]);
  });

  test("a text without a token for it, where nothing stands for the unknown", () => {
    const words = tokenizerOf({
      model: { type: "WordLevel", unk_token: "[UNK]", vocab: { a: 0 } },
    });
    expect(() => words.encode("b")).toThrow(/"b".*\[UNK\]/);
    const pieces = tokenizerOf({ model: { type: "Unigram", unk_id: null, vocab: [["a", -1]] } });
    expect(() => pieces.encode("b")).toThrow(/"b".*unk_id/);
  });
});

test.each([
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "vocab.json",
  "merges.txt",
  "added_tokens.json",
])("%s of a terabyte is refused unread", async (huge) => {
  const files = ["vocab.json", "merges.txt", huge].map(
    (name): [string, Uint8Array | ByteSource] => [
      name,
      new TextEncoder().encode(name === "vocab.json" ? '{"a": 0}' : ""),
    ],
  );
  const source: ByteSource = {
    name: huge,
    size: async () => 2 ** 40,
    read: async () => {
      throw new Error("It was read.");
    },
  };
  const folder = memoryFolder(new Map([...files, [huge, source]]));
  await expect(loadTokenizer(folder)).rejects.toMatchObject({ code: "transformer/file-too-large" });
});
