import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { analyses } from "../src/analyses.ts";
import { temporaryFolder } from "./models.ts";
import { run } from "./program.ts";

const folder = temporaryFolder();
const schemas = fileURLToPath(new URL("../schemas", import.meta.url));
const kinds = readdirSync(schemas).map((name) => name.replace(/\.json$/, ""));

/** A schema under which a field that it does not name is a fault. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== "object" || schema === null) return schema;
  const inside = Object.fromEntries(
    Object.entries(schema).map(([name, part]) => [name, strict(part)]),
  );
  const closed = inside.type === "object" && !("additionalProperties" in inside);
  return closed ? { ...inside, additionalProperties: false } : inside;
}

const validator = (kind: string): z.ZodType =>
  z.fromJSONSchema(
    strict(
      JSON.parse(readFileSync(join(schemas, `${kind}.json`), "utf8")),
    ) as z.core.JSONSchema.JSONSchema, // ours
  );

const text = ["--prompt", "Once upon a time"];
const pair = ["--prompt", "Mary had a", "--corrupt", "John had a"];

/** Commands whose outputs are looked through: every analysis, in its several ways. */
const commands: readonly (readonly string[])[] = [
  ["inspect", "tales"],
  ["inspect", "attn-only-2l"],
  ["run", "tales", ...text, "--generate", "3", "--sites", "L0.*"],
  ["run", "attn-only-2l", "--tokens", "5"],
  ["expand", "tales", ...text],
  ["expand", "attn-only-2l", "--tokens", "1,2,3", "--freeze", "none", "--no-float64"],
  ["paths", "tales", ...text, "--top", "3", "--verify", "2", "--positions"],
  ["paths", "tales", ...text, "--target", "id:5", "--level", "neuron", "--budget", "0.5"],
  ["lens", "tales", ...text],
  ["qk", "tales", ...text],
  ["qk", "attn-only-2l", "--tokens", "1,2,3", "--head", "L1.H0", "--no-centred"],
  ["patch", "tales", ...pair],
  ["patch", "tales", ...pair, "--level", "stream"],
  ["patch", "tales", ...pair, "--method", "eap", "--level", "head"],
  ["circuit", "tales", ...pair],
  ["series", "attn-only-2l", "--tokens", "1,2,3"],
  ["interactions", "tales", ...text, "--players", "layers"],
  ["interactions", "tales", ...text, "--players", "heads", "--layer", "1", "--order", "2"],
  ["heads", "attn-only-2l"],
  ["heads", "attn-only-2l", "--weights-only", "--raw"],
  ["ov", "attn-only-2l", "--head", "L1.H2"],
  ["ov", "attn-only-2l", "--head", "L1.H2", "--words", "id:1,id:2"],
  ["profile", "tales", ...text],
  ["linearity", "attn-only-2l", "--tokens-file", "IDS", "--max-tokens", "300", "--draws", "5"],
];

test("every output is as its schema says, and no analysis is left out", async () => {
  const ids = join(folder, "ids.txt");
  const line = (n: number): string =>
    Array.from({ length: 16 }, (_, i) => (n * 7 + i * 3) % 40).join(",");
  await writeFile(ids, Array.from({ length: 24 }, (_, n) => line(n)).join("\n"));
  const seen = new Set<string>();
  for (const words of commands) {
    const args = words.map((word) => (word === "IDS" ? ids : word));
    const { stdout, stderr, code } = await run(analyses, [...args, "--json"]);
    expect(code, `${words.join(" ")}: ${stderr}`).toBe(0);
    const result = JSON.parse(stdout);
    seen.add(result.kind);
    const { error } = validator(result.kind).safeParse(result);
    expect(error && z.prettifyError(error), words.join(" ")).toBeUndefined();
  }
  expect([...seen].sort()).toEqual([...kinds].sort());
  expect(new Set(commands.map(([name]) => name))).toEqual(
    new Set(analyses.map(({ name }) => name)),
  );
});

test("a schema refuses what is not so: a field too much, one too few, another type", async () => {
  const { stdout } = await run(analyses, ["paths", "attn-only-2l", "--tokens", "1,2", "--json"]);
  const result = JSON.parse(stdout);
  const paths = validator("paths");
  expect(paths.safeParse(result).success).toBe(true);
  const { total, ...without } = result;
  for (const wrong of [
    { ...result, more: 1 },
    without,
    { ...result, total: String(total) },
    { ...result, kind: "path" },
    { ...result, freeze: ["gates"] },
  ]) {
    expect(paths.safeParse(wrong).success).toBe(false);
  }
});

describe("resolvent schema", () => {
  test("lists the kinds, and prints one as it is", async () => {
    expect((await run(analyses, ["schema"])).stdout).toBe(`${kinds.join("\n")}\n`);
    const { stdout } = await run(analyses, ["schema", "paths"]);
    expect(stdout).toBe(readFileSync(join(schemas, "paths.json"), "utf8"));
    expect(JSON.parse(stdout)).toMatchObject({ title: "paths", type: "object" });
  });

  test("refuses a kind that there is not, with those there are", async () => {
    const { code, stderr } = await run(analyses, ["schema", "../package"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/no kind of result "\.\.\/package"\. Kinds: .*paths.*cli\/usage/);
  });
});
