import { questionHash, textFile, type Vocabulary } from "@resolvent/analysis";
import {
  choicesParameter,
  countParameter,
  fileParameter,
  flagParameter,
  jsonLinesParameter,
  modelParameter,
  newFileParameter,
  parameters,
  promptParameter,
  promptsParameter,
  targetParameter,
} from "@resolvent/analysis/parameters";
import { describe, expect, test } from "vitest";

const vocabulary: Pick<Vocabulary, "encode" | "tokenId"> = {
  encode: (prompt) => {
    if (typeof prompt !== "string") return prompt;
    if (prompt === "unreadable") throw new Error("no such text");
    return [...prompt].map(Number);
  },
  tokenId: Number,
};
const analysis = {
  name: "sums",
  params: parameters({
    prompt: promptParameter("text"),
    corrupt: promptParameter("another", { optional: true }),
    among: promptsParameter("others"),
    target: targetParameter(),
    top: countParameter("how many", { default: 20 }),
    freeze: choicesParameter("gates", ["pattern", "norm"], { default: ["pattern", "norm"] }),
    positions: flagParameter("by position"),
    other: modelParameter("a model", { optional: true }),
    corpus: fileParameter("texts"),
    lines: jsonLinesParameter("rows"),
    out: newFileParameter("where it goes"),
  }),
};
const model = { name: "tiny", sha256: "ab" };
const asked = { analysis, model, vocabulary, values: { prompt: "12" } };
const hash = (values: Readonly<Record<string, unknown>>, more: object = {}): Promise<string> =>
  questionHash({ ...asked, ...more, values: { ...asked.values, ...values } });
const file = (text: string, name = "corpus") => textFile(name, text);

describe("the hash of a question", () => {
  test("is a SHA-256 of canonical JSON, the same in every release", async () => {
    // printf %s '{"analysis":"sums","model":"sha256:ab","parameters":{"among":[],"freeze":["pattern","norm"],"positions":false,"prompt":[1,2],"top":20},"question":1}' | sha256sum
    expect(await hash({})).toBe("511ae5aacbd309965cd02b3255cc7d704f4d671af32bce460744e30c51eb257f");
  });

  test.each([
    ["a text and its ids", { prompt: [1, 2] }],
    ["a default that is written out", { top: 20, positions: false, among: [] }],
    ["some words in another order", { freeze: ["norm", "pattern"] }],
    ["where files are written", { out: { name: "x", write: async () => {} } }],
  ])("is the same whatever differs in how it is asked: %s", async (_, values) => {
    expect(await hash(values)).toBe(await hash({}));
  });

  test("of texts, tokens and files is of what they are, not of how they are called", async () => {
    expect(await hash({ corrupt: "34", target: ["1", 2] })).toBe(
      await hash({ corrupt: [3, 4], target: [1, "2"] }),
    );
    expect(await hash({ corpus: file("a\n") })).toBe(await hash({ corpus: file("a\n", "b") }));
    expect(await hash({ lines: "a\r\nb\r\n" })).toBe(await hash({ lines: "a\nb" }));
    const other = (sha256: string | null, name = "x") => ({ models: { other: { name, sha256 } } });
    expect(await hash({ other: "one" }, other("cd"))).toBe(
      await hash({ other: "two" }, other("cd", "y")),
    );
    expect(await hash({}, { model: { ...model, name: "renamed" } })).toBe(await hash({}));
  });

  test("differs wherever what is asked does", async () => {
    const hashes = await Promise.all([
      hash({}),
      hash({ prompt: "21" }),
      hash({ prompt: "unreadable" }),
      hash({ corrupt: "12" }),
      hash({ among: ["12"] }),
      hash({ target: [1] }),
      hash({ target: [1, 2] }),
      hash({ target: [2, 1] }),
      hash({ top: 19 }),
      hash({ freeze: [] }),
      hash({ freeze: ["norm"] }),
      hash({ positions: true }),
      hash({ corpus: file("a") }),
      hash({ corpus: file("b") }),
      hash({ lines: "a" }),
      hash({ other: "one" }),
      hash({ other: "one" }, { models: { other: { name: "one", sha256: "cd" } } }),
      hash({}, { model: { name: "tiny", sha256: "ac" } }),
      hash({}, { model: { name: "tiny", sha256: null } }),
      hash({}, { model: undefined }),
      hash({}, { dictionaries: [{ name: "a" }] }),
      hash({}, { dictionaries: [{ name: "a" }, { name: "b" }] }),
      hash({}, { analysis: { ...analysis, name: "others" } }),
    ]);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
