import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import { run } from "./program.ts";

const page = readFileSync(new URL("../../../docs/walk-through.md", import.meta.url), "utf8");

/** A command of the page, and what the page says that it prints. */
interface Step {
  readonly title: string;
  readonly args: readonly string[];
  readonly quoted: string;
}

/**
 * The commands of the page: `name="value"` or `name='value'` on lines of their own set variables, which commands
 * name as `"$name"`; a command is the rest of its block, and its output the block after it.
 */
function stepsOf(text: string): Step[] {
  const variables = new Map<string, string>();
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  return blocks.flatMap(([, language, block = ""], i): Step[] => {
    if (language !== "sh") return [];
    for (const [, name = "", double, single] of block.matchAll(
      /^(\w+)=(?:"([^"]*)"|'([^']*)')$/gm,
    )) {
      variables.set(name, double ?? single ?? "");
    }
    const line = /^npx resolvent (.*)/ms.exec(block)?.[1];
    if (line === undefined) return [];
    const words = line.replaceAll("\\\n", " ").match(/"[^"]*"|\S+/g) ?? [];
    const args = words.map((word) => {
      if (!word.startsWith('"')) return word;
      return word.slice(1, -1).replace(/^\$(\w+)$/, (_, name) => {
        const value = variables.get(name);
        if (value === undefined) throw new Error(`The page uses $${name} before it sets it.`);
        return value;
      });
    });
    const [, next, quoted = ""] = blocks[i + 1] ?? [];
    if (next !== "text") throw new Error(`The page has no output of: ${line}`);
    return [{ title: line.replace(/\s*\\\n\s*/g, " ").trim(), args, quoted }];
  });
}

/** What stands between the `…` of a quotation: lines that follow each other. */
const passagesOf = (quoted: string): string[] =>
  quoted
    .split(/^…$/m)
    .map((passage) => passage.replace(/^\n+|\n+$/g, ""))
    .filter((passage) => passage !== "");

const steps = stepsOf(page);

describe("docs/walk-through.md", () => {
  test("its commands are found", () => {
    expect(steps.length).toBe([...page.matchAll(/^npx resolvent /gm)].length);
    expect(steps.length).toBeGreaterThan(30);
    const outputs = [...page.matchAll(/^```text$/gm)];
    expect(outputs.length).toBe(steps.length);
  });

  // In this process: thirty processes would take longer to start than to compute.
  test.each(steps)("$title", { timeout: 30_000 }, async ({ args, quoted }) => {
    const { code, stdout, stderr } = await run(analyses, args);
    expect([code, stderr]).toEqual([0, ""]);
    const printed = stdout
      .split("\n")
      .map((line) => line.trimEnd())
      .join("\n");
    const passages = passagesOf(quoted);
    expect(passages.length).toBeGreaterThan(0);
    let from = 0;
    for (const passage of passages) {
      // Whole lines, in the order of the page; where one is missing, all of the output is shown.
      const at = `\n${printed}`.indexOf(`\n${passage}\n`, from);
      if (at < 0) expect(printed).toBe(quoted);
      from = at + passage.length;
    }
  });

  test("numbers in its text are numbers that a command printed", () => {
    const quotes = steps.map(({ quoted }) => quoted).join("\n");
    const printed = new Set(quotes.match(/\d+\.\d+/g));
    // What stands between the blocks; chapters (1.3), heads (2.2) and the names of files are no results.
    const prose = page.replace(/^```.*?^```$/gms, "");
    const numbers = prose.match(/(?<![\w.])\d+\.\d{2,}(?![\w.]*\d)/g) ?? [];
    expect(numbers.length).toBeGreaterThan(40);
    expect(numbers.filter((number) => !printed.has(number))).toEqual([]);
  });
});
