import { describe, expect, test } from "vitest";
import { expectAllSteps, expectQuoted, readPage, stepsOf, unprintedNumbers } from "./documented.ts";

const page = readPage("walk-through.md");
const steps = stepsOf(page);

describe("docs/walk-through.md", () => {
  test("its commands are found", () => {
    expectAllSteps(page, steps);
    expect(steps.length).toBeGreaterThan(30);
  });

  test.each(steps)("$title", { timeout: 120_000 }, (step) => expectQuoted(step, "walk-through.md"));

  test("numbers in its text are numbers that a command printed", () => {
    const { found, unprinted } = unprintedNumbers(page, steps);
    expect(found).toBeGreaterThan(40);
    expect(unprinted).toEqual([]);
  });
});
