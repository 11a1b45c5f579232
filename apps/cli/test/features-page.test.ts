import { describe, expect, test } from "vitest";
import { expectAllSteps, expectQuoted, readPage, stepsOf, unprintedNumbers } from "./documented.ts";

const page = readPage("features.md");
const steps = stepsOf(page);

describe("docs/features.md", () => {
  test("its commands are found", () => {
    expectAllSteps(page, steps);
    expect(steps.length).toBeGreaterThan(6);
  });

  test.each(steps)("$title", { timeout: 120_000 }, (step) => expectQuoted(step, "features.md"));

  test("numbers in its text are numbers that a command printed", () => {
    const { found, unprinted } = unprintedNumbers(page, steps);
    expect(found).toBeGreaterThan(30);
    expect(unprinted).toEqual([]);
  });
});
