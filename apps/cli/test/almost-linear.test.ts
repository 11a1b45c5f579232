import { readdirSync } from "node:fs";
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

const page = readPage("almost-linear.md");
const steps = stepsOf(page);

describe("docs/almost-linear.md", () => {
  test("its commands are found", () => {
    expectAllSteps(page, steps);
    expect(steps.length).toBeGreaterThan(12);
  });

  test.each(steps)("$title", { timeout: 120_000 }, (step) =>
    expectQuoted(step, "almost-linear.md"),
  );

  test("numbers in its text are numbers that a command printed", () => {
    const { found, unprinted } = unprintedNumbers(page, steps);
    expect(found).toBeGreaterThan(60);
    expect(unprinted).toEqual([]);
  });

  test("what the residual alone scores follows from the two scores", () => {
    const rows = [...page.matchAll(/^\| (L\d\.\w+) \| (\S+) \| (\d+) % \| (\S+) \|$/gm)];
    expect(rows).toHaveLength(8);
    const printed = steps
      .map(({ quoted }) => quoted)
      .find((quoted) => quoted.includes("embed  L3"));
    for (const [, block = "", withResidual = "", alone, withoutResidual = ""] of rows) {
      expect(printed).toMatch(
        new RegExp(`^${block} +${withResidual} +${withoutResidual} `.replaceAll(".", "\\."), "m"),
      );
      const score = 1 - (1 - Number(withResidual)) / (1 - Number(withoutResidual));
      expect(Math.round(100 * score)).toBe(Number(alone));
    }
  });

  // They name no model and no corpus that there is: here they are estimated for `tales`.
  const shown = /^```console\n(.*?)^```$/ms.exec(page)?.[1] ?? "";
  const commands = shown.replaceAll("\\\n", " ").split("\n").filter(Boolean);
  const folder = temporaryFolder();
  test.each(commands)("%s", async (line) => {
    const here = line
      .replace("npx resolvent ", "")
      .replace("path/to/model", "tales")
      .replace("corpus.txt", "docs/samples/tales.txt")
      .replace(/(linearity\.\w+)/g, (name) => join(folder, name));
    const ran = await run(analyses, [...wordsOf(here, () => "Once upon a time"), "--dry-run"]);
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout).toMatch(/for intermediates at most/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("the commands for a checkpoint are found", () => {
    expect(commands).toHaveLength(6);
  });
});
