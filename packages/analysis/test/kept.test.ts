import { expect, test } from "vitest";
import { keptValues } from "../src/index.ts";
import { keptOf } from "../src/kept.ts";

test("values are made once, the oldest go where there is no room, and what fails is made again", async () => {
  const made: string[] = [];
  const kept = keptValues({ most: 6 });
  const ask = async (key: string, value: unknown, on = kept) =>
    await on.once(key, async () => {
      made.push(key);
      return value;
    });
  const pair = [1, 2]; // two numbers in two places
  expect(await ask("a", pair)).toBe(pair);
  expect(await ask("a", [3, 4])).toBe(pair);
  await ask("b", 7);
  expect(made).toEqual(["a", "b"]);
  await ask("a", pair);
  await ask("c", 8); // b was not asked for longest
  await ask("a", pair);
  await ask("b", 7);
  expect(made).toEqual(["a", "b", "c", "b"]);
  // More than there is room for is kept nowhere, and lets nothing go.
  await ask("large", [1, 2, 3, 4]);
  await ask("large", [1, 2, 3, 4]);
  await ask("b", 7);
  expect(made.slice(4)).toEqual(["large", "large"]);

  const fails = kept.once("d", async () => {
    throw new Error("a fault");
  });
  await expect(fails).rejects.toThrow("a fault");
  expect(await ask("d", 9)).toBe(9);
  // Analyses do not see each other's.
  expect(await ask("d", 10, keptOf(kept, "paths"))).toBe(10);
});
