import { readFileSync } from "node:fs";
import type { Parameter } from "@resolvent/analysis";
import type { Findings, Work } from "@resolvent/analysis/remote";
import { describe, expect, test } from "vitest";
import { commandOf, type Known } from "../src/state/copies.ts";
import { placeOf, START } from "../src/state/fragment.ts";
import { linkOf, placeOfWork } from "../src/state/links.ts";
import { isBuiltIn } from "../src/state/lists.ts";
import { programOf } from "../src/state/program.ts";
import { FIRST, FIRST_VERIFIED, pathsWork } from "../src/state/question.ts";
import { catalogue } from "../src/worker/catalogue.ts";
import { printedBy, printedByProgram, resultDifferences } from "./copied.ts";

const first: Findings = JSON.parse(
  readFileSync(new URL("../src/first/first.json", import.meta.url), "utf8"),
);
const all = await catalogue();
const work = pathsWork(FIRST, { verify: FIRST_VERIFIED });
const known = (name: string): Known => {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};
const SETTING: Pick<Work, "model" | "precision" | "float64"> = {
  ...{ model: "tales", precision: "f32", float64: true },
};

describe("what the lab opens with", () => {
  test("is asked again by the command that is copied", async () => {
    const line = commandOf(work, known("paths"));
    expect(line).toBe(
      "resolvent paths tales --prompt 'When Mary and John went to the market, John gave a drink to' --target id:346,id:364 --top 12 --positions --verify 2 --routes 2",
    );
    const found = JSON.parse(await printedBy(line, ["--json"]));
    expect(found.question).toBe(first.result.question);
    expect(resultDifferences(found, first.result)).toEqual([]);
  });

  test("and by the program", async () => {
    const found = JSON.parse(await printedByProgram(programOf(work, known("paths"))));
    expect(found.question).toBe(first.result.question);
    expect(resultDifferences(found, first.result)).toEqual([]);
  });

  test("and by the link, which says nothing", () => {
    expect(placeOfWork(work, FIRST)).toEqual(START);
  });
});

test("an engine that was asked for is asked for by the link, the command and the program", () => {
  const asked = { ...work, engine: "gpujs" };
  expect(commandOf(asked, known("paths"))).toBe(
    `${commandOf(work, known("paths"))} --engine gpujs`,
  );
  expect(programOf(asked, known("paths"))).toContain('openModel("tales", { engine: "gpujs" })');
  expect(placeOfWork(asked, FIRST)).toEqual({ ...START, engine: "gpujs" });
  const panel = placeOfWork({ ...asked, analysis: "run", precision: "f64" }, FIRST);
  expect(panel).toMatchObject({ engine: "gpujs", precision: "f64" });
});

test("a model of the Hub is named by its commit, dropped files by none", () => {
  const at = (model: string): string => commandOf({ ...work, model, values: {} }, known("paths"));
  expect(at("hub:tiny/mine@607a30d")).toBe("resolvent paths hub:tiny/mine --revision 607a30d");
  expect(at(`sha:${"0".repeat(64)}`)).toBe("resolvent paths FOLDER");
  expect(programOf({ ...work, model: "hub:tiny/mine@607a30d" }, known("paths"))).toContain(
    'openModel("hub:tiny/mine", { revision: "607a30d" })',
  );
});

test("words of a shell are quoted, lists and flags are as the command takes them", () => {
  const kinds = [
    { name: "prompt", kind: "prompt" },
    { name: "freeze", kind: "choices" },
    { name: "target", kind: "target" },
    { name: "sites", kind: "texts" },
    { name: "keyBy", kind: "choice" },
    { name: "centred", kind: "flag", default: true },
    { name: "plain", kind: "flag", default: false },
    { name: "other", kind: "model", argument: true },
    { name: "word", kind: "token" },
  ] as const;
  const parameters = kinds as readonly unknown[] as readonly Parameter[]; // what a command looks at of them
  const own: Known = { parameters, needs: [], float64: true };
  const values = {
    ...{ prompt: "it's $HOME `x`", freeze: [], target: [" Mary", 5], sites: ["*.pattern", "L0.*"] },
    ...{ keyBy: "token", centred: false, plain: false, other: "an other", word: 7 },
  };
  expect(commandOf({ ...SETTING, analysis: "x", values }, own)).toBe(
    `resolvent x tales 'an other' --prompt 'it'\\''s $HOME \`x\`' --freeze none --target '" Mary",id:5' --sites '*.pattern,L0.*' --key-by token --no-centred --word id:7 --plugin FILE`,
  );
  const ids = { ...SETTING, analysis: "x", values: { prompt: [1, 2] }, float64: false };
  expect(commandOf({ ...ids, precision: "f64" }, own)).toBe(
    "resolvent x tales --tokens 1,2 --precision f64 --no-float64 --plugin FILE",
  );
});

test("texts that the page has come from standard input; dictionaries are named; a graph file needs no model", () => {
  const texts = { corpus: { name: "these texts", text: "it's\n" } };
  const features: Work = { ...SETTING, analysis: "features", values: { which: 1 }, texts };
  expect(commandOf({ ...features, dictionaries: ["tales-transcoders"] }, known("features"))).toBe(
    "printf %s 'it'\\''s\n' | resolvent features tales --which 1 --corpus - --dictionary tales-transcoders",
  );
  const long = { corpus: { name: "these texts", text: "x".repeat(200_000) } };
  expect(commandOf({ ...features, texts: long }, known("features"))).toContain("--corpus FILE");
  const graph: Work = {
    ...{ ...SETTING, analysis: "graph", values: {} },
    texts: { import: { name: "g.json", text: "{}" } },
  };
  expect(commandOf(graph, known("graph"))).toBe("printf %s '{}' | resolvent graph --import -");
  expect(programOf(graph, known("graph"))).toContain("runAlone");
});

test("every analysis of the lab has a program, from the package that it is of", () => {
  for (const { name, home, parameters, needs, float64 } of all) {
    expect(isBuiltIn(name), name).toBe(true);
    const program = programOf(
      { ...SETTING, analysis: name, values: {} },
      { parameters, needs, float64 },
    );
    // The lab loads the first analysis of expansion alone; its package is that of the others.
    const own = home === "expand" ? "expansion" : home;
    const module = own === "models" ? "resolvent/analyses" : `@resolvent/${own}/analyses`;
    expect(program).toContain(`from "${module}"`);
  }
});

test("links lead to the panel of an analysis, with texts and dictionaries; too long a one is none", async () => {
  const asked: Work = {
    ...{ ...SETTING, analysis: "features", values: { which: 1 }, dictionaries: ["a", "b"] },
    texts: { corpus: { name: "these texts", text: "x y" } },
  };
  const at = { origin: "http://lab", pathname: "/x/", search: "" };
  const link = (await linkOf(placeOfWork(asked, FIRST), at)) ?? "";
  const read = placeOf(new URL(link).hash);
  expect(read).toMatchObject({
    place: {
      ...{ analysis: "features", dictionaries: ["a", "b"], question: FIRST },
      values: { which: 1, corpus: { name: "these texts", text: "x y" } },
    },
    ignored: [],
  });
  const texts = { corpus: { name: "these texts", text: "x".repeat(200_000) } };
  expect(await linkOf(placeOfWork({ ...asked, texts }, FIRST), at)).toBeUndefined();
  // More paths are checked than at first.
  expect(placeOfWork(pathsWork(FIRST, { verify: 5 }), FIRST)).toEqual({ ...START, checked: 5 });
});
