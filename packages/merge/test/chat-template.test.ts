import { memoryFolder } from "@resolvent/weights";
import { expect, test } from "vitest";
import { chosenTemplate } from "../src/chat-template.ts";

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
