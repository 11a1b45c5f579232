import type { Config } from "./config.ts";
import { badTokenizer, isCount, isText } from "./part.ts";
import { readTokenizer } from "./pipeline.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** What stood in files of its own before there was tokenizer.json. */
export interface SeparateFiles {
  /** vocab.json: `{"token": id}`. */
  readonly vocab: Readonly<Record<string, unknown>>;
  /** merges.txt: a line each, after one with the version. */
  readonly merges: string;
  /** added_tokens.json: `{"token": id}`. */
  readonly added: Readonly<Record<string, unknown>>;
  /** `model_type` of config.json. */
  readonly family: unknown;
}

const QWEN_WORDS =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** Byte-level BPE as transformers sets it up for a class of tokenizers: what is not in the files. */
interface Setup {
  readonly normalizer: object | null;
  readonly preTokenizer: (prefixSpace: boolean) => object;
  readonly special: Readonly<Record<string, string>>;
}

const byteLevel = (add_prefix_space: boolean, use_regex: boolean): object => ({
  type: "ByteLevel",
  add_prefix_space,
  trim_offsets: false,
  use_regex,
});

const GPT2: Setup = {
  normalizer: null,
  preTokenizer: (prefixSpace) => byteLevel(prefixSpace, true),
  special: {
    bos_token: "<|endoftext|>",
    eos_token: "<|endoftext|>",
    unk_token: "<|endoftext|>",
  },
};

const QWEN: Setup = {
  normalizer: { type: "NFC" },
  preTokenizer: (prefixSpace) => ({
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: QWEN_WORDS }, behavior: "Isolated", invert: false },
      byteLevel(prefixSpace, false),
    ],
  }),
  special: { eos_token: "<|endoftext|>", pad_token: "<|endoftext|>", unk_token: "<|endoftext|>" },
};

const SETUPS: ReadonlyMap<unknown, Setup> = new Map([
  ["GPT2Tokenizer", GPT2],
  ["GPT2TokenizerFast", GPT2],
  ["Qwen2Tokenizer", QWEN],
  ["Qwen2TokenizerFast", QWEN],
  ["gpt2", GPT2],
  ["qwen2", QWEN],
  ["qwen3", QWEN],
]);

/**
 * The tokenizer of vocab.json and merges.txt: by the class that the config names, else by the model's family.
 *
 * @throws InputError `transformer/bad-tokenizer` for other classes: the files do not say how they split a text
 */
export async function fromVocabAndMerges(files: SeparateFiles, config: Config): Promise<Tokenizer> {
  const name = config.tokenizer_class ?? files.family;
  const setup = SETUPS.get(name);
  if (setup === undefined) {
    throw badTokenizer(
      `how ${isText(name) ? name : "this tokenizer"} splits a text does not stand in them (GPT-2's and Qwen's classes are known)`,
      { class: name },
    );
  }
  const added = Object.entries(files.added).filter(([token]) => !Object.hasOwn(files.vocab, token));
  added.sort(([, a], [, b]) => Number(a) - Number(b));
  const tokenizer = await readTokenizer(
    {
      added_tokens: added.map(([content, id]) => ({ id, content, normalized: true })),
      normalizer: setup.normalizer,
      pre_tokenizer: setup.preTokenizer(config.add_prefix_space === true),
      decoder: byteLevel(true, true),
      model: { type: "BPE", vocab: files.vocab, merges: mergesOf(files.merges) },
    },
    { ...setup.special, ...config },
  );
  for (const [token, id] of added) {
    if (!isCount(id) || tokenizer.id(token) !== id) {
      throw badTokenizer(
        `added_tokens.json gives ${JSON.stringify(token)} the id ${JSON.stringify(id)}, and the next free one is ${tokenizer.id(token)}`,
        { token, id },
      );
    }
  }
  return tokenizer;
}

function mergesOf(text: string): readonly string[] {
  return text.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#version"));
}
