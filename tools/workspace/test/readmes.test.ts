import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transformWithOxc } from "vite";
import { afterAll, describe, expect, test } from "vitest";
import { isPublic, membersOf, repository } from "../src/members.mjs";

const members = membersOf(repository).filter(isPublic);
const readmes = [
  "README.md",
  "docs/coming-from.md",
  "docs/start.md",
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

/** Blocks that need something of the reader's, by page and number. */
const needy: ReadonlyMap<string, string> = new Map([
  ["docs/coming-from.md 1", "GPT-2 itself"],
  ["packages/analysis/README.md 5", "analyses of one's own"],
  ["packages/attention/README.md 1", "GPT-2 itself"],
  ["packages/cpu/README.md 2", "a BLAS at a path"],
  ["packages/dictionary/README.md 1", "a dictionary"],
  ["packages/dictionary/README.md 2", "the Hub"],
  ["packages/dictionary/README.md 3", "a dictionary"],
  ["packages/dictionary/README.md 4", "a dictionary"],
  ["packages/dictionary/README.md 5", "a dictionary"],
  ["packages/dictionary/README.md 6", "a dictionary"],
  ["packages/dictionary/README.md 7", "a dictionary"],
  ["packages/dictionary/README.md 8", "GPT-2 itself"],
  ["packages/dictionary/README.md 9", "an attribution graph"],
  ["packages/dictionary/README.md 10", "a dictionary"],
  ["packages/figures/README.md 2", "a browser"],
  ["packages/linearity/README.md 1", "a corpus"],
  ["packages/models/README.md 2", "a browser"],
  ["packages/transformer/README.md 1", "GPT-2 itself"],
  ["packages/transformer/README.md 2", "GPT-2 itself"],
  ["packages/webgpu/README.md 1", "a GPU, or a driver that stands in for one"],
  ["packages/weights/README.md 1", "GPT-2 itself"],
  ["packages/weights/README.md 2", "a server"],
  ["packages/weights/README.md 3", "the Hub"],
  ["packages/weights/README.md 4", "GPT-2 itself"],
  ["packages/weights/README.md 5", "files of torch and numpy"],
]);

/** Runs modules one after the other in one process; what each throws, by its name. */
const runner = `import { writeFileSync } from "node:fs";
const threw = {};
for (const name of process.argv.slice(2)) {
  try {
    await import("./" + name);
  } catch (error) {
    threw[name] = String(error);
  }
}
writeFileSync("threw.json", JSON.stringify(threw));
process.exit();`;

test("every block that needs nothing else runs as it is pasted, on the built packages", async () => {
  const home = join(repository, "temp", "readmes-run");
  rmSync(home, { recursive: true, force: true });
  try {
    for (const place of ["node_modules/@resolvent", "models", "path/to"])
      mkdirSync(join(home, place), { recursive: true });
    for (const member of members)
      symlinkSync(
        join(repository, member.folder),
        join(home, "node_modules", member.manifest.name),
        "junction",
      );
    symlinkSync(
      join(repository, "packages/analysis/node_modules/zod"),
      join(home, "node_modules/zod"),
      "junction",
    );
    for (const place of ["models/gpt2", "path/to/model"])
      symlinkSync(join(repository, "packages/models/tales"), join(home, place), "junction");
    writeFileSync(join(home, "package.json"), `{ "type": "module" }`);
    writeFileSync(join(home, "runner.js"), runner);
    writeFileSync(join(home, "prompts.ts.js"), `export const prompts = ["Once upon a time"];`);
    const all = readmes.flatMap((path) =>
      blocks(path, "ts").map((code, i) => [`${path} ${i + 1}`, code] as const),
    );
    expect(all.map(([name]) => name)).toEqual(expect.arrayContaining([...needy.keys()]));
    const names = new Map<string, string>();
    for (const [name, code] of all) {
      if (needy.has(name)) continue;
      const file = `${names.size}.js`;
      names.set(name, file);
      const { code: js } = await transformWithOxc(code, "block.ts");
      writeFileSync(join(home, file), js.replaceAll("./prompts.ts", "./prompts.ts.js"));
    }
    expect(names.size).toBeGreaterThan(15);
    const { status, stderr } = spawnSync(process.execPath, ["runner.js", ...names.values()], {
      cwd: home,
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    expect(JSON.parse(readFileSync(join(home, "threw.json"), "utf8"))).toEqual({});
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

describe("README.md", () => {
  test("says how all that its code imports is installed, and the command", () => {
    const installed = blocks("README.md", "sh")
      .flatMap((block) => block.split("\n"))
      .flatMap(
        (line) => /^npm install (?:--global )?([^#]*)/.exec(line)?.[1]?.trim().split(" ") ?? [],
      );
    for (const needed of blocks("README.md", "ts").flatMap(imported))
      expect(installed).toContain(needed);
    expect(installed).toContain("@resolvent/cli");
  });
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
