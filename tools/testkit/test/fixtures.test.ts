import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeWithFixtures, findFixtures, fixturesIn } from "@resolvent/testkit";
import { afterAll, describe, expect, test } from "vitest";

describe("fixtures", () => {
  const root = mkdtempSync(join(tmpdir(), "resolvent-fixtures-"));
  afterAll(() => rmSync(root, { recursive: true }));
  const shared = join(root, "shared");
  const repository = join(root, "repository", "tools", "testkit", "src");
  mkdirSync(join(shared, "fixtures", "models", "tiny"), { recursive: true });
  mkdirSync(join(shared, "golden"));
  mkdirSync(repository, { recursive: true });
  writeFileSync(join(shared, "golden", "tiny.json"), '{"logits":[1,2]}');

  test("are found beside the repository", () => {
    const found = findFixtures(undefined, repository);
    expect(found?.root).toBe(shared);
    expect(found?.models("tiny")).toBe(join(shared, "fixtures", "models", "tiny"));
    expect(found?.golden("tiny")).toEqual({ logits: [1, 2] });
  });

  test("are found by name, and a wrong name is an error", () => {
    expect(findFixtures(shared, tmpdir())?.root).toBe(shared);
    expect(() => findFixtures(root, repository)).toThrow("RESOLVENT_FIXTURES");
  });

  test("are undefined where a folder has none, and looked for in all folders above", () => {
    expect(fixturesIn(root)).toBeUndefined();
    expect(findFixtures("", root)?.root).toBe(shared);
    expect(findFixtures(undefined, join(shared, "golden"))?.root).toBe(shared);
  });

  test("name the file that is missing", () => {
    expect(() => fixturesIn(shared)?.models("huge")).toThrow("huge");
    expect(() => fixturesIn(shared)?.golden("huge")).toThrow("huge.json");
  });
});

describeWithFixtures("golden results", (fixtures) => {
  test("are there and parse", () => {
    expect(fixtures.golden("stories260k")).toBeTypeOf("object");
    expect(fixtures.models("stories260k")).toMatch(/stories260k$/);
  });
});
