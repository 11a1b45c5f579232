import { toByteChars } from "../../src/tokenizer/bytes.ts";
import {
  BYTE_PRE_TOKENIZERS,
  byteLevel,
  DECODERS,
  GPT4,
  metaspace,
  NORMALIZERS,
  O200K,
  POSSESSIVE,
  POST_PROCESSORS,
  PRE_TOKENIZERS,
  sequence,
  template,
} from "./components.ts";
import { type Random, random } from "./random.ts";
import { trainingWords } from "./texts.ts";
import { byteAlphabet, byteTokens, type Json, learnBpe, somePieces } from "./vocabularies.ts";

/** A generated tokenizer.json, by the checkpoint whose components it has, or by its seed. */
export interface Generated {
  readonly name: string;
  /** Its tokenizer.json. */
  readonly json: () => Json;
}

const SPECIAL = ["<unk>", "<s>", "</s>", "<pad>"];

const added = (content: string, id: number, fields: Json = {}): Json => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: false,
  ...fields,
});
const special = SPECIAL.map((token, id) => added(token, id, { special: true }));

const marked = (words: readonly string[]): readonly string[] => words.map((word) => `▁${word}`);
const split = (Regex: string): Json => ({
  type: "Split",
  pattern: { Regex },
  behavior: "Isolated",
  invert: false,
});

/** Byte-level BPE. */
function byteBpe(random: Random, fields: Json = {}): Json {
  const words = trainingWords(random).flatMap((word) => [word, ` ${word}`]);
  const { vocab, merges } = learnBpe(words.map(toByteChars), [...SPECIAL, ...byteAlphabet], {
    merges: 250,
  });
  return { type: "BPE", vocab, merges: merges.map((pair) => pair.join(" ")), ...fields };
}

/** BPE over characters, with bytes for those that are not there. */
function charBpe(
  random: Random,
  fields: Json = {},
  { prefix = "", suffix = "" }: { prefix?: string; suffix?: string } = {},
): Json {
  const { vocab, merges } = learnBpe(
    marked(trainingWords(random)).map((word) => (prefix + suffix === "" ? word : word.slice(1))),
    [...SPECIAL, ...(fields.byte_fallback === true ? byteTokens : [])],
    { merges: 250, prefix, suffix },
  );
  return {
    type: "BPE",
    unk_token: "<unk>",
    continuing_subword_prefix: prefix || null,
    end_of_word_suffix: suffix || null,
    vocab,
    merges,
    ...fields,
  };
}

function unigram(random: Random, fields: Json = {}): Json {
  const words = trainingWords(random);
  const letters = [..."abcdefghijklmnopqrstuvwxyz.,!0123456789"].map((char) => [char, -9] as const);
  const pieces = new Map<string, number>([
    ...SPECIAL.map((token) => [token, 0] as const),
    ...(fields.byte_fallback === true ? byteTokens.map((token) => [token, 0] as const) : []),
    ["▁", -3],
    ...letters,
    ...somePieces(random, [...words, ...marked(words)], 400),
  ]);
  return { type: "Unigram", unk_id: 0, vocab: [...pieces], ...fields };
}

function wordPiece(random: Random): Json {
  const words = trainingWords(random).flatMap((word) => [word, word.toLowerCase()]);
  const pieces = somePieces(random, words, 300).map(([piece]) => piece);
  const letters = [..."abcdefghijklmnopqrstuvwxyz!?.,'"];
  const tokens = new Set([
    ...SPECIAL,
    ...letters,
    ...letters.map((letter) => `##${letter}`),
    ...pieces.map((piece, at) => (at % 2 === 0 ? piece : `##${piece}`)),
  ]);
  return {
    type: "WordPiece",
    unk_token: "<unk>",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 20,
    vocab: Object.fromEntries([...tokens].map((token, id) => [token, id])),
  };
}

function wordLevel(random: Random): Json {
  const words = new Set([
    ...SPECIAL,
    ...trainingWords(random),
    ...marked(trainingWords(random)),
    "a",
    "b",
  ]);
  return {
    type: "WordLevel",
    unk_token: "<unk>",
    vocab: Object.fromEntries([...words].map((word, id) => [word, id])),
  };
}

/** Tokens added to a model: one of each kind of flag, ids after the vocabulary's. */
function extra(model: Json): readonly Json[] {
  const { vocab } = model;
  const count = Array.isArray(vocab) ? vocab.length : Object.keys(vocab as object).length; // a vocabulary is one of them
  const flags: readonly (readonly [string, Json])[] = [
    ["TOK", { single_word: true }],
    ["<mask>", { lstrip: true, special: true }],
    ["<|endoftext|>", { rstrip: true, special: true }],
    ["<|end", {}],
    ["NORM", { normalized: true }],
    ["Xyz", { normalized: true, single_word: true, rstrip: true }],
    ["é", { normalized: true, lstrip: true }],
    ["ab", { single_word: true, lstrip: true, rstrip: true }],
  ];
  const fresh = flags.filter(
    ([token]) => Array.isArray(vocab) || !Object.hasOwn(vocab as object, token),
  );
  const listed = Array.isArray(vocab) ? new Set(vocab.map(([token]) => token)) : new Set<string>();
  return fresh
    .filter(([token]) => !listed.has(token))
    .map(([token, fields], at) => added(token, count + at, fields));
}

function tokenizer(name: string, make: () => Json & { readonly model: Json }): Generated {
  return {
    name,
    json: () => {
      const fields = make();
      return {
        version: "1.0",
        truncation: null,
        padding: null,
        added_tokens: [...special, ...extra(fields.model)],
        normalizer: null,
        pre_tokenizer: null,
        post_processor: null,
        decoder: null,
        ...fields,
      };
    },
  };
}

/** Tokenizers with the components of published checkpoints. */
export function likeCheckpoints(): readonly Generated[] {
  const pieces = sequence("decoders", [
    { type: "Replace", pattern: { String: "▁" }, content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
    { type: "Strip", content: " ", start: 1, stop: 0 },
  ]);
  const precompiled = NORMALIZERS.find(({ type }) => type === "Precompiled") ?? {};
  const seed = (value: number): Random => random(value);
  return [
    tokenizer("GPT-2", () => ({
      model: byteBpe(seed(1)),
      pre_tokenizer: byteLevel(false),
      post_processor: byteLevel(true),
      decoder: byteLevel(true),
    })),
    tokenizer("GPT-NeoX", () => ({
      model: byteBpe(seed(2)),
      normalizer: { type: "NFC" },
      pre_tokenizer: byteLevel(false),
      decoder: byteLevel(false),
    })),
    tokenizer("RoBERTa", () => ({
      model: byteBpe(seed(3)),
      pre_tokenizer: byteLevel(true),
      post_processor: {
        type: "RobertaProcessing",
        sep: ["</s>", 2],
        cls: ["<s>", 1],
        trim_offsets: true,
        add_prefix_space: true,
      },
      decoder: byteLevel(true),
    })),
    tokenizer("Llama 2", () => ({
      model: charBpe(seed(4), { byte_fallback: true, fuse_unk: true }),
      normalizer: sequence("normalizers", [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ]),
      post_processor: template(["<s>", "A"]),
      decoder: pieces,
    })),
    tokenizer("Llama 2, not legacy", () => ({
      model: charBpe(seed(5), { byte_fallback: true, fuse_unk: true }),
      pre_tokenizer: metaspace("first", false),
      post_processor: template(["<s>", "A"]),
      decoder: pieces,
    })),
    tokenizer("Gemma", () => ({
      model: charBpe(seed(6), { byte_fallback: true, fuse_unk: true, ignore_merges: false }),
      normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
      pre_tokenizer: {
        type: "Split",
        pattern: { String: " " },
        behavior: "MergedWithPrevious",
        invert: false,
      },
      post_processor: template(["<s>", "A"]),
      decoder: sequence("decoders", [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
      ]),
    })),
    tokenizer("Gemma 3", () => {
      const model = charBpe(seed(6), { byte_fallback: true, fuse_unk: true });
      const runs = ["\n", "\n\n", "\t\t", "▁▁", "▁▁▁", "<unused0>", "<table>"];
      const { vocab } = model;
      const size = Object.keys(vocab as object).length; // charBpe makes an object
      return {
        model,
        added_tokens: [...special, ...runs.map((run, at) => added(run, size + at))],
        normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
        post_processor: template(["<s>", "A"]),
        decoder: sequence("decoders", [
          { type: "Replace", pattern: { String: "▁" }, content: " " },
          { type: "ByteFallback" },
          { type: "Fuse" },
        ]),
      };
    }),
    tokenizer("Llama 3", () => ({
      model: byteBpe(seed(7), { ignore_merges: true }),
      pre_tokenizer: sequence("pretokenizers", [split(GPT4), byteLevel(false, false)]),
      post_processor: sequence("processors", [byteLevel(true), template(["<s>", "A"])]),
      decoder: byteLevel(true),
    })),
    tokenizer("Qwen2", () => ({
      model: byteBpe(seed(8), { continuing_subword_prefix: "", end_of_word_suffix: "" }),
      normalizer: { type: "NFC" },
      pre_tokenizer: sequence("pretokenizers", [
        split(GPT4.replace("{1,3}", "")),
        byteLevel(false, false),
      ]),
      post_processor: byteLevel(false),
      decoder: byteLevel(false),
    })),
    tokenizer("o200k", () => ({
      model: byteBpe(seed(9)),
      pre_tokenizer: sequence("pretokenizers", [split(O200K), byteLevel(false, false)]),
      decoder: byteLevel(false),
    })),
    tokenizer("cl100k", () => ({
      model: byteBpe(seed(10), { ignore_merges: true }),
      pre_tokenizer: sequence("pretokenizers", [split(POSSESSIVE), byteLevel(false, false)]),
      decoder: byteLevel(false),
    })),
    tokenizer("DeepSeek", () => ({
      model: byteBpe(seed(11)),
      normalizer: sequence("normalizers", []),
      pre_tokenizer: BYTE_PRE_TOKENIZERS[7],
      decoder: byteLevel(true),
    })),
    tokenizer("T5", () => ({
      model: unigram(seed(12)),
      normalizer: precompiled,
      pre_tokenizer: sequence("pretokenizers", [{ type: "WhitespaceSplit" }, metaspace("always")]),
      post_processor: template(["A", "</s>"]),
      decoder: metaspace("always"),
    })),
    tokenizer("XLM-R", () => ({
      model: unigram(seed(13)),
      normalizer: NORMALIZERS[20],
      pre_tokenizer: { type: "Metaspace", replacement: "▁", add_prefix_space: true },
      post_processor: template(["<s>", "A", "</s>"]),
      decoder: { type: "Metaspace", replacement: "▁", add_prefix_space: true },
    })),
    tokenizer("Unigram with bytes", () => ({
      model: unigram(seed(14), { byte_fallback: true }),
      pre_tokenizer: metaspace("first"),
      decoder: pieces,
    })),
    tokenizer("ALBERT", () => ({
      model: unigram(seed(15)),
      normalizer: sequence("normalizers", [
        { type: "Replace", pattern: { String: "``" }, content: '"' },
        { type: "NFKD" },
        { type: "StripAccents" },
        { type: "Lowercase" },
        precompiled,
      ]),
      pre_tokenizer: metaspace("always"),
      decoder: metaspace("always"),
    })),
    tokenizer("BERT", () => ({
      model: wordPiece(seed(16)),
      normalizer: {
        type: "BertNormalizer",
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: true,
      },
      pre_tokenizer: { type: "BertPreTokenizer" },
      post_processor: template(["<s>", "A", "</s>"]),
      decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    })),
    tokenizer("GPT", () => ({
      model: charBpe(seed(17), {}, { suffix: "</w>" }),
      normalizer: {
        type: "BertNormalizer",
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: true,
        lowercase: true,
      },
      pre_tokenizer: { type: "BertPreTokenizer" },
      decoder: { type: "BPEDecoder", suffix: "</w>" },
    })),
    tokenizer("CLIP", () => ({
      model: byteBpe(seed(18)),
      normalizer: sequence("normalizers", [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
        { type: "Lowercase" },
      ]),
      pre_tokenizer: sequence("pretokenizers", [
        {
          type: "Split",
          pattern: { Regex: "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" },
          behavior: "Removed",
          invert: true,
        },
        byteLevel(false),
      ]),
      post_processor: {
        type: "RobertaProcessing",
        sep: ["</s>", 2],
        cls: ["<s>", 1],
        trim_offsets: false,
        add_prefix_space: false,
      },
      decoder: byteLevel(true),
    })),
    tokenizer("BPE with prefixes", () => ({
      model: charBpe(seed(19), { fuse_unk: true }, { prefix: "##" }),
      pre_tokenizer: { type: "Whitespace" },
      decoder: { type: "WordPiece", prefix: "##", cleanup: false },
    })),
    tokenizer("words", () => ({
      model: wordLevel(seed(20)),
      pre_tokenizer: { type: "WhitespaceSplit" },
      post_processor: { type: "BertProcessing", sep: ["</s>", 2], cls: ["<s>", 1] },
    })),
    tokenizer("Wav2Vec2", () => ({
      model: wordLevel(seed(21)),
      pre_tokenizer: split(""),
      decoder: { type: "CTC", pad_token: "<pad>", word_delimiter_token: "|", cleanup: true },
    })),
    tokenizer("ByteLevel normalizer", () => ({
      model: byteBpe(seed(22)),
      normalizer: sequence("normalizers", [{ type: "NFC" }, { type: "ByteLevel" }]),
      decoder: byteLevel(false),
    })),
  ];
}

/** A tokenizer of components that are drawn by its seed. */
export function drawn(seed: number): Generated {
  return tokenizer(`drawn ${seed}`, () => {
    const draw = random(seed);
    const bytes = draw.chance(0.25);
    const flags = {
      fuse_unk: draw.chance(0.5),
      byte_fallback: draw.chance(0.4),
      ignore_merges: draw.chance(0.3),
    };
    const model = bytes
      ? byteBpe(draw, { ignore_merges: flags.ignore_merges })
      : draw.pick([
          () => charBpe(draw, { ...flags, unk_token: draw.chance(0.7) ? "<unk>" : null }),
          () => charBpe(draw, flags, draw.chance(0.5) ? { suffix: "</w>" } : { prefix: "##" }),
          () => unigram(draw, { byte_fallback: flags.byte_fallback }),
          () => wordPiece(draw),
          () => wordLevel(draw),
        ])();
    return {
      model,
      normalizer: draw.chance(0.7) ? draw.pick(NORMALIZERS) : null,
      pre_tokenizer: bytes
        ? draw.pick(BYTE_PRE_TOKENIZERS)
        : draw.chance(0.9)
          ? draw.pick(PRE_TOKENIZERS)
          : null,
      post_processor: draw.pick(POST_PROCESSORS),
      decoder: bytes && draw.chance(0.7) ? byteLevel(true) : draw.pick(DECODERS),
    };
  });
}
