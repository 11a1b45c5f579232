import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, test } from "vitest";

/** Models with reference results, kept outside the repository because of their size or licence. */
export interface Fixtures {
  /** The folder that holds `fixtures/` and `golden/`. */
  readonly root: string;
  /** Path of a model's folder: `models("stories260k")`. Throws where there is none of that name. */
  models(name: string): string;
  /** Parsed `golden/NAME.json`: `golden("stories260k")`, `golden("merge/merge")`. The caller knows its type. */
  golden<T>(name: string): T;
  /** Path of any other file: `path("golden/merge/base.safetensors")`. Throws where there is none. */
  path(name: string): string;
}

const variable = "RESOLVENT_FIXTURES";

/**
 * The fixtures of a folder, or undefined where the folder has none.
 * A folder has fixtures when it holds `fixtures/models` and `golden`.
 */
export function fixturesIn(root: string): Fixtures | undefined {
  if (!existsSync(join(root, "fixtures", "models")) || !existsSync(join(root, "golden"))) {
    return undefined;
  }
  const path = (name: string): string => {
    const full = join(root, name);
    if (!existsSync(full)) throw new Error(`The fixtures folder ${root} has no ${name}.`);
    return full;
  };
  return {
    root,
    path,
    models: (name) => path(join("fixtures", "models", name)),
    golden: (name) => JSON.parse(readFileSync(path(join("golden", `${name}.json`)), "utf8")),
  };
}

/**
 * The fixtures folder: `named`, the value of the environment variable RESOLVENT_FIXTURES, where it is set;
 * else the nearest folder `shared` in a folder above `start`, else undefined.
 * Throws where the variable names a folder without fixtures, so that a typing error does not skip tests.
 */
export function findFixtures(named: string | undefined, start: string): Fixtures | undefined {
  if (named !== undefined && named !== "") {
    const found = fixturesIn(named);
    if (found === undefined) {
      throw new Error(`${variable} is ${named}, which holds no fixtures/models and golden.`);
    }
    return found;
  }
  for (let folder = start; ; folder = dirname(folder)) {
    const found = fixturesIn(join(folder, "shared"));
    if (found !== undefined) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

/** The fixtures of this machine, or undefined where it has none. */
export const fixtures: Fixtures | undefined = findFixtures(
  process.env[variable],
  dirname(fileURLToPath(import.meta.url)),
);

/**
 * `describe` for tests that need fixtures. Where there are none, `body` does not run, and one skipped test
 * with the reason in its title stands for the block.
 */
export function describeWithFixtures(title: string, body: (fixtures: Fixtures) => void): void {
  if (fixtures === undefined) {
    test.skip(`${title} (skipped: no fixtures folder; set ${variable})`);
  } else {
    const found = fixtures;
    describe(title, () => body(found));
  }
}
