import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type JsonSchema, schemaFault } from "@resolvent/analysis";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { analyses } from "../src/analyses.ts";
import { temporaryFolder, tinyGraph, writeDictionary, writeModel } from "./models.ts";
import { run } from "./program.ts";

const folder = temporaryFolder();
const schemas = fileURLToPath(new URL("../schemas", import.meta.url));
const kinds = readdirSync(schemas)
  .map((name) => name.replace(/\.json$/, ""))
  .sort();

/** Definitions of what may have more fields. */
const OPEN = ["Result", "ModelIdentity"];

/** A schema under which a field that it does not name is a fault. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== "object" || schema === null) return schema;
  const inside = Object.fromEntries(
    // Results of any kind have fields of their own.
    Object.entries(schema).map(([name, part]) => [name, OPEN.includes(name) ? part : strict(part)]),
  );
  const closed = inside.type === "object" && !("additionalProperties" in inside);
  return closed ? { ...inside, additionalProperties: false } : inside;
}

const read = (kind: string): JsonSchema =>
  JSON.parse(readFileSync(join(schemas, `${kind}.json`), "utf8"));

interface Check {
  readonly schema: JsonSchema;
  readonly validator: z.ZodType;
}

const checks = new Map<string, Check>();

/** The strict schema of a kind, and what holds results against it by zod: made once, for many results. */
function checkOf(kind: string): Check {
  const known = checks.get(kind);
  if (known !== undefined) return known;
  const schema = strict(read(kind));
  const validator = z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema); // ours
  const made = { schema: schema as JsonSchema, validator }; // of a schema, a schema
  checks.set(kind, made);
  return made;
}

/** What is wrong with a result, and the results in it; by zod, and by what hosts hold results of plug-ins against. */
function faultsOf(result: { readonly kind: string; readonly each?: unknown }): unknown[] {
  const { schema, validator } = checkOf(result.kind);
  const { error } = validator.safeParse(result);
  const own = schemaFault(schema, result);
  const each: (typeof result)[] = Array.isArray(result.each) ? result.each : [];
  return [error && z.prettifyError(error), own, ...each.flatMap(faultsOf)].filter(
    (fault) => fault !== undefined,
  );
}

/** Of the stream of tales. */
const WIDTH = 128;

const text = ["--prompt", "Once upon a time"];
const pair = ["--prompt", "Mary had a", "--corrupt", "John had a"];
const training = ["--site", "L0.attn.after", "--features", "8", "--k", "2", "--steps", "3"];

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
  ["patch", "tales", ...pair, "--method", "eap", "--level", "head", "--mib", "SCORES"],
  ["circuit", "tales", ...pair],
  ["circuit", "tales", ...pair, "--level", "head", "--scores", "SCORES"],
  ["series", "attn-only-2l", "--tokens", "1,2,3"],
  ["interactions", "tales", ...text, "--players", "layers"],
  ["interactions", "tales", ...text, "--players", "heads", "--layer", "1", "--order", "2"],
  ["heads", "attn-only-2l"],
  ["heads", "attn-only-2l", "--weights-only", "--raw"],
  ["ov", "attn-only-2l", "--head", "L1.H2"],
  ["ov", "attn-only-2l", "--head", "L1.H2", "--words", "id:1,id:2"],
  ["profile", "tales", ...text],
  ["expand", "tales", "--prompts", "PROMPTS", "--target", "id:5", "--each"],
  ["qk", "tales", "--prompts", "PROMPTS", "--head", "L1.H0"],
  ["dictionary", "tales", "--dictionary", "SAE"],
  ["dictionary", "tales", "--dictionary", "SAE", "--tokens-file", "IDS", "--max-tokens", "100"],
  ["features", "tales", "--dictionary", "SAE", "--dictionary", "SAE2", "--tokens-file", "IDS"],
  [
    "graph",
    "tales",
    "--dictionary",
    "SAE2",
    ...text,
    "--verify",
    "1",
    "--ablate",
    "L1.F2",
    "--target",
    "id:3,id:5",
  ],
  ["graph", "--import", "GRAPH"],
  ["linearity", "attn-only-2l", "--tokens-file", "IDS", "--max-tokens", "300", "--draws", "5"],
  [
    ...["jacobian-lens", "attn-only-2l", "--tokens-file", "IDS", "--max-tokens", "64"],
    ...["--skip", "4", "--draws", "5", "--out", "LENS"],
  ],
  ["lens", "attn-only-2l", "--tokens", "1,2,3", "--jacobian", "LENS"],
  ["train-dictionary", "attn-only-2l", "--tokens-file", "IDS", ...training, "--out", "OUT"],
  ["barrier", "ONE", "TWO", "--tokens-file", "FEW", "--points", "2", "--base", "TWO"],
  ["compare", "ONE", "TWO", "--tokens", "1,2,3", "--base", "TWO", "--tokens-file", "FEW"],
  ["compare", "ONE", "TWO", "--tokens", "1,2,3", "--max-degree", "1"],
  ["align", "ONE", "TWO", "--tokens-file", "FEW", "--points", "2"],
  ["align", "ONE", "TWO", "--out", "ALIGNED"],
  ["report", "attn-only-2l", "--sequences", "2", "--length", "6", "--order", "2", "--top", "2"],
  ["report", "--compare", "CARDS"],
  ["sweep", "report", "SWEPT"],
  ["merge", "CONFIG", "--dry-run"],
  ["merge", "CONFIG", "MERGED", "--no-hash"],
];

test("every output is as its schema says, and no analysis is left out", async () => {
  const ids = join(folder, "ids.txt");
  const line = (n: number): string =>
    Array.from({ length: 16 }, (_, i) => (n * 7 + i * 3) % 40).join(",");
  await writeFile(ids, Array.from({ length: 24 }, (_, n) => line(n)).join("\n"));
  const prompts = join(folder, "prompts.txt");
  await writeFile(prompts, "Once upon a time\nOnce there was a cat\n");
  const graph = join(folder, "graph.json");
  await writeFile(graph, JSON.stringify(tinyGraph()));
  const transcoder = {
    hook: "blocks.1.mlp.hook_in",
    hookOut: "blocks.1.hook_mlp_out",
    width: WIDTH,
  };
  const few = join(folder, "few.txt");
  await writeFile(few, "[[1,2,3],[4,5,6,7]]");
  const files: Readonly<Record<string, string>> = {
    ...{ FEW: few, ALIGNED: join(folder, "aligned") },
    ...{ LENS: join(folder, "lens.pt"), SCORES: join(folder, "importances.json") },
    ONE: await writeModel(join(folder, "one"), "gpt2", { seed: 1 }),
    TWO: await writeModel(join(folder, "two"), "gpt2", { seed: 2 }),
    ...{ CONFIG: join(folder, "merge.yml"), MERGED: join(folder, "merged") },
    ...{ IDS: ids, PROMPTS: prompts, GRAPH: graph, OUT: join(folder, "trained") },
    SAE: await writeDictionary(join(folder, "sae"), {
      hook: "blocks.3.hook_resid_post",
      width: WIDTH,
    }),
    SAE2: await writeDictionary(join(folder, "transcoder"), transcoder),
  };
  const { ONE, TWO, CONFIG = "" } = files;
  await writeFile(
    CONFIG,
    JSON.stringify({
      ...{ merge_method: "slerp", base_model: ONE, parameters: { t: [0, 1] } },
      ...{ models: [{ model: ONE }, { model: TWO }], tokenizer: { source: "union" } },
    }),
  );
  const swept = join(folder, "swept");
  const sweep = ["sweep", "expand", "attn-only-2l", "--tokens-file", few, "--out", swept];
  expect((await run(analyses, sweep)).code).toBe(0);
  const cards = join(folder, "cards.json");
  const made: Readonly<Record<string, string>> = { ...files, SWEPT: swept, CARDS: cards };
  const seen = new Set<string>();
  for (const words of commands) {
    const args = words.map((word) => made[word] ?? word);
    const { stdout, stderr, code } = await run(analyses, [...args, "--json"]);
    expect(code, `${words.join(" ")}: ${stderr}`).toBe(0);
    const result = JSON.parse(stdout);
    if (result.kind === "report") await writeFile(cards, stdout);
    seen.add(result.kind);
    expect(faultsOf(result), words.join(" ")).toEqual([]);
  }
  expect([...seen].sort()).toEqual([...kinds].sort());
  expect(new Set(commands.map(([name]) => name))).toEqual(
    new Set([...analyses.map(({ name }) => name), "sweep"]),
  );
});

test("a schema refuses what is not so: a field too much, one too few, another type", async () => {
  const { stdout } = await run(analyses, ["paths", "attn-only-2l", "--tokens", "1,2", "--json"]);
  const result = JSON.parse(stdout);
  const { schema, validator } = checkOf("paths");
  expect(validator.safeParse(result).success).toBe(true);
  const { total, ...without } = result;
  for (const wrong of [
    { ...result, more: 1 },
    without,
    { ...result, total: String(total) },
    { ...result, kind: "path" },
    { ...result, freeze: ["gates"] },
  ]) {
    expect(validator.safeParse(wrong).success).toBe(false);
    expect(schemaFault(schema, wrong)).toBeDefined();
  }
});

/** Every object of a schema, and where it is. */
function* objectsIn(schema: unknown, at: string): Generator<readonly [string, ObjectSchema]> {
  if (typeof schema !== "object" || schema === null) return;
  const own = schema as ObjectSchema; // looked at as one
  if (own.type === "object" && own.properties !== undefined) yield [at, own];
  for (const [name, part] of Object.entries(schema)) yield* objectsIn(part, `${at}/${name}`);
}

interface ObjectSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

/** What a property is, with the null that stands where there is none left out, and lists looked into. */
function plain(schema: JsonSchema): JsonSchema {
  const choices = (schema.anyOf ?? [schema]) as readonly JsonSchema[]; // of ours
  const [only = {}, ...others] = choices.filter(({ type }) => type !== "null");
  if (others.length > 0) return schema;
  return only.type === "array" ? plain(only.items as JsonSchema) : only; // of ours
}

describe("results have one vocabulary", () => {
  const all = kinds.flatMap((kind) =>
    [...objectsIn(read(kind), kind)].filter(([at]) => !at.endsWith("$defs/Result")),
  );
  const one: Readonly<Record<string, string>> = {
    ...{ certificate: "Certificate", reference: "ReferenceFacts", warnings: "Warning" },
    ...{ target: "TargetFacts", remainder: "Remainder", notShown: "NotShown" },
    ...{ top: "TopToken", next: "TopToken", model: "ModelFacts" },
  };

  test.each(Object.entries(one))("what is called %s is a %s", (name, shape) => {
    const found = all.flatMap(([at, { properties = {} }]) => {
      const property = properties[name];
      if (property === undefined) return [];
      const { $ref, type } = plain(property);
      // The model's own loss, beside others, and what a dictionary's config calls its model.
      if (name === "model" && (type === "number" || type === "string")) return [];
      return [[at, $ref]];
    });
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter(([, ref]) => ref !== `#/$defs/${shape}`)).toEqual([]);
  });

  test("what has the parts of such a thing is one", () => {
    const telling = [
      { parts: ["readout"], shape: "TargetFacts" },
      { parts: ["verdict", "relativeError"], shape: "Certificate" },
      { parts: ["id", "text", "probability"], shape: "TopToken" },
    ];
    for (const { parts, shape } of telling) {
      const found = all.filter(([, { properties = {} }]) =>
        parts.every((part) => part in properties),
      );
      expect(found.length).toBeGreaterThan(0);
      expect(found.filter(([at]) => !at.endsWith(`/$defs/${shape}`))).toEqual([]);
    }
  });

  test("a head has a name, its layer, and its place in that", () => {
    // The head of a column of a table is another.
    const heads = all.filter(
      ([at, { properties = {} }]) => "head" in properties && !at.endsWith("$defs/Column"),
    );
    expect(heads.length).toBeGreaterThan(3);
    for (const [at, { properties: { head = {}, name, layer } = {} }] of heads) {
      const own = { type: name?.type, layer: layer?.type, head: head.type };
      if (head.$ref === "#/$defs/HeadFacts") continue;
      expect(own, at).toEqual({ type: "string", layer: "number", head: "number" });
    }
  });

  test("a pair is that of prompts, what is asked of them, and its value on both", () => {
    for (const kind of ["patch", "circuit"]) {
      const { pairs } = (read(kind) as ObjectSchema).properties ?? {};
      const { $ref, ...inline } = plain(pairs ?? {});
      const defs = read(kind).$defs as Readonly<Record<string, ObjectSchema>>; // of ours
      const pair = typeof $ref === "string" ? defs[$ref.replace("#/$defs/", "")] : inline;
      const { clean = {}, corrupt = {}, targetCorrupt } = (pair as ObjectSchema).properties ?? {};
      expect([plain(clean).$ref, plain(corrupt).$ref, plain(targetCorrupt ?? {}).type]).toEqual([
        ...["#/$defs/TokenFacts", "#/$defs/TokenFacts", "number"],
      ]);
    }
    const called = all.filter(([, { properties = {} }]) => "pairs" in properties);
    expect(called.map(([at]) => at).sort()).toEqual(["circuit", "patch"]);
  });

  test("a node is its name, wherever it stands", () => {
    const single = ["node", "source", "receiver", "after", "querySource", "keySource"];
    const several = ["nodes", "sources", "receivers", "players", "querySources", "keySources"];
    const found = all.flatMap(([at, { properties = {} }]) =>
      [...single, ...several].flatMap((name) => {
        const property = properties[name];
        // Graphs count their nodes, and the file of one has them as other programs do.
        const counted = /^attribution-graph/.test(at) && name === "nodes";
        // A plan of a merge has tokens as the configuration says where their rows come from.
        const row = at === "merge-plan/$defs/PlannedToken";
        return property === undefined || counted || row
          ? []
          : [[`${at}/${name}`, plain(property).type]];
      }),
    );
    expect(found.length).toBeGreaterThan(10);
    expect(found.filter(([, type]) => type !== "string")).toEqual([]);
  });

  test("every shape is the same in all kinds", () => {
    const shapes = new Map<string, JsonSchema>();
    for (const kind of kinds) {
      for (const [name, shape] of Object.entries(Object(read(kind).$defs))) {
        if (!Object.values(one).includes(name)) continue;
        expect(shape, `${kind}: ${name}`).toEqual(shapes.get(name) ?? shape);
        shapes.set(name, shape as JsonSchema); // one of ours
      }
    }
    expect(shapes.size).toBe(new Set(Object.values(one)).size);
  });

  test("every kind has the one head, all of it", () => {
    const head = [
      ...["schemaVersion", "kind", "model", "engine", "precision", "freeze", "reference"],
      ...["weightProcessing", "certificate", "warnings"],
    ];
    for (const kind of kinds) {
      expect(read(kind).required, kind).toEqual(expect.arrayContaining(head));
      const { properties = {} } = read(kind) as ObjectSchema;
      const paths = (read("paths") as ObjectSchema).properties ?? {};
      for (const name of ["freeze", "reference", "weightProcessing", "warnings", "schemaVersion"]) {
        expect(properties[name], `${kind}.${name}`).toEqual(paths[name]);
      }
    }
  });
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
