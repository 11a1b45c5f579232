import { describe, expect, test } from "vitest";
import { expectAllSteps, expectQuoted, readPage, stepsOf } from "./documented.ts";

const page = readPage("cards/README.md");
const steps = stepsOf(page);

describe("docs/cards/README.md", () => {
  test("its commands are found", () => {
    expectAllSteps(page, steps);
    expect(steps.length).toBeGreaterThan(1);
  });

  test.each(steps)("$title", { timeout: 120_000 }, (step) => expectQuoted(step, "cards/README.md"));
});
