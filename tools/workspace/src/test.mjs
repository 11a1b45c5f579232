// All checks and tests; `npm test` runs this after the set-up. Each check counts as one test.
// Ends with the line "N passed, N failed", with ", N skipped" where tests were skipped.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { repository } from "./members.mjs";

/** @type {[name: string, script: string][]} */
const checks = [
  ["format and lint", "check:format"],
  ["types of tests and tools", "check:types"],
  ["arrows between packages, import cycles", "check:arrows"],
  ["unused files, exports, dependencies", "check:unused"],
  ["packages as published", "check:published"],
  ["API reports", "check:api"],
  ["schemas of results", "check:schemas"],
  ["licences of dependencies", "check:licences"],
];

const totals = { passed: 0, failed: 0 };
/** @type {string[]} */
const skipped = [];

for (const [name, script] of checks) {
  const start = performance.now();
  const { status, output } = await npmScript(script);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (status === 0) totals.passed++;
  else {
    totals.failed++;
    console.log(output);
    console.log(`Run it alone: npm run ${script}`);
  }
}
await unitTests();

if (skipped.length > 0) console.log(`\nSkipped:\n${skipped.map((line) => `  ${line}`).join("\n")}`);
const tail = skipped.length > 0 ? `, ${skipped.length} skipped` : "";
console.log(`\n${totals.passed} passed, ${totals.failed} failed${tail}`);
process.exitCode = totals.failed === 0 ? 0 : 1;

/**
 * Runs a script of the root package.json, quietly.
 * @param {string} script
 * @returns {Promise<{status: number | null, output: string}>}
 */
function npmScript(script) {
  return new Promise((resolve, reject) => {
    const child = spawn("npm", ["run", "--silent", script], {
      cwd: repository,
      shell: process.platform === "win32", // npm is a .cmd file there
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const collect = (/** @type {Buffer} */ chunk) => {
      output += chunk.toString();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output }));
  });
}

/** Runs vitest, which prints what fails, and adds its results to the totals. */
async function unitTests() {
  const file = join(repository, "temp", "vitest.json");
  mkdirSync(join(repository, "temp"), { recursive: true });
  rmSync(file, { force: true });
  const status = await new Promise((resolve, reject) => {
    const vitest = join(repository, "node_modules", "vitest", "vitest.mjs");
    const reporters = ["--reporter=minimal", "--reporter=json", `--outputFile.json=${file}`];
    const args = [vitest, "run", ...reporters, ...process.argv.slice(2)];
    const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: "1" };
    const child = spawn(process.execPath, args, { cwd: repository, stdio: "inherit", env });
    child.on("error", reject);
    child.on("close", resolve);
  });
  const failedBefore = totals.failed;
  if (existsSync(file)) countTests(JSON.parse(readFileSync(file, "utf8")));
  // An error outside of tests, or no result at all, is a failure too.
  if (status !== 0 && totals.failed === failedBefore) totals.failed++;
}

/**
 * Adds vitest's results to the totals; a file that could not be loaded counts as one failed test.
 * @param {{testResults: {name: string, status: string, assertionResults: {fullName: string, status: string}[]}[]}} report
 */
function countTests(report) {
  for (const { name, status, assertionResults } of report.testResults) {
    if (status === "failed" && !assertionResults.some((test) => test.status === "failed")) {
      totals.failed++;
    }
    for (const test of assertionResults) {
      if (test.status === "passed") totals.passed++;
      else if (test.status === "failed") totals.failed++;
      else skipped.push(`${relative(repository, name)}: ${test.fullName}`);
    }
  }
}
