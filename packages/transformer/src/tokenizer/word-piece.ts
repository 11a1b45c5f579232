import type { Part } from "./part.ts";
import { type Model, unknownId, vocabOf } from "./vocab.ts";

/** The longest entry from the left each time (BERT's WordPiece); a word that does not come out even is unknown. */
export function wordPiece(part: Part): Model {
  part.only("unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab");
  const vocab = vocabOf(part);
  const unknown = part.text("unk_token");
  const prefix = part.text("continuing_subword_prefix");
  const longest = part.count("max_input_chars_per_word");
  return {
    vocab,
    encode: (word, ids, report) => {
      const chars = Array.from(word);
      const found: number[] = [];
      let start = 0;
      while (chars.length <= longest && start < chars.length) {
        let end = chars.length;
        let id: number | undefined;
        for (; end > start; end--) {
          id = vocab.id((start > 0 ? prefix : "") + chars.slice(start, end).join(""));
          if (id !== undefined) break;
        }
        if (id === undefined) break;
        found.push(id);
        start = end;
      }
      if (start === chars.length) {
        for (const id of found) ids.push(id);
        return;
      }
      report?.({ kind: "unknown", text: word });
      ids.push(unknownId(vocab, unknown, word));
    },
  };
}
