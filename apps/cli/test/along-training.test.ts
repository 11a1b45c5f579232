import { readFileSync } from "node:fs";
import type { ReportComparison } from "@resolvent/report";
import { describe, expect, test } from "vitest";
import { expectAllSteps, expectQuoted, readPage, stepsOf } from "./documented.ts";

const page = readPage("along-training.md");
const steps = stepsOf(page);

describe("docs/along-training.md", () => {
  test("its commands are found", () => {
    expectAllSteps(page, steps);
    expect(steps.length).toBe(2);
  });

  test.each(steps)("$title", (step) => expectQuoted(step, "along-training.md"));

  test.each([
    ["copying", 3],
    ["induction", 2],
  ])("%s is of the trainings that it says, with %i blocks", (name, count) => {
    const file = new URL(`../../../docs/figures/${name}.json`, import.meta.url);
    const result: ReportComparison = JSON.parse(readFileSync(file, "utf8"));
    const runs = result.steps.map((step) => step.runs);
    expect(new Set(runs).size).toBe(1);
    expect(page).toContain(`${result.steps.length} steps`);
    expect(page).toContain(`${["no", "one", "two", "three", "four", "five"][runs[0] ?? 0]} seeds`);
    for (const { blocks } of result.cards) expect(blocks).toBe(count);
  });
});
