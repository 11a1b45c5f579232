import type { Part } from "./part.ts";
import { type Model, unknownId, vocabOf } from "./vocab.ts";

/** Each word is an entry, or unknown. */
export function wordLevel(part: Part): Model {
  part.only("unk_token", "vocab");
  const vocab = vocabOf(part);
  const unknown = part.text("unk_token");
  return {
    vocab,
    encode: (word, ids, report) => {
      const id = vocab.id(word);
      if (id === undefined) report?.({ kind: "unknown", text: word });
      ids.push(id ?? unknownId(vocab, unknown, word));
    },
  };
}
