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
  /** A token as the vocabulary spells it; undefined for an id without a token. */
  entry(id: number): string | undefined;
  /** One above the largest id. */
  readonly size: number;
  /** Whether an id is one of the special tokens, which stand for no text. */
  isSpecial(id: number): boolean;
  /**
   * The bytes that a token stands for in the middle of a text: the UTF-8 of ` Mary`, or a part of a character.
   * Undefined for special tokens and for ids without a token.
   */
  bytes(id: number): Uint8Array | undefined;
  /** What of a text its ids do not stand for. */
  losses(text: string): TextLosses;
}

/** Parts of a text, each once, in the order in which they come. */
export interface TextLosses {
  /** Characters that are in no token: the model cannot express them, or a step before it takes them away. */
  readonly vanished: readonly string[];
  /** Characters or words that became the unknown token. */
  readonly unknown: readonly string[];
}
