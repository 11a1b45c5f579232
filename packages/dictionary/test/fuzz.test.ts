import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { drawing, isInputError, reference } from "@resolvent/tensor";
import { describeWithFixtures, mutated } from "@resolvent/testkit";
import { memoryFolder } from "@resolvent/weights";
import { expect, test } from "vitest";
import { loadDictionaries } from "../src/index.ts";

/** What fields of configs are set to. */
const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  2.5,
  1e308,
  2 ** 53,
  "",
  "none",
  "topk",
  "__proto__",
  [],
  [null],
  {},
  { k: 3 },
];

/** A config with one of its fields, at any depth, replaced or left out. */
function changed(config: object, draw: () => number): unknown {
  const entries = Object.entries(config);
  const at = Math.floor(draw() * entries.length);
  return Object.fromEntries(
    entries.flatMap(([key, value], i): [string, unknown][] => {
      if (i !== at) return [[key, value]];
      const inner = typeof value === "object" && value !== null && !Array.isArray(value);
      if (inner && draw() < 0.7) return [[key, changed(value, draw)]];
      return draw() < 0.2 ? [] : [[key, ODD[Math.floor(draw() * ODD.length)]]];
    }),
  );
}

describeWithFixtures("folders with something changed", (fixtures) => {
  const root = fixtures.path("fixtures/dictionaries");
  const cases = (JSON.parse(readFileSync(join(root, "cases.json"), "utf8")) as string[]).filter(
    (path) => !path.startsWith("refuse/") && !path.startsWith("llama-scope/L"), // whose weights are a folder further in
  );

  test("load, or are refused by name", async () => {
    const outcomes = new Map<string, number>();
    for (const [i, path] of cases.entries()) {
      const own = readdirSync(join(root, path)).filter((file) => file !== "expected.json");
      const files = new Map(
        own.map((file) => [file, new Uint8Array(readFileSync(join(root, path, file)))]),
      );
      for (let n = 0; n < 30; n++) {
        const draw = drawing(1000 * i + n);
        const file = own[Math.floor(draw() * own.length)] ?? "";
        const bytes = files.get(file) ?? new Uint8Array(1);
        const made =
          file.endsWith(".json") && draw() < 0.8
            ? new TextEncoder().encode(
                JSON.stringify(changed(JSON.parse(new TextDecoder().decode(bytes)), draw)),
              )
            : mutated(bytes, draw);
        let outcome = "loaded";
        try {
          await loadDictionaries(reference, memoryFolder(new Map([...files, [file, made]]), path));
        } catch (error) {
          if (!isInputError(error))
            throw new Error(`${path}, ${file}, seed ${n}`, { cause: error });
          outcome = error.code;
        }
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
    expect([...outcomes.keys()]).toEqual(
      expect.arrayContaining([
        "loaded",
        "dictionary/bad-config",
        "dictionary/shape",
        "dictionary/missing-tensor",
        "dictionary/not-finite",
      ]),
    );
  });
});
