import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import {
  expectAllSteps,
  expectQuoted,
  readPage,
  stepsOf,
  unprintedNumbers,
  wordsOf,
} from "./documented.ts";
import { temporaryFolder } from "./models.ts";
import { run } from "./program.ts";

const page = readPage("merging.md");
const place = `${temporaryFolder()}/`;

/** Steps, with what the page writes and reads again in a folder of the test's. */
const steps = stepsOf(page).map((step) => ({
  ...step,
  args: step.args.map((word) => word.replace(/^merges\//, `${place}merges/`)),
}));

/** The configurations that the page shows; each begins with its name. */
const configs = [...page.matchAll(/^```yaml\n(# (merges\/[\w-]+\.yml)\n.*?)^```$/gms)];

mkdirSync(`${place}merges`);
for (const [, text = "", name = ""] of configs) writeFileSync(`${place}${name}`, text);

/** The rows of a table of the variants' card. */
const cardRows = page.match(/^\| .*%\) \| .*$/gm) ?? [];

describe("docs/merging.md", () => {
  test("its commands and configurations are found", () => {
    expectAllSteps(page, steps);
    expect(steps.length).toBeGreaterThan(20);
    expect(configs.length).toBe(page.match(/^```yaml$/gm)?.length);
  });

  test("what it says of the models is on their card", () => {
    const card = readFileSync(
      new URL("../../../packages/models/tales-variants/README.md", import.meta.url),
      "utf8",
    );
    expect(cardRows.length).toBeGreaterThan(6);
    for (const row of cardRows) expect(card).toContain(`\n${row}\n`);
  });

  test.each(steps)("$title", { timeout: 120_000 }, (step) =>
    expectQuoted(step, "merging.md", place),
  );

  test("numbers in its text are numbers that a command printed", () => {
    const own = cardRows.reduce((text, row) => text.replace(row, ""), page);
    const { found, unprinted } = unprintedNumbers(own.replace(/^## Papers$.*/ms, ""), steps);
    expect(found).toBeGreaterThan(60);
    expect(unprinted).toEqual([]);
  });

  test("its tables by degree are of what commands printed", () => {
    const [good, other, hopeless, permuted, near] = steps
      .filter(
        ({ args }) =>
          args[0] === "compare" &&
          args.includes("The children stood in a row: Mary John Peter. The last was"),
      )
      .map(({ quoted }) =>
        [...quoted.matchAll(/^ +(\d|all) +(\S+) +(\S+)/gm)].map(([, degree, off, cosine]) => ({
          ...{ degree, off: off ?? "", cosine },
        })),
      );
    const row = (cells: readonly unknown[]): string => `\n| ${cells.join(" | ")} |\n`;
    expect(good).toHaveLength(10);
    for (const [k, { degree }] of (good ?? []).entries()) {
      const pairs = [good, other, hopeless, permuted].map((pair) => pair?.[k]);
      const cosines = pairs.map((pair) => pair?.cosine).join(", ");
      expect(page).toContain(row([degree, ...pairs.map((pair) => pair?.off), cosines]));
    }
    const offs = (of: typeof good): string[] => (of ?? []).slice(1, -1).map(({ off }) => off);
    const [whole, half] = [offs(good), offs(near)];
    expect(page).toContain(row(["whole", ...whole]));
    expect(page).toContain(row(["half", ...half]));
    const ratios = whole.map((off, k) => (Number(off) / Number(half[k])).toFixed(1));
    expect(page).toContain(row(["ratio", ...ratios]));
  });

  // They name no model and no corpus that there is: here they are estimated for two that there are.
  const shown = /^```console\n(.*?)^```$/ms.exec(page)?.[1] ?? "";
  const commands = shown.replaceAll("\\\n", " ").split("\n").filter(Boolean);
  const folder = temporaryFolder();
  test.each(commands)("%s", async (line) => {
    const here = line
      .replace("npx resolvent ", "")
      .replace("path/to/a", "tales-colours")
      .replace("path/to/b", "tales-rows")
      .replace("path/to/start", "tales")
      .replace("corpus.txt", "docs/samples/tales.txt")
      .replace(/(\w+\.html|aligned)/g, (name) => join(folder, name));
    const ran = await run(analyses, [...wordsOf(here, () => "Once upon a time"), "--dry-run"]);
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("the commands for checkpoints are found", () => {
    expect(commands).toHaveLength(3);
  });
});
