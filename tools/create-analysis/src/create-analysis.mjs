#!/usr/bin/env node
// Makes a package with one analysis: node tools/create-analysis/src/create-analysis.mjs NAME [FOLDER]
import { relative } from "node:path";
import { createAnalysis } from "./create.mjs";

const [name, folder, ...more] = process.argv.slice(2);
if (name === undefined || name.startsWith("-") || more.length > 0) {
  console.error(`Usage: npm create @resolvent/analysis NAME [FOLDER]

Makes a package with an analysis called NAME, in FOLDER or in ./resolvent-NAME: its source, a test, a README
and a note of the change. NAME is the command's: lower case, words joined by hyphens.`);
  process.exit(name === "--help" || name === "-h" ? 0 : 2);
}
try {
  const place = createAnalysis(name, folder);
  const here = relative(process.cwd(), place) || ".";
  console.log(`${here} has the package. Next:
  cd ${here}
  npm install
  npm test
  npx resolvent ${name} attn-only-2l --tokens 1,2,3 --plugin .`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(2);
}
