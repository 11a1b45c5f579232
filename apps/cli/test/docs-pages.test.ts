import { describe, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import { expectAllSteps, expectQuoted, readPage, stepsOf, wordsOf } from "./documented.ts";
import { run } from "./program.ts";

describe("docs/idea.md", () => {
  const page = readPage("idea.md");
  const steps = stepsOf(page);

  test("its commands are found", () => {
    expectAllSteps(page, steps);
    expect(steps.length).toBe(3);
  });

  test.each(steps)("$title", (step) => expectQuoted(step, "idea.md"));
});

/** Commands that stand in a text or in a table, and those of blocks without an output. */
function commandsOf(page: string): string[] {
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  const lines = blocks.flatMap((block) => block.split("\n"));
  const inline = [...page.matchAll(/`(npx resolvent [^`]+)`/g)].map(([, line = ""]) => line);
  return [...new Set([...inline, ...lines.filter((line) => line.startsWith("npx resolvent "))])];
}

/** Commands that are no analyses, stand for any, or ask for a file of the reader's. */
const others = [
  /^COMMAND/,
  /^lab( |$)/,
  /^residual-norms /,
  /^merge merge\.yml /,
  /--prompt "…"/,
  / prompts\.txt/,
  /^sweep report /,
];

// What each would do is checked and counted, on the shapes of its model; other tests compute.
describe.each([
  ["which-command.md", 25],
  ["gallery.md", 7],
  ["coming-from.md", 4],
  ["contribute.md", 0],
])("docs/%s", (name, least) => {
  const page = readPage(name);
  const variables = new Map(
    [...page.matchAll(/^(\w+)="([^"]*)"$/gm)].map(([, key = "", value = ""]) => [key, value]),
  );
  const commands = commandsOf(page)
    .map((line) => line.replace("npx resolvent ", ""))
    .filter((line) => !others.some((other) => other.test(line)));

  test("its commands are found", () => {
    expect(commands.length).toBeGreaterThanOrEqual(least);
  });

  test.each(commands)("takes %s", async (line) => {
    const words = wordsOf(line, (key) => variables.get(key) ?? `$${key}`);
    const dry = words.includes("--dry-run") ? [] : ["--dry-run"];
    const { code, stderr } = await run(analyses, [...words, ...dry]);
    expect(code, stderr).toBe(0);
  });
});
