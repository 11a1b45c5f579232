import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import { builtInFor } from "../src/built-in.ts";

const bin = fileURLToPath(new URL("../bin/resolvent.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "resolvent-start-"));
afterAll(() => rmSync(folder, { recursive: true }));

// Writes down the address of each module that is loaded, on every thread.
const log = join(folder, "log");
const hooks = `import { appendFileSync } from "node:fs";
export async function load(url, context, next) {
  appendFileSync(${JSON.stringify(log)}, url + "\\n");
  return await next(url, context);
}`;
writeFileSync(join(folder, "hooks.mjs"), hooks);
writeFileSync(
  join(folder, "register.mjs"),
  `import { register } from "node:module"; register(${JSON.stringify(pathToFileURL(join(folder, "hooks.mjs")).href)});`,
);

/** What a command prints, and the modules of packages that it loads: `packages/cpu`, `commander`. */
function started(...args: string[]): { output: string; packages: string[]; modules: string[] } {
  writeFileSync(log, "");
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--import", join(folder, "register.mjs"), bin, ...args],
    { encoding: "utf8" },
  );
  expect(status, stderr).toBe(0);
  const modules = readFileSync(log, "utf8")
    .split("\n")
    .filter((url) => url.startsWith("file:") && !url.includes("resolvent-start-"));
  const names = modules.map(
    (url) =>
      /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(url)?.[1] ??
      /(?:packages|apps)\/[^/]+/.exec(url)?.[0] ??
      url,
  );
  return { output: stdout, packages: [...new Set(names)].sort(), modules };
}

describe("what a command loads", () => {
  test.each(["--version", "-V"])("%s: nothing but the command itself", (flag) => {
    const { output, modules } = started(flag);
    expect(output).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(modules.map((url) => url.replace(/.*\//, ""))).toEqual(["resolvent.js"]);
  });

  test("the help of one command: its package and what that needs, no engine, no network", () => {
    const { output, packages } = started("heads", "--help");
    expect(output).toContain("Usage: resolvent heads");
    expect(packages).toContain("packages/attention");
    // Of bundled models their names, which it lists.
    for (const other of ["cpu", "linearity", "paths", "patching", "expansion"]) {
      expect(packages).not.toContain(`packages/${other}`);
    }
    expect(packages).not.toContain("undici");
    expect(packages).not.toContain("koffi");
  });

  test("the help of all: every analysis, no engine, no network", () => {
    const { output, packages } = started("--help");
    for (const { name } of analyses) expect(output).toContain(`\n  ${name} `);
    expect(packages).toContain("packages/linearity");
    for (const other of ["packages/cpu", "undici", "koffi"]) {
      expect(packages).not.toContain(other);
    }
  });

  test("commands that are no analyses: none", async () => {
    const { output, packages } = started("doctor", "--help");
    expect(output).toContain("Usage: resolvent doctor");
    expect(packages).not.toContain("packages/expansion");
    expect(packages).not.toContain("packages/cpu");
  });
});

test("every built-in analysis is found by its name, with fewer than all", async () => {
  for (const analysis of analyses) {
    const found = await builtInFor([analysis.name, "model"]);
    expect(found).toContain(analysis);
    expect(found.length, analysis.name).toBeLessThan(analyses.length);
  }
  expect(await builtInFor(["--version"])).toEqual([]);
  for (const words of [["no-such"], [], ["help", "expand"], ["--help"]]) {
    expect(await builtInFor(words)).toEqual(analyses);
  }
});
