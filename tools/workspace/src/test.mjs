// All checks and tests; `npm test` runs this after the set-up. Each check counts as one test.
// Ends with the line "N passed, N failed", with ", N skipped" where tests were skipped.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { repository } from "./members.mjs";

/** @type {[name: string, script: string][]} those that take long come first */
const checks = [
  ["types of tests and tools", "check:types"],
  ["packages as published", "check:published"],
  ["unused files, exports, dependencies", "check:unused"],
  ["API reports", "check:api"],
  ["schemas of results", "check:schemas"],
  ["format and lint", "check:format"],
  ["arrows between packages, import cycles", "check:arrows"],
  ["licences of dependencies", "check:licences"],
];

const totals = { passed: 0 };
/** @type {string[]} */
const failed = [];
/** @type {string[]} */
const skipped = [];

// As many checks at a time as there are cores: most of them use one.
const waiting = checks.values();
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (const [name, script] of waiting) await check(name, script);
  }),
);
await unitTests();

if (skipped.length > 0) console.log(`\nSkipped:\n${skipped.map((line) => `  ${line}`).join("\n")}`);
if (failed.length > 0) console.log(`\nFailed:\n${failed.map((line) => `  ${line}`).join("\n")}`);
const tail = skipped.length > 0 ? `, ${skipped.length} skipped` : "";
console.log(`\n${totals.passed} passed, ${failed.length} failed${tail}`);
process.exitCode = failed.length === 0 ? 0 : 1;

/**
 * Runs a check, prints how it went, and adds it to the totals.
 * @param {string} name
 * @param {string} script
 */
async function check(name, script) {
  const start = performance.now();
  const { status, output } = await npmScript(script);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (status === 0) totals.passed++;
  else {
    failed.push(name);
    console.log(output);
    console.log(`Run it alone: npm run ${script}`);
  }
}

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
  const { status, report } = await vitest(process.argv.slice(2));
  const failedBefore = failed.length;
  const cut = report.testResults.filter(wasCut);
  count(report.testResults.filter((file) => !cut.includes(file)));
  const names = cut.map(({ name }) => relative(repository, name));
  if (names.length > 0) {
    // What was not run is no skipped test, and the end of a process says nothing about the tests in it.
    console.log(
      "\nThe process that ran these files ended before all their tests; they are run again:",
    );
    for (const name of names) console.log(`  ${name}`);
    const again = await vitest(names);
    count(again.report.testResults);
    if (again.status !== 0 && failed.length === failedBefore) failed.push(names.join(", "));
    return;
  }
  // An error outside of tests, or no result at all, is a failure too.
  if (status !== 0 && failed.length === failedBefore)
    failed.push("vitest: an error outside of tests");
}

/**
 * @typedef {{fullName: string, status: string}} Test
 * @typedef {{name: string, status: string, assertionResults: Test[]}} TestFile
 */

/**
 * Runs vitest on files, or on all.
 * @param {string[]} files
 * @returns {Promise<{status: number | null, report: {testResults: TestFile[]}}>}
 */
async function vitest(files) {
  const file = join(repository, "temp", "vitest.json");
  mkdirSync(join(repository, "temp"), { recursive: true });
  rmSync(file, { force: true });
  const status = await new Promise((resolve, reject) => {
    const program = join(repository, "node_modules", "vitest", "vitest.mjs");
    const reporters = ["--reporter=minimal", "--reporter=json", `--outputFile.json=${file}`];
    const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: "1" };
    const child = spawn(process.execPath, [program, "run", ...reporters, ...files], {
      ...{ cwd: repository, stdio: "inherit", env },
    });
    child.on("error", reject);
    child.on("close", resolve);
  });
  return {
    status,
    report: existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { testResults: [] },
  };
}

/**
 * Whether the process of a file ended before its tests did: vitest calls a test pending that has not begun.
 * @param {TestFile} file
 */
function wasCut({ status, assertionResults }) {
  return assertionResults.length === 0
    ? status !== "failed" // a file without tests fails
    : assertionResults.some((test) => test.status === "pending");
}

/**
 * Adds files to the totals; one that could not be loaded, or whose process ended, counts as one failed test.
 * @param {TestFile[]} files
 */
function count(files) {
  for (const file of files) {
    const name = relative(repository, file.name);
    const failures = file.assertionResults.filter((test) => test.status === "failed");
    for (const test of failures) failed.push(`${name}: ${test.fullName}`);
    if (failures.length === 0 && (file.status === "failed" || wasCut(file))) failed.push(name);
    for (const test of file.assertionResults) {
      if (test.status === "passed") totals.passed++;
      else if (test.status !== "failed") skipped.push(`${name}: ${test.fullName}`);
    }
  }
}
