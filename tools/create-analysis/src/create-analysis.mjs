#!/usr/bin/env node
// Makes a package with one analysis: node tools/create-analysis/src/create-analysis.mjs NAME [FOLDER] [--link]
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { createAnalysis } from "./create.mjs";
import { linkCheckout } from "./link.mjs";

const USAGE = `Usage: npm create @resolvent/analysis NAME [FOLDER]

Makes a package with an analysis called NAME, in FOLDER or in ./resolvent-NAME: its source, a test, a README
and a note of the change. NAME is the command's: lower case, words joined by hyphens.
In a checkout of Resolvent, --link makes it run against what is there, with nothing from npm.`;

/** What was asked for; undefined where it cannot be read. */
function asked() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { help: { type: "boolean", short: "h" }, link: { type: "boolean" } },
    });
  } catch {
    return undefined;
  }
}

const { positionals = [], values = {} } = asked() ?? {};
const [name, folder, ...more] = positionals;
if (name === undefined || more.length > 0) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}
try {
  const place = createAnalysis(name, folder);
  if (values.link) linkCheckout(place);
  const here = relative(process.cwd(), place) || ".";
  console.log(`${here} has the package. Next:
  cd ${here}${values.link ? "" : "\n  npm install"}
  npm test
  npx resolvent ${name} attn-only-2l --tokens 1,2,3 --plugin .`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(2);
}
