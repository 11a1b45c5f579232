import { readFileSync } from "node:fs";
import type { Findings } from "@resolvent/analysis/remote";
import { expect, test } from "vitest";
import { firstFindings } from "../src/first/first.ts";
import { differences } from "./copied.ts";

const file = new URL("../src/first/first.json", import.meta.url);
const committed: Findings = JSON.parse(readFileSync(file, "utf8"));

test("what the lab shows before anything runs is what a run gives: npm run first writes it", async () => {
  const fresh: Findings = JSON.parse(JSON.stringify(await firstFindings()));
  expect(differences(committed, fresh)).toEqual([]);
  expect(committed.result).toMatchObject({ kind: "paths", certificate: { verdict: "adds-up" } });
  // The test can tell: another number is seen.
  expect(differences(committed, { ...fresh, answer: ["11.1"] })).not.toEqual([]);
});
