import { exec, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { PathExpansion } from "@resolvent/paths";
import { expect, test } from "vitest";
import { commandOf, programOf } from "../src/state/copies.ts";
import { FIRST, FIRST_VERIFIED, pathsWork } from "../src/state/question.ts";
import { catalogue } from "../src/worker/catalogue.ts";

const here = fileURLToPath(new URL("..", import.meta.url));
const command = fileURLToPath(new URL("../../cli/bin/resolvent.js", import.meta.url));
const first: { readonly result: PathExpansion } = JSON.parse(
  readFileSync(new URL("../src/first/first.json", import.meta.url), "utf8"),
);
const work = pathsWork(FIRST, { verify: FIRST_VERIFIED });

test("the command that is copied gives what the screen shows", async () => {
  const parameters = (await catalogue()).find(({ name }) => name === "paths")?.parameters ?? [];
  const line = commandOf(work, parameters);
  expect(line).toBe(
    "resolvent paths tales --prompt 'When Mary and John went to the market, John gave a drink to' --positions --top 12 --routes 2 --verify 2 --target id:346,id:364",
  );
  const shell = line.replace("resolvent", `"${process.execPath}" "${command}"`);
  const { stdout } = await promisify(exec)(`${shell} --threads 1 --json`, { maxBuffer: 2 ** 24 });
  const found: PathExpansion = JSON.parse(stdout);
  expect(found.shown.map(({ text }) => text)).toEqual(first.result.shown.map(({ text }) => text));
  expect(found.total).toBeCloseTo(first.result.total, 3);
});

test("a model of the Hub is named by its commit, dropped files by none", () => {
  const at = (model: string): string => commandOf({ ...work, model, values: {} }, []);
  expect(at("hub:tiny/mine@607a30d")).toBe("resolvent paths hub:tiny/mine --revision 607a30d");
  expect(at(`sha:${"0".repeat(64)}`)).toBe("resolvent paths FOLDER");
  expect(programOf({ ...work, model: "hub:tiny/mine@607a30d" })).toContain(
    'openModel("hub:tiny/mine", { revision: "607a30d" })',
  );
});

test("so does the program", () => {
  // Beside the packages that it imports.
  mkdirSync(`${here}temp/copied`, { recursive: true });
  const file = `${here}temp/copied/program.mjs`;
  writeFileSync(
    file,
    programOf(work).replace(
      "console.log(found.total, found.shown)",
      "console.log(JSON.stringify([found.total, found.shown]))",
    ),
  );
  try {
    const out = execFileSync(process.execPath, [file], { encoding: "utf8" });
    const [total, shown]: [number, PathExpansion["shown"]] = JSON.parse(out);
    expect(total).toBeCloseTo(first.result.total, 3);
    expect(shown.map(({ nodes }) => nodes)).toEqual(first.result.shown.map(({ nodes }) => nodes));
  } finally {
    rmSync(file);
  }
});

test("words of a shell are quoted, lists and flags are as the command takes them", () => {
  const kinds = [
    { name: "prompt", kind: "prompt" },
    { name: "freeze", kind: "choices" },
    { name: "target", kind: "target" },
    { name: "sites", kind: "texts" },
    { name: "keyBy", kind: "choice" },
  ] as const;
  const values = {
    ...{ prompt: "it's $HOME `x`", freeze: [], target: [" Mary", 5], sites: ["*.pattern", "L0.*"] },
    ...{ keyBy: "token", centred: false },
  };
  expect(commandOf({ ...work, analysis: "x", values }, kinds)).toBe(
    `resolvent x tales --prompt 'it'\\''s $HOME \`x\`' --freeze none --target '" Mary",id:5' --sites '*.pattern' 'L0.*' --key-by token --no-centred`,
  );
  expect(commandOf({ ...work, values: { prompt: [1, 2] } }, kinds)).toContain("--tokens 1,2");
});
