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
  /**
   * One token as it reads in the middle of a text: ` Mary`, with its leading space. Bytes that are no whole character
   * read `<0xC3>`; an id without a token reads `<99>`.
   */
  token(id: number): string;
  /** The id of an entry of the vocabulary, spelled as it is there: `Ġab`, `▁ab`, `<0x0A>`, `<s>`. */
  id(token: string): number | undefined;
  /** One above the largest id. */
  readonly size: number;
  /** Whether an id is one of the special tokens, which stand for no text. */
  isSpecial(id: number): boolean;
  /**
   * The bytes that a token stands for in the middle of a text: the UTF-8 of ` Mary`, or a part of a character.
   * Undefined for special tokens and for ids without a token.
   */
  bytes(id: number): Uint8Array | undefined;
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
  const special = new Set<number>();
  for (const token of list(json.added_tokens)) {
    if (token.special === true && typeof token.id === "number") special.add(token.id);
  }
  const spelled = [
    ...inner.get_vocab(true), // a pair each
  ];
  const ids = new Map(spelled);
  const size = spelled.reduce((most, [, id]) => Math.max(most, id + 1), 0);
  const byteLevel = JSON.stringify(json.decoder ?? null).includes('"ByteLevel"');
  const bytes = (id: number): Uint8Array | undefined => {
    const token = inner.id_to_token(id);
    return token === undefined || special.has(id) ? undefined : bytesOf(token, byteLevel);
  };
  return {
    encode: (text, { special = true } = {}) =>
      inner.encode(text, { add_special_tokens: special }).ids,
    decode: (ids) => inner.decode([...ids], { skip_special_tokens: true }),
    token: (id) => {
      const all = bytes(id);
      return all === undefined ? (inner.id_to_token(id) ?? `<${id}>`) : shown(all);
    },
    id: (token) => ids.get(token),
    size,
    isSpecial: (id) => special.has(id),
    bytes,
  };
}

function list(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value : [];
}

/** The characters that byte-level tokenizers write for bytes: printable ones as they are, others from U+0100 on. */
const BYTE_OF: ReadonlyMap<string, number> = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
  let next = 0x100;
  return new Map(
    Array.from({ length: 256 }, (_, byte) => [
      String.fromCodePoint(printable(byte) ? byte : next++),
      byte,
    ]),
  );
})();

function bytesOf(token: string, byteLevel: boolean): Uint8Array {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(token)?.[1];
  if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
  if (byteLevel) {
    const bytes = [...token].map((char) => BYTE_OF.get(char));
    if (bytes.every((byte) => byte !== undefined)) return Uint8Array.from(bytes);
  }
  // SentencePiece marks spaces with U+2581, and its decoders drop one at the start of a text.
  return new TextEncoder().encode(token.replaceAll("▁", " "));
}

/** Bytes as text: characters where they are UTF-8, else `<0xC3>`. */
function shown(bytes: Uint8Array): string {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    try {
      text += strict.decode(bytes.subarray(at, at + length));
      at += length;
    } catch {
      text += `<0x${first.toString(16).toUpperCase().padStart(2, "0")}>`;
      at += 1;
    }
  }
  return text;
}
