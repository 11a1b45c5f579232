import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { createAnalysis } from "../src/create.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const command = join(root, "tools/create-analysis/src/create-analysis.mjs");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "resolvent-create-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const node = (args: readonly string[], cwd = folder) =>
  spawnSync(process.execPath, args, { cwd, encoding: "utf8" });

const create = (...args: readonly string[]) => node([command, ...args]);

describe("create-analysis", () => {
  test("makes a package, and says what comes next", () => {
    const { status, stdout } = create("word-norms", "made");
    expect(status).toBe(0);
    expect(stdout).toContain("npx resolvent word-norms attn-only-2l --tokens 1,2,3 --plugin .");
    const made = join(folder, "made");
    expect(readdirSync(made).sort()).toEqual([
      ...[".changeset", "README.md", "package.json", "src", "test"],
    ]);
    const source = readFileSync(join(made, "src/index.js"), "utf8");
    expect(source).toContain('export const wordNorms = defineAnalysis({\n  name: "word-norms"');
    for (const file of ["README.md", "package.json", "src/index.js", "test/analysis.test.js"]) {
      expect(readFileSync(join(made, file), "utf8")).not.toMatch(/\{\{|\}\}[^)]*$/m);
    }
    expect(JSON.parse(readFileSync(join(made, "package.json"), "utf8")).name).toBe(
      "resolvent-word-norms",
    );
  });

  test("refuses the name of every command that there is", () => {
    const { stdout } = node([join(root, "apps/cli/bin/resolvent.js"), "--help"]);
    const [, listed = ""] = stdout.split("Commands:\n");
    const names = [...listed.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, name = ""]) => name);
    expect(names).toContain("expand");
    for (const name of names) {
      expect(() => createAnalysis(name, join(folder, "never")), name).toThrow(/already/);
    }
  });

  test.each([
    ["a folder with something in it", ["other-norms", "made"], /is there already/],
    ["a name that is none", ["Word Norms"], /words of lower case/],
    ["a path as a name", ["../norms"], /words of lower case/],
    ["a name that is taken", ["paths"], /a command paths already/],
    ["no name", [], /Usage/],
  ])("refuses %s", (_, args, said) => {
    const { status, stderr } = create(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(said);
  });
});

/** Where what it makes runs without a network: archives of our packages, and links to what they depend on. */
const members = ["packages", "apps"]
  .flatMap((group) => readdirSync(join(root, group)).map((id) => join(root, group, id)))
  .filter((member) => existsSync(join(member, "package.json")));
// What they build is not all called alike: of some it is a page, of others files for a page.
const unbuilt = members.find((member) => {
  const { scripts } = JSON.parse(readFileSync(join(member, "package.json"), "utf8"));
  return scripts?.build !== undefined && !existsSync(join(member, "dist"));
});
const missing =
  spawnSync("tar", ["--version"]).status !== 0
    ? "tar is not there"
    : unbuilt === undefined
      ? undefined
      : `${unbuilt} is not built: npm run build`;

describe.skipIf(unbuilt !== undefined)(
  `a package that it links to this checkout${unbuilt === undefined ? "" : ` (skipped: ${unbuilt} is not built: npm run build)`}`,
  () => {
    test("passes its tests untouched, and its command is there", () => {
      const { status, stdout } = create("linked-norms", "linked", "--link");
      expect(status).toBe(0);
      expect(stdout).not.toContain("npm install");
      const made = join(folder, "linked");
      const tests = node(["--test"], made);
      expect(tests.stdout).toMatch(/# pass 4\n# fail 0/);
      const bin = realpathSync(join(made, "node_modules/@resolvent/cli/bin/resolvent.js"));
      expect(bin).toBe(join(root, "apps/cli/bin/resolvent.js"));
      if (process.platform !== "win32")
        expect(realpathSync(join(made, "node_modules/.bin/resolvent"))).toBe(bin);
    }, 60_000);

    test("is linked to a checkout only", () => {
      const installed = join(folder, "elsewhere/node_modules/@resolvent/create-analysis");
      cpSync(join(root, "tools/create-analysis"), installed, {
        ...{ recursive: true, filter: (path) => basename(path) !== "node_modules" },
      });
      const own = join(installed, "src/create-analysis.mjs");
      const { status, stderr } = node([own, "linked-norms", "not-linked", "--link"]);
      expect(status).toBe(2);
      expect(stderr).toMatch(/is for a checkout/);
      expect(node([own, "linked-norms", "--no-such"]).stderr).toMatch(/Usage/);
    });
  },
);

describe.skipIf(missing !== undefined)(
  `a package that it makes, against packed archives${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    test("passes its tests untouched, and runs in the installed command", () => {
      expect(create("stream-norms", "stream").status).toBe(0);
      const made = join(folder, "stream");
      install(join(made, "node_modules"));
      const tests = node(["--test"], made);
      expect(tests.stdout).toMatch(/# pass 4\n# fail 0/);
      expect(tests.status).toBe(0);
      const bin = join(made, "node_modules/@resolvent/cli/bin/resolvent.js");
      const env = { ...process.env, XDG_DATA_HOME: join(folder, "data") };
      const args = ["stream-norms", "tales", "--prompt", "Once upon a time", "--top", "2"];
      const page = ["--html", "page.html"];
      const ran = spawnSync(process.execPath, [bin, ...args, ...page, "--plugin", "."], {
        ...{ cwd: made, encoding: "utf8", env },
      });
      expect(ran.stdout).toMatch(/^longest residual streams\n/);
      expect(ran.stderr).toContain("Plug-in resolvent-stream-norms 0.0.0");
      expect(ran.status).toBe(0);
      const html = readFileSync(join(made, "page.html"), "utf8");
      expect(html).toMatch(/^<!doctype html>/i);
      expect(html).toContain("<svg");
    }, 300_000);
  },
);

/** Unpacks our packages as they would be published, and links what they depend on from here. */
function install(modules: string): void {
  const packed = join(folder, "packed");
  mkdirSync(packed);
  const pnpm = join(root, "node_modules/pnpm/bin/pnpm.cjs");
  const filters = ["--filter", "./packages/*", "--filter", "./apps/*"];
  const pack = node([pnpm, "-r", ...filters, "pack", "--pack-destination", packed], root);
  expect(pack.status, pack.stdout + pack.stderr).toBe(0);
  for (const member of members) {
    const manifest = JSON.parse(readFileSync(join(member, "package.json"), "utf8"));
    const { name, version, dependencies = {}, optionalDependencies = {} } = manifest;
    if (manifest.private === true) continue;
    const archive = join(packed, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
    const place = join(modules, name);
    mkdirSync(place, { recursive: true });
    const unpack = spawnSync("tar", ["-xzf", archive, "-C", place, "--strip-components=1"]);
    expect(unpack.status).toBe(0);
    for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const here = join(member, "node_modules", other);
      const link = join(modules, other);
      if (other.startsWith("@resolvent/") || !existsSync(here) || existsSync(link)) continue;
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(realpathSync(here), link);
    }
  }
}
