import { describe, expect, test } from "vitest";
import { formOf, valuesOf } from "../src/state/form.ts";
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
      faults: [],
    });
  });
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
  expect(field("prompt").text).toBe("1, 2");
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
    faults: [],
  });
  field("top").text = "many";
  expect(valuesOf(fields).faults).toEqual(["top: “many” is no number."]);
});
