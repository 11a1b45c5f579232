import type { Vocabulary } from "@resolvent/analysis";
import type { InputError } from "@resolvent/tensor";
import type { Tokenizer } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { usageError } from "./failure.ts";
import { encode, noTokenizer } from "./tokens.ts";

/**
 * How a model's text becomes tokens and back; `size` is how many tokens it knows. Each text that is encoded goes to
 * `read` too; `fault` is why there is no tokenizer, where there should be one.
 */
export function vocabularyOf(
  tokenizer: Tokenizer | undefined,
  folder: Folder,
  size: number,
  { read, fault }: { read?: (text: string) => void; fault?: InputError | undefined } = {},
): Vocabulary {
  const text = (id: number): string => tokenizer?.token(id) ?? String(id);
  return {
    text,
    decode: (ids) => tokenizer?.decode(ids) ?? "",
    encode: (prompt) => {
      if (typeof prompt !== "string") return prompt;
      if (fault !== undefined) throw fault;
      const ids = encode(prompt, tokenizer, folder);
      read?.(prompt);
      return ids;
    },
    tokenId: (word) => {
      if (/^\d{1,9}$/.test(word)) {
        const id = Number(word);
        if (id < size) return id;
        throw usageError(`${folder.name} has tokens 0 to ${size - 1}, got ${id}.`);
      }
      if (tokenizer === undefined) {
        throw fault ?? noTokenizer(folder, "Give the number of the token.");
      }
      const whole = tokenizer.encode(word, { special: false });
      // Some tokenizers put a space before every text themselves.
      const bare = tokenizer.encode(word.trimStart(), { special: false });
      const [id] = whole.length === 1 ? whole : bare;
      const one =
        whole.length === 1 || (bare.length === 1 && id !== undefined && text(id) === word);
      if (id !== undefined && one) return id;
      const pieces = whole.map((id) => JSON.stringify(text(id))).join(", ");
      throw usageError(
        `${JSON.stringify(word)} is ${whole.length} tokens${pieces && ` (${pieces})`}, not one.`,
        'Spaces count: " Mary" is another token than "Mary". A token\'s number does as well.',
      );
    },
  };
}
