import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isPublic, membersOf, repository } from "../src/members.mjs";

const members = membersOf(repository).filter(isPublic);
const readmes = [
  "README.md",
  ...members
    .map(({ folder }) => `${folder}/README.md`)
    .filter((path) => existsSync(join(repository, path))),
];

/** The blocks of code of a page in a language, as they are pasted. */
function blocks(path: string, language: string): string[] {
  const text = readFileSync(join(repository, path), "utf8");
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms");
  return [...text.matchAll(fence)].map(([, code = ""]) => code);
}

/** What a block imports, without Node's own: the names of packages. */
function imported(code: string): string[] {
  const names = [...code.matchAll(/from "((?:@[^/"]+\/)?[^/"]+)[^"]*"/g)].map(
    ([, name = ""]) => name,
  );
  return names.filter((name) => !name.startsWith("node:") && !name.startsWith("."));
}

const folder = join(repository, "temp", "readmes");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where the compiler finds what blocks import: our sources, and what packages have installed. */
function paths(): Readonly<Record<string, readonly string[]>> {
  const own = members.flatMap(({ folder, manifest: { name, exports } }) =>
    Object.entries(typeof exports === "object" ? exports : {}).flatMap(([entry, target]) => {
      const given = (target as Record<string, string | { readonly node: string }>)[
        "@resolvent/source"
      ];
      const source = typeof given === "object" ? given.node : given;
      return source === undefined
        ? []
        : [[`${name}${entry.slice(1)}`, [join(repository, folder, source)]] as const];
    }),
  );
  return Object.fromEntries(own);
}

test("every block of TypeScript compiles as it is pasted, under strict", () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "prompts.ts"), "export const prompts: readonly string[] = [];\n"); // the reader's own
  for (const path of readmes) {
    for (const [i, code] of blocks(path, "ts").entries()) {
      // A block is a module, whether or not it exports anything.
      const name = `${path.replaceAll("/", "-").replace(/-?README\.md$/, "")}-${i + 1}.ts`;
      writeFileSync(join(folder, name), `${code}\nexport {};\n`);
    }
  }
  const compilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true },
    ...{ target: "ES2023", module: "NodeNext", moduleResolution: "NodeNext" },
    ...{ lib: ["ES2023", "ES2024.String", "DOM", "DOM.Iterable", "DOM.AsyncIterable"] },
    ...{ types: ["node"], customConditions: ["@resolvent/source"], paths: paths() },
    exactOptionalPropertyTypes: true, // of our sources, which are read too
  };
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["*.ts"] }),
  );
  const tsc = join(repository, "node_modules", "typescript", "bin", "tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
    encoding: "utf8",
  });
  expect(status, stdout).toBe(0);
});

describe.each(
  // What `npm create` runs is not installed.
  members
    .filter(({ manifest }) => manifest.exports !== undefined)
    .map(({ folder, manifest }) => [manifest.name, `${folder}/README.md`] as const),
)("%s", (name, path) => {
  test("says how it is installed, with all that its code imports, and what it runs on", () => {
    const [line = ""] = blocks(path, "sh")
      .flatMap((block) => block.split("\n"))
      .filter((one) => one.startsWith("npm install "));
    const installed = line.replace(/#.*/, "").split(" ").slice(2);
    expect(installed).toContain(name);
    for (const needed of blocks(path, "ts").flatMap(imported)) expect(installed).toContain(needed);
    const text = readFileSync(join(repository, path), "utf8");
    expect(text).toMatch(/Node 20\.19/);
    if (blocks(path, "ts").length > 0) expect(text).toMatch(/TypeScript 5\.7/);
  });
});
