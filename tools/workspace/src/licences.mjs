// Fails where something that is installed with a published package, or is in the lab that comes with the command, has a
// licence that is not on the list.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { publishedDependencies } from "./dependencies.mjs";
import { repository } from "./members.mjs";

/** Licences (SPDX) that allow every use and ask for no more than their text. */
const allowed = [
  "MIT",
  "ISC",
  "0BSD",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "BlueOak-1.0.0",
];

/**
 * What is wrong with the licences of dependencies, one line each. One that is for another platform is not installed
 * here and not looked at: it is part of a package that is.
 * @param {readonly Pick<import("./dependencies.mjs").Dependency, "name" | "version" | "license" | "anywhere">[]} dependencies
 * @returns {string[]}
 */
export function wrongLicences(dependencies) {
  return dependencies.flatMap(({ name, version, license, anywhere }) => {
    if (license === undefined) {
      return anywhere ? [`${name}@${version} is not installed: its licence is not known`] : [];
    }
    if (allowed.includes(license)) return [];
    return [`${name}@${version} has the licence ${license}; allowed are ${allowed.join(", ")}`];
  });
}

/** The notices of packages of others whose code is in the lab, as its build writes them. */
export const NOTICES = join(repository, "apps", "lab", "dist", "licences.txt");

/**
 * Whose code notices name: their second paragraph is the list.
 * @param {string} notices
 */
export function shippedIn(notices) {
  const [, list = ""] = notices.split("\n\n");
  return list.split("\n").map((line) => {
    const [, name = line, version = "", license] = /^(\S+) (\S+): (.+)$/.exec(line) ?? [];
    return { name, version, license, anywhere: true };
  });
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const built = existsSync(NOTICES);
  const problems = [
    ...wrongLicences(publishedDependencies(repository).dependencies),
    ...(built
      ? wrongLicences(shippedIn(readFileSync(NOTICES, "utf8")))
      : [`${NOTICES} is not there: npm run build writes it`]),
  ];
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
