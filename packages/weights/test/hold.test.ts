import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { holdFolder, isHold, removeLeft, temporaryBeside } from "../src/node/index.ts";
import { ownedName } from "../src/node/owner.ts";

const home = mkdtempSync(join(tmpdir(), "resolvent-hold-"));
afterAll(() => rmSync(home, { recursive: true }));

/** The same file as a process on another machine would call it. */
const elsewhere = (path: string) => path.replace(/\.[0-9a-f]{8}-\d+-/, ".0123abcd-1-");

test("of many who ask for a folder at one moment one holds it, until it lets go", async () => {
  const folder = join(home, "asked", "for");
  const asked = await Promise.all([1, 2, 3].map(() => holdFolder(folder)));
  const [letGo, ...others] = asked.filter((one) => one !== undefined);
  expect(others).toEqual([]);
  expect(readdirSync(folder).filter(isHold)).toHaveLength(1);
  await letGo?.();
  expect(readdirSync(folder)).toEqual([]);
  await (await holdFolder(folder))?.();
});

test("who has died holds nothing; who is on another machine does, as long as it shows signs of life", async () => {
  const folder = join(home, "dead");
  mkdirSync(folder);
  const dead = join(folder, ownedName(".held", "tmp", false));
  writeFileSync(dead, "");
  const letGo = await holdFolder(folder);
  expect(letGo).toBeDefined();
  expect(readdirSync(folder)).not.toContain(basename(dead));
  await letGo?.();
  const other = elsewhere(temporaryBeside(join(folder, "held")));
  writeFileSync(other, "");
  expect(await holdFolder(folder)).toBe(undefined);
  const longAgo = new Date(Date.now() - 90_000);
  utimesSync(other, longAgo, longAgo);
  await (await holdFolder(folder))?.();
  expect(readdirSync(folder)).toEqual([]);
});

test("who removes the folder with all holds in it has others make it anew", async () => {
  const folder = join(home, "removed");
  const letGo = await holdFolder(folder);
  const next = holdFolder(folder);
  rmSync(folder, { recursive: true });
  await letGo?.();
  expect(await next).toBeDefined();
  expect(readdirSync(folder).filter(isHold)).toHaveLength(1);
  await (await next)?.();
});

test("of what was not finished, only that of processes that are gone is removed", async () => {
  const folder = join(home, "left");
  mkdirSync(folder);
  const names = {
    ours: temporaryBeside(join(folder, "a.json")),
    theirs: elsewhere(temporaryBeside(join(folder, "a.json"))),
    dead: join(folder, ownedName(".a.json", "tmp", false)),
    deadOther: join(folder, ownedName(".b", "tmp", false)),
  };
  for (const path of [names.ours, names.theirs, names.dead, join(folder, ".a.json.tmp")])
    writeFileSync(path, "");
  mkdirSync(names.deadOther);
  await removeLeft(folder, (name) => name === "a.json");
  expect(readdirSync(folder)).not.toContain(basename(names.dead));
  expect(readdirSync(folder)).toHaveLength(4);
  await removeLeft(folder);
  const rest = [names.ours, names.theirs].map((path) => basename(path));
  expect(readdirSync(folder).sort()).toEqual([".a.json.tmp", ...rest].sort());
});
