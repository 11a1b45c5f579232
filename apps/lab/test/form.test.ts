import { describe, expect, test } from "vitest";
import { formOf, inWords, valuesOf } from "../src/state/form.ts";
import { catalogue } from "../src/worker/catalogue.ts";

const all = await catalogue();

describe("the form of every analysis", () => {
  test.each(all.map((one) => [one.name, one] as const))("%s", (_, { parameters }) => {
    const fields = formOf(parameters, { given: {}, prompt: "Once upon" });
    expect(fields.map(({ name }) => name)).toEqual(parameters.map(({ name }) => name));
    // As it opens it says nothing but the text of the screen: all else is as the analysis has it.
    const takesPrompt = parameters.some(({ name, kind }) => name === "prompt" && kind === "prompt");
    expect(valuesOf(fields)).toEqual({
      values: takesPrompt ? { prompt: "Once upon" } : {},
      // What has to be given is asked for beside its field.
      faults: Object.fromEntries(
        parameters
          .filter(({ name, required }) => required && !(takesPrompt && name === "prompt"))
          .map(({ name }) => [name, "This has to be given."]),
      ),
    });
  });
});

test("a description speaks of the model that is open", () => {
  const told = all.map(({ parameters, description }) => inWords(parameters, description));
  expect(told.filter((one) => /\bMODEL\b/.test(one))).toEqual([]);
});

test("what is typed is read by what a parameter takes, and what cannot be read is told", () => {
  const found = all.find(({ name }) => name === "paths");
  const fields = formOf(found?.parameters ?? [], {
    given: { target: [346, " John"] },
    prompt: [1, 2],
  });
  const field = (name: string) => {
    const one = fields.find((own) => own.name === name);
    if (one === undefined) throw new Error(name);
    return one;
  };
  expect(field("prompt").text).toBe("id:1, id:2");
  expect(valuesOf(fields).values.prompt).toEqual([1, 2]);
  expect(field("target").text).toBe('id:346," John"');
  field("prompt").text = "When Mary";
  field("top").text = "5";
  field("positions").on = true;
  field("sources").text = "embed.token, bias:*";
  field("level").text = "block";
  expect(valuesOf(fields)).toEqual({
    values: {
      ...{ prompt: "When Mary", target: [346, " John"], top: 5, positions: true, level: "block" },
      sources: ["embed.token", "bias:*"],
    },
    faults: {},
  });
  field("top").text = "many";
  field("target").text = '" Mary"," John"," Nora"';
  expect(valuesOf(fields).faults).toEqual({
    top: "“many” is no number.",
    target: "These are 3 tokens; there may be 2.",
  });
  field("top").text = "-1";
  expect(valuesOf(fields).faults.top).toMatch(/^It is a whole number from \d+.*, not -1\.$/);
});

test("heads, choices and files are read, and what the command says is said in words of the form", () => {
  const formFor = (analysis: string) => {
    const { parameters = [] } = all.find(({ name }) => name === analysis) ?? {};
    const fields = formOf(parameters, { given: {}, prompt: "Once" });
    const set = (name: string, text: string): void => {
      for (const own of fields) if (own.name === name) own.text = text;
    };
    return { fields, parameters, set };
  };
  const ov = formFor("ov");
  ov.set("head", "1.2");
  expect(valuesOf(ov.fields).faults.head).toContain("like L1.H5");
  ov.set("head", "L1.H2");
  expect(valuesOf(ov.fields)).toEqual({ values: { head: "L1.H2" }, faults: {} });
  const expand = formFor("expand");
  expand.set("freeze", "norm, patern");
  expect(valuesOf(expand.fields).faults.freeze).toContain("“patern” is none of pattern");
  const linearity = formFor("linearity");
  linearity.set("corpus", "Once upon a time.");
  const given = { corpus: { name: "corpus", text: "Once upon a time." } };
  expect(valuesOf(linearity.fields)).toEqual({ values: given, faults: {} });
  // A link gives it back.
  const again = formOf(linearity.parameters, { given, prompt: "" });
  expect(valuesOf(again).values).toEqual(given);
  const patch = formFor("patch");
  expect(inWords(patch.parameters, "Give one (--corrupt), or --reference zero; --dry-run.")).toBe(
    "Give one (“corrupt”), or “reference” zero; --dry-run.",
  );
  expect(inWords(linearity.parameters, "Give --corpus FILE or --tokens-file FILE.")).toBe(
    "Give “corpus” or “tokens file”.",
  );
});
