// Fails where something that is installed with a published package has a licence that is not on the list.
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
 * @param {readonly import("./dependencies.mjs").Dependency[]} dependencies
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

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const problems = wrongLicences(publishedDependencies(repository).dependencies);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
