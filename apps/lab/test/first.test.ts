import { readFileSync } from "node:fs";
import type { Findings } from "@resolvent/analysis/remote";
import { expect, test } from "vitest";
import { firstFindings } from "../src/first/first.ts";

const file = new URL("../src/first/first.json", import.meta.url);
const committed: Findings = JSON.parse(readFileSync(file, "utf8"));

/** What two values differ in: numbers by more than rounding in float32 of the largest, anything else at all. */
function differences(a: unknown, b: unknown, at = ""): string[] {
  if (typeof a === "number" && typeof b === "number") {
    // Errors and what other routes leave are rounding themselves.
    return Math.abs(a - b) <= 2e-4 * Math.max(1, Math.abs(a)) ? [] : [`${at}: ${a}, ${b}`];
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return Object.is(a, b) ? [] : [`${at}: ${String(a)}, ${String(b)}`];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) =>
    differences(Reflect.get(a, key), Reflect.get(b, key), `${at}.${key}`),
  );
}

test("what the lab shows before anything runs is what a run gives: npm run first writes it", async () => {
  const fresh: Findings = JSON.parse(JSON.stringify(await firstFindings()));
  expect(differences(committed, fresh)).toEqual([]);
  expect(committed.result).toMatchObject({ kind: "paths", certificate: { verdict: "adds-up" } });
  // The test can tell: another number is seen.
  expect(differences(committed, { ...fresh, answer: ["11.1"] })).not.toEqual([]);
});
