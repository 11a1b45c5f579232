import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseSync } from "oxc-parser";
import { describe, expect, test } from "vitest";
import { isPublic, membersOf, repository } from "../src/members.mjs";

const members = membersOf(repository).filter(isPublic);

/** The files of this repository and the names of other packages that a built file needs, directly or not. */
function reached(start: string): { files: Set<string>; packages: Set<string> } {
  const found = { files: new Set<string>(), packages: new Set<string>() };
  const visit = (file: string): void => {
    if (found.files.has(file)) return;
    found.files.add(file);
    const { module } = parseSync(file, readFileSync(file, "utf8"));
    const specifiers = [
      ...module.staticImports.map((one) => one.moduleRequest.value),
      ...module.staticExports.flatMap(({ entries }) =>
        entries.flatMap((entry) => entry.moduleRequest?.value ?? []),
      ),
    ];
    for (const specifier of specifiers) {
      if (specifier.startsWith(".")) visit(join(dirname(file), specifier));
      else if (entry(specifier) === undefined) found.packages.add(specifier);
      else visit(entry(specifier) as string);
    }
  };
  visit(start);
  return found;
}

/** The built file behind `@resolvent/paths/analyses`, as browsers get it. */
function entry(specifier: string): string | undefined {
  const parts = specifier.split("/");
  const name = parts.splice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  const member = members.find(({ manifest }) => manifest.name === name);
  const exported = exportsOf(member)[[".", ...parts].join("/")];
  const file = typeof exported === "object" ? exported.default : undefined;
  return member && file && join(repository, member.folder, file);
}

function exportsOf(member: (typeof members)[number] | undefined) {
  return (member?.manifest.exports ?? {}) as Readonly<
    Record<string, string | { default?: string }>
  >;
}

/** Every entry of every library: `@resolvent/paths`, `@resolvent/paths/analyses`. */
const entries = members
  .filter(({ group }) => group === "packages")
  .flatMap((member) =>
    Object.keys(exportsOf(member)).map((path) => `${member.manifest.name}${path.slice(1)}`),
  )
  .filter((specifier) => existsSync(entry(specifier) ?? "no code"));

describe("what the import of a library brings", () => {
  test("there are libraries, and they are built", () => {
    expect(entries.length).toBeGreaterThan(20);
    expect(entries).toContain("@resolvent/analysis/parameters");
  });

  test.each(entries)("%s: no zod", (name) => {
    const { files, packages } = reached(entry(name) as string);
    expect(files.size).toBeGreaterThan(0);
    expect([...packages]).not.toContain("zod");
  });

  test("what has a dependency is seen to have it", () => {
    const { packages } = reached(entry("@resolvent/cli") as string);
    expect([...packages]).toContain("commander");
  });

  test("resolvent: no analyses, and no engine before one is chosen", () => {
    const { files } = reached(entry("resolvent") as string);
    const folders = [...files].map((file) => relative(repository, file).split("/")[1]);
    expect(new Set(folders)).toEqual(
      new Set(["models", "resolvent", "tensor", "transformer", "weights"]),
    );
  });
});
