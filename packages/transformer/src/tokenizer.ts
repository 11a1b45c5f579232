import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { InputError } from "@resolvent/tensor";
import type { Folder } from "@resolvent/weights";
import { readJson } from "./files.ts";

/** Text to token ids and back. */
export interface Tokenizer {
  /** Token ids of a text, with the special tokens that the tokenizer puts around it unless `special` is false. */
  encode(text: string, options?: { readonly special?: boolean }): number[];
  /** The text of token ids, without special tokens. */
  decode(ids: readonly number[]): string;
  /** One token as it reads in the middle of a text: ` Mary`, with its leading space. */
  token(id: number): string;
  /** The id of an entry of the vocabulary as it is written there: `Ġthe`, `▁the`, `<0x0A>`. */
  id(entry: string): number | undefined;
  /** A token as the vocabulary writes it; undefined for an id that it does not have. */
  entry(id: number): string | undefined;
}

/**
 * The tokenizer of a model's folder (tokenizer.json, with tokenizer_config.json where there is one), or undefined
 * where it has none.
 *
 * @throws InputError `transformer/bad-tokenizer`
 */
export async function loadTokenizer(folder: Folder): Promise<Tokenizer | undefined> {
  const json = await readJson(folder, "tokenizer.json");
  if (json === undefined) return undefined;
  const config = (await readJson(folder, "tokenizer_config.json")) ?? {};
  let inner: HuggingFaceTokenizer;
  try {
    inner = new HuggingFaceTokenizer(json, config);
  } catch (cause) {
    throw new InputError({
      code: "transformer/bad-tokenizer",
      message: `${folder.name}: tokenizer.json cannot be used: ${cause instanceof Error ? cause.message : cause}.`,
      remedy: "Give token ids instead of text.",
      details: { folder: folder.name },
      cause,
    });
  }
  return {
    encode: (text, { special = true } = {}) =>
      inner.encode(text, { add_special_tokens: special }).ids,
    decode: (ids) => inner.decode([...ids], { skip_special_tokens: true }),
    token: (id) => shown(inner, id),
    id: (entry) => inner.token_to_id(entry),
    entry: (id) => inner.id_to_token(id),
  };
}

function shown(inner: HuggingFaceTokenizer, id: number): string {
  const raw = inner.id_to_token(id);
  if (raw === undefined) return `<${id}>`;
  const byte = /^<0x([0-9A-F]{2})>$/.exec(raw)?.[1];
  if (byte !== undefined) {
    const code = Number.parseInt(byte, 16);
    return code < 0x80 ? String.fromCharCode(code) : raw;
  }
  // SentencePiece marks spaces with U+2581, and its decoders drop one at the start of a text.
  if (raw.includes("▁")) return raw.replaceAll("▁", " ");
  const text = inner.decode([id], {
    skip_special_tokens: false,
    clean_up_tokenization_spaces: false,
  });
  return text === "" ? raw : text;
}
