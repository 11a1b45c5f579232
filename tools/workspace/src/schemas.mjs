// Keeps a JSON Schema of every result that a built-in analysis gives, `apps/cli/schemas/KIND.json`, made of the
// result's TypeScript type and its comments. Without arguments, fails where one is out of date; with --write,
// rewrites them.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { membersOf, repository } from "./members.mjs";
import { resultSchemas } from "./result-schemas.mjs";

const write = process.argv.includes("--write");
const folder = join(repository, "apps", "cli", "schemas");
const sources = membersOf(repository)
  .filter(({ group }) => group === "packages")
  .map((member) => join(repository, member.folder, "src", "analyses"))
  .filter((place) => existsSync(place))
  .flatMap((place) => readdirSync(place).map((name) => join(place, name)));

mkdirSync(folder, { recursive: true });
// Any analysis of a prompt gives it for several.
const set = join(repository, "packages", "analysis", "src", "prompt-set.ts");
// The command puts together what its shards have found.
const sweep = join(repository, "apps", "cli", "src", "sweep", "sweep-result.ts");
const made = resultSchemas(sources, [
  { file: set, type: "PromptSet" },
  { file: sweep, type: "SweepResult" },
]);
for (const [kind, schema] of made) {
  const path = join(folder, `${kind}.json`);
  const text = `${JSON.stringify(schema, undefined, 2)}\n`;
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  settle(`schemas/${kind}.json`, () => writeFileSync(path, text));
}
for (const name of readdirSync(folder)) {
  if (made.has(name.replace(/\.json$/, ""))) continue;
  settle(`schemas/${name}, which no result has`, () => rmSync(join(folder, name)));
}

/**
 * @param {string} what
 * @param {() => void} change
 */
function settle(what, change) {
  if (write) {
    change();
    console.log(`wrote ${what}`);
  } else {
    console.error(`${what} is out of date: run "npm run schemas", look, and commit it.`);
    process.exitCode = 1;
  }
}
