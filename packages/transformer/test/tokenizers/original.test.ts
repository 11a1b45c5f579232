import { memoryFolder } from "@resolvent/weights";
import { expect, test } from "vitest";
import { loadTokenizer, type Tokenizer } from "../../src/index.ts";
import { drawn, likeCheckpoints } from "./generated.ts";
import { describeWithOriginal } from "./original.ts";
import { random } from "./random.ts";
import { texts } from "./texts.ts";

/** Texts for each tokenizer, and ids that are decoded beside those of the texts. */
const COUNT = 2000;
const DRAWN = 40;

async function tokenizerOf(json: unknown): Promise<Tokenizer> {
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  const tokenizer = await loadTokenizer(memoryFolder(new Map([["tokenizer.json", bytes]]), "tok"));
  if (tokenizer === undefined) throw new Error("there is a tokenizer.json");
  return tokenizer;
}

describeWithOriginal("beside the original implementation", (originalOf) => {
  // The original takes no halves of surrogate pairs.
  const list = texts(random(7), COUNT).map((text) => text.replace(/\p{Surrogate}/gu, "\ufffd"));
  const all = [...likeCheckpoints(), ...Array.from({ length: DRAWN }, (_, at) => drawn(1000 + at))];
  test.each(all)(
    "$name",
    async ({ json: make }) => {
      const json = make();
      const original = originalOf(json);
      const ours = await tokenizerOf(json);
      const draw = random(8);
      const expected = await original.encodeAll(list);
      const differing = list.flatMap((text, at) => {
        const ids = ours.encode(text);
        return same(ids, expected[at] ?? [])
          ? []
          : [
              JSON.stringify({
                text,
                ours: ids.map((id) => ours.token(id)).join("|"),
                original: expected[at]?.map((id) => ours.token(id)).join("|"),
              }),
            ];
      });
      expect(differing.length, differing.slice(0, 3).join("\n")).toBe(0);
      const some = Array.from({ length: COUNT }, () =>
        Array.from({ length: draw.below(12) }, () => draw.below(ours.size + 2)),
      );
      const lists = [...expected, ...some];
      const decoded = await original.decodeAll(lists);
      const wrong = lists.flatMap((ids, at) => {
        const text = ours.decode(ids);
        return text === decoded[at]
          ? []
          : [
              JSON.stringify({
                tokens: ids.map((id) => ours.token(id)),
                ours: text,
                original: decoded[at],
              }),
            ];
      });
      expect(wrong.length, wrong.slice(0, 3).join("\n")).toBe(0);
    },
    60_000,
  );
});

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, at) => id === b[at]);
}
