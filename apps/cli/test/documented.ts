import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { analyses } from "../src/analyses.ts";
import { run } from "./program.ts";

/** The repository: pages name files from here, as whoever runs their commands does. */
const root = fileURLToPath(new URL("../../../", import.meta.url));

/** A command of a page, and what the page says that it prints. */
export interface Step {
  readonly title: string;
  readonly args: readonly string[];
  readonly quoted: string;
}

/** A page of `docs`, as text. */
export const readPage = (name: string): string => readFileSync(`${root}docs/${name}`, "utf8");

/**
 * The commands of a page: `name="value"` or `name='value'` on lines of their own set variables, which commands
 * name as `"$name"`; a command is the rest of its block, and its output the block after it. In blocks of another
 * language than `sh` commands are shown without an output.
 */
export function stepsOf(page: string): Step[] {
  const variables = new Map<string, string>();
  const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  return blocks.flatMap(([, language, block = ""], i): Step[] => {
    if (language !== "sh") return [];
    for (const [, name = "", double, single] of block.matchAll(
      /^(\w+)=(?:"([^"]*)"|'([^']*)')$/gm,
    )) {
      variables.set(name, double ?? single ?? "");
    }
    const line = /^npx resolvent (.*)/ms.exec(block)?.[1];
    if (line === undefined) return [];
    const args = wordsOf(line, (name) => {
      const value = variables.get(name);
      if (value === undefined) throw new Error(`The page uses $${name} before it sets it.`);
      return value;
    });
    const [, next, quoted = ""] = blocks[i + 1] ?? [];
    if (next !== "text") throw new Error(`The page has no output of: ${line}`);
    return [{ title: line.replace(/\s*\\\n\s*/g, " ").trim(), args, quoted }];
  });
}

/** The arguments of a command line, `"$name"` replaced by its value, and files of `docs` by their whole path. */
export function wordsOf(line: string, lookUp: (variable: string) => string): string[] {
  const words = line.replaceAll("\\\n", " ").match(/"[^"]*"|\S+/g) ?? [];
  return words.map((word) => {
    if (!word.startsWith('"')) return word.replace(/^docs\//, `${root}docs/`);
    return word.slice(1, -1).replace(/^\$(\w+)$/, (_, name) => lookUp(name));
  });
}

/** What stands between the `…` of a quotation: lines that follow each other. */
const passagesOf = (quoted: string): string[] =>
  quoted
    .split(/^…$/m)
    .map((passage) => passage.replace(/^\n+|\n+$/g, ""))
    .filter((passage) => passage !== "");

/** What a step prints. In this process: many processes would take longer to start than to compute. */
async function printedBy({ args }: Step, place: string): Promise<string> {
  const { code, stdout, stderr } = await run(analyses, args);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout
    .replaceAll(root, "")
    .replaceAll(place, "")
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/**
 * Runs a step and expects its quoted lines. With `UPDATE_DOCS=1` it writes them into the page instead.
 *
 * @param place the folder that the page's reader is in, with a slash, where a page writes files
 */
export async function expectQuoted(step: Step, page: string, place = root): Promise<void> {
  const { quoted } = step;
  const printed = await printedBy(step, place);
  if (process.env.UPDATE_DOCS === "1") {
    const path = `${root}docs/${page}`;
    const block = (text: string): string => `\`\`\`text\n${text}\`\`\`\n`;
    const text = readFileSync(path, "utf8");
    writeFileSync(
      path,
      text.replace(block(quoted), () => block(requoted(quoted, printed))),
    );
    return;
  }
  const passages = passagesOf(quoted);
  expect(passages.length).toBeGreaterThan(0);
  let from = 0;
  for (const passage of passages) {
    // Whole lines, in the order of the page; where one is missing, all of the output is shown.
    const at = `\n${printed}`.indexOf(`\n${passage}\n`, from);
    if (at < 0) expect(printed).toBe(quoted);
    from = at + passage.length;
  }
}

/** A quotation with the lines as they are printed now: each passage is where it is most alike; of an empty one all are. */
function requoted(quoted: string, printed: string): string {
  if (passagesOf(quoted).length === 0) return printed;
  const lines = printed.split("\n");
  let from = 0;
  return quoted
    .split(/^(…\n)/m)
    .map((passage) => {
      const old = passage.replace(/\n$/, "").split("\n");
      if (passage === "" || passage === "…\n") return passage;
      const starts = lines
        .map((_, i) => i)
        .slice(from, Math.max(from + 1, lines.length - old.length + 1));
      const score = (start: number): number =>
        old.reduce((sum, line, i) => sum + alike(line, lines[start + i] ?? ""), 0);
      const best = starts.reduce((a, b) => (score(b) > score(a) ? b : a), from);
      from = best + old.length;
      return `${lines.slice(best, from).join("\n")}\n`;
    })
    .join("");
}

/** How many words two lines share, bars left out: from 0 to 1. */
function alike(one: string, two: string): number {
  const [a = [], b = []] = [one, two].map((line) =>
    line
      .replace(/[░█-▏│]+/g, " ")
      .trim()
      .split(/\s+/),
  );
  if (a.join(" ") === b.join(" ")) return 1;
  const shared = a.filter((word) => b.includes(word)).length;
  return (0.9 * 2 * shared) / (a.length + b.length);
}

/** Every command and every output of a page is in its steps. */
export function expectAllSteps(page: string, steps: readonly Step[]): void {
  const shown = [...page.matchAll(/^```sh\n.*?^```$/gms)].map(([block]) => block).join("\n");
  expect(steps.length).toBe([...shown.matchAll(/^npx resolvent /gm)].length);
  expect([...page.matchAll(/^```text$/gm)]).toHaveLength(steps.length);
}

/** Numbers of a page's text that no output of its has; chapters (1.3), heads (2.2) and names of files are no results. */
export function unprintedNumbers(
  page: string,
  steps: readonly Step[],
): { readonly found: number; readonly unprinted: readonly string[] } {
  const quotes = steps.map(({ quoted }) => quoted).join("\n");
  const printed = new Set(quotes.match(/\d+\.\d+/g));
  const prose = page.replace(/^```.*?^```$/gms, ""); // what stands between the blocks
  const numbers = prose.match(/(?<![\w.])\d+\.\d{2,}(?![\w.]*\d)/g) ?? [];
  return { found: numbers.length, unprinted: numbers.filter((number) => !printed.has(number)) };
}
