import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeWithFixtures } from "@resolvent/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder, writeModel } from "./models.ts";
import { json, type Ran, resolvent } from "./program.ts";

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

/** Paths in configurations start at the working directory. */
function inFolder(place: () => string): void {
  const before = process.cwd();
  beforeAll(() => process.chdir(place()));
  afterAll(() => process.chdir(before));
}

describeWithFixtures("merge --dry-run --json", (fixtures) => {
  inFolder(() => fixtures.path("fixtures/merging"));
  const names = readdirSync(fixtures.path("fixtures/merging/configs")).map((file) =>
    file.replace(/\.yml$/, ""),
  );

  test.each(names)("has the plan of %s", async (name) => {
    const args = ["merge", `configs/${name}.yml`, at(name), "--dry-run"];
    const { kind, plan } = await json<{ kind: string; plan: unknown }>(args);
    expect(kind).toBe("merge-plan");
    expect(plan).toEqual(fixtures.golden(`../fixtures/merging/expected/${name}.plan`));
    expect(existsSync(at(name))).toBe(false);
  });

  const refused = fixtures.golden<{ file: string; why: string; code: string }[]>(
    "../fixtures/merging/invalid",
  );

  test.each(refused)("refuses $file: $why", async ({ file, code }) => {
    const { code: exit, stderr } = await resolvent(["merge", `invalid/${file}`, at(file)]);
    // Of files: a checkpoint that is not whole.
    expect(exit, stderr).toBe(
      code === "merge/not-finite" ? 6 : /^checkpoint|tensor/.test(code) ? 3 : 2,
    );
    expect(stderr).toMatch(/\[(?:merge|weights|cli)\/[a-z0-9-]+\]\n$/);
    expect(existsSync(at(file))).toBe(false);
  });
});
