import { tinyModel } from "@resolvent/testkit";
import { loadTokenizer } from "@resolvent/transformer";
import { memoryFolder } from "@resolvent/weights";
import { expect, test } from "vitest";
import { chosenTemplate } from "../src/chat-template.ts";
import { openMergeModel, planMerge, readMergeConfig } from "../src/index.ts";
import { resultFiles } from "../src/result-files.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A model that has a template in tokenizer_config.json, several there, or one in a file of its own. */
function having(chat_template: unknown, jinja?: string) {
  const files = new Map([["tokenizer_config.json", bytes(JSON.stringify({ chat_template }))]]);
  if (jinja !== undefined) files.set("chat_template.jinja", bytes(jinja));
  return { folder: memoryFolder(files) };
}

const several = [
  { name: "tool_use", template: "tools" },
  { name: "default", template: "one" },
];

test.each([
  ["the most frequent", { a: having("one"), b: having("two"), c: having("two") }, "two"],
  ["of equals the donor's", { b: having("two"), a: having("one") }, "one"],
  ["else the first", { a: having(undefined), b: having("two"), c: having("three") }, "two"],
  ["of several the default", { a: having("two"), b: having(several), c: having("one") }, "one"],
  ["a file before a field", { a: having("one", "file"), b: having("file") }, "file"],
  ["none", { a: having(undefined), b: having([]) }, undefined],
])("auto: %s", async (_, models, expected) => {
  const plan = { chat_template: "auto", donor: "a" };
  expect(await chosenTemplate(plan, new Map(Object.entries(models)))).toBe(expected);
});

/** A model of 29 tokens by number, of which some are others. */
async function speaking(seed: number, others: Readonly<Record<string, number>>) {
  const tiny = tinyModel("llama", { seed });
  const files = new Map<string, Uint8Array>();
  for (const name of ["config.json", "model.safetensors"]) {
    const file = await tiny.open(name);
    if (file !== undefined) files.set(name, await file.read(0, await file.size()));
  }
  const taken = new Set(Object.values(others));
  const numbered = Array.from({ length: 29 }, (_, id) => [`t${id}`, id] as const);
  const vocab = { ...Object.fromEntries(numbered.filter(([, id]) => !taken.has(id))), ...others };
  const model = { type: "WordLevel", unk_token: "t0", vocab };
  const tokenizer = { pre_tokenizer: { type: "WhitespaceSplit" }, model, added_tokens: [] };
  files.set("tokenizer.json", bytes(JSON.stringify(tokenizer)));
  files.set(
    "tokenizer_config.json",
    bytes(JSON.stringify({ added_tokens_decoder: {}, chat_template: "mine" })),
  );
  return await openMergeModel(memoryFolder(files));
}

test("a built vocabulary and a chat template are written together; a token has the id of its row", async () => {
  // The donor's `late` has no row; that of the other is appended.
  const models = new Map([
    ["a", await speaking(1, { late: 40 })],
    ["b", await speaking(2, { late: 27, new: 28 })],
  ]);
  const recipe = readMergeConfig({
    merge_method: "linear",
    models: [...models.keys()].map((model) => ({ model })),
    parameters: { weight: 1 },
    tokenizer_source: "union",
    chat_template: "chatml",
  });
  const plan = planMerge(recipe, models);
  const { vocab = {} } = plan.tokenizer ?? {};
  expect([vocab.t28, vocab.late, vocab.new]).toEqual([28, 29, 30]);
  const files = await resultFiles(plan, models);
  const config = JSON.parse(new TextDecoder().decode(files.get("tokenizer_config.json")));
  expect(config.chat_template).toContain("<|im_start|>");
  expect(config.added_tokens_decoder).toMatchObject({
    29: { content: "late" },
    30: { content: "new" },
  });
  const tokenizer = await loadTokenizer(memoryFolder(files));
  for (const [token, id] of Object.entries(vocab)) expect(tokenizer?.id(token), token).toBe(id);
});
