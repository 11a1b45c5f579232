import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder, writeModel } from "./models.ts";
import { resolvent } from "./program.ts";

interface Warned {
  readonly warnings?: readonly { readonly code: string; readonly message: string }[];
}

const folder = temporaryFolder();
let letters: string;
let words: string;
beforeAll(async () => {
  letters = await writeModel(join(folder, "letters"), "gpt2");
  words = await writeModel(join(folder, "words"), "gpt2", {
    tokenizer: {
      pre_tokenizer: { type: "WhitespaceSplit" },
      model: { type: "WordLevel", unk_token: "[UNK]", vocab: { "[UNK]": 0, foo: 1, bar: 2 } },
    },
  });
});

async function warned(args: readonly string[]): Promise<{ stderr: string; result: Warned }> {
  const { code, stdout, stderr } = await resolvent([...args, "--json"]);
  expect(code, stderr).toBe(0);
  return { stderr, result: JSON.parse(stdout) as Warned }; // what the command writes
}

describe.concurrent("text that its tokens do not stand for", () => {
  test("characters that vanish are named on standard error and in the result", async () => {
    const { stderr, result } = await warned(["run", letters, "--prompt", "aXb日"]);
    expect(stderr).toMatch(/warning: .*vanished.*"X", "日" \(U\+65E5\)/);
    expect(result.warnings?.map(({ code }) => code)).toEqual(["text-vanished"]);
  });

  test("words that become the unknown token", async () => {
    const { stderr, result } = await warned(["run", words, "--prompt", "foo baz  bar"]);
    expect(stderr).toMatch(/warning: .*unknown token: "baz"\./);
    expect(result.warnings?.map(({ code }) => code)).toEqual(["text-unknown"]);
  });

  test("nothing is said where nothing is lost", async () => {
    for (const args of [
      ["run", letters, "--prompt", "un été"],
      ["run", words, "--prompt", " foo\tbar\n"],
      ["run", words, "--tokens", "0,1"],
    ]) {
      const { stderr, result } = await warned(args);
      expect(stderr).not.toMatch(/warning/);
      expect(result.warnings).toEqual([]);
    }
  });
});

test("a tokenizer that cannot be used only matters for text", async () => {
  for (const [name, file, content] of [
    ["odd", "tokenizer.json", '{"model":{"type":"Sausage"}}'],
    ["sentencepiece", "tokenizer.model", "\u0000"],
  ] as const) {
    const path = await writeModel(join(folder, name), "gpt2", { tokenizer: null });
    await writeFile(join(path, file), content);
    const text = await resolvent(["run", path, "--prompt", "a"]);
    expect([text.code, text.stderr]).toEqual([3, expect.stringContaining(file)]);
    expect((await resolvent(["run", path, "--tokens", "1"])).code).toBe(0);
  }
});
