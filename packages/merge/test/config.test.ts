import { isInputError } from "@resolvent/tensor";
import { expect, test } from "vitest";
import { type MergeConfig, modelsOf, readMergeConfig } from "../src/index.ts";
import { settingAt } from "../src/setting.ts";

const linear = "merge_method: linear\nmodels: [{model: a, parameters: {weight: 1}}]\n";

/** The code and the path of what is refused. */
function refusal(
  from: string | object,
): { readonly code: string; readonly path: unknown } | undefined {
  try {
    readMergeConfig(from as MergeConfig); // also what is none
  } catch (error) {
    if (isInputError(error)) return { code: error.code, path: error.details.path };
    throw error;
  }
  return undefined;
}

test("an object means what the same YAML means", () => {
  const text = `
slices:
  - sources:
      - {model: a@main, layer_range: [0, 2], parameters: {weight: [{filter: mlp, value: [0, 1]}, {value: 0.5}]}}
      - {model: {model: {path: b}}, layer_range: [1, 3]}
merge_method: linear
parameters: {normalize: off, weight: 1e-5}
dtype: bfloat16
tokenizer: {source: union, tokens: {no: {source: {kind: zero}, force: yes}}}
`;
  const config: MergeConfig = {
    merge_method: "linear",
    slices: [
      {
        sources: [
          {
            model: "a@main",
            layer_range: [0, 2],
            parameters: { weight: [{ filter: "mlp", value: [0, 1] }, { value: 0.5 }] },
          },
          { model: { model: { path: "b" } }, layer_range: [1, 3] },
        ],
      },
    ],
    parameters: { normalize: false, weight: 0.00001 },
    dtype: "bfloat16",
    tokenizer: { source: "union", tokens: { no: { source: { kind: "zero" }, force: true } } },
  };
  const recipe = readMergeConfig(text);
  expect(recipe).toEqual(readMergeConfig(config));
  expect(modelsOf(recipe)).toEqual([
    { name: "a@main", path: "a", revision: "main" },
    { name: "b", path: "b" },
  ]);
  // A token called `no` stays a token: words are truth values only where one is expected.
  expect(recipe.tokenizer?.tokens).toMatchObject([{ token: "no", force: true }]);
});

test.each([
  ["yes", 1],
  ["On", 1],
  ["FALSE", 0],
  ["true", 1],
  ["1e-5", 1e-5],
  ['"1e-5"', 1e-5],
  ["-.5", -0.5],
  ["1.e+2", 100],
])("%s is a weight of %d", (written, value) => {
  const { slices } = readMergeConfig(linear.replace("weight: 1", `weight: ${written}`));
  const choices = slices[0]?.sources[0]?.parameters.settings.get("weight") ?? [];
  expect(settingAt(choices, "x", 0)).toBe(value);
});

test("anchors and merge keys are followed", () => {
  const recipe = readMergeConfig(
    "merge_method: linear\nmodels:\n  - {model: a, parameters: &p {weight: 2}}\n  - {model: b, parameters: {<<: *p}}\n  - {model: c, parameters: {<<: *p, weight: 3}}",
  );
  const weights = recipe.slices[0]?.sources.map(({ parameters }) =>
    parameters.settings.get("weight"),
  );
  expect(weights).toEqual([[{ values: [2] }], [{ values: [2] }], [{ values: [3] }]]);
});

test("what is no YAML is told with its place", () => {
  expect(() => readMergeConfig("name: x\nmodels: a b: c\n")).toThrow(/ at line 2, column 9/);
});

test("an alias means the anchor before it, also within what another repeats", () => {
  const recipe = readMergeConfig(`
merge_method: linear
models:
  - {model: a, parameters: &p {weight: &w 1}}
  - {model: b, parameters: {weight: &w 2}}
  - {model: c, parameters: *p}
  - {model: d, parameters: &q {weight: *w}}
  - {model: e, parameters: {weight: &w 3}}
  - {model: f, parameters: *q}
  - {model: g, parameters: {weight: *w}}
  - {&m model: h, parameters: {weight: 4}}
base_model: *m
`);
  const weights = recipe.slices[0]?.sources.map(
    ({ parameters }) => parameters.settings.get("weight")?.[0]?.values[0],
  );
  expect(weights).toEqual([1, 2, 1, 2, 3, 2, 3, 4, undefined]);
  expect(recipe.base).toBe("model");
});

test("a folder is the same with a slash behind it", () => {
  const recipe = readMergeConfig({
    merge_method: "task_arithmetic",
    base_model: "models/base/",
    models: [{ model: "models/base" }, { model: { model: { path: "a//" } } }],
    parameters: { weight: 1 },
  });
  expect(modelsOf(recipe).map(({ path }) => path)).toEqual(["models/base", "a"]);
});

test("tokens come in the order in which they are listed, whatever they are called", () => {
  const tokens = `tokenizer: {tokens: {b: {}, "<<": {force: true}, 7: {}, 1: {}, __proto__: {}}}`;
  const { tokenizer } = readMergeConfig(linear + tokens);
  expect(tokenizer?.tokens.map(({ token }) => token)).toEqual(["b", "<<", "7", "1", "__proto__"]);
  expect(tokenizer?.tokens[1]).toMatchObject({ force: true });
});

test.each<[string, string | object, string, string | undefined]>([
  [
    "a key twice, inside",
    `${linear}parameters: {normalize: true, normalize: true}`,
    "config-duplicate-key",
    "parameters.normalize",
  ],
  [
    "an unknown key, inside",
    linear.replace("model: a", "modle: a"),
    "config-unknown-key",
    "models[0].modle",
  ],
  [
    "an unknown parameter of an object",
    { merge_method: "linear", models: [{ model: "a", parameters: { wieght: 1 } }] },
    "config-unknown-key",
    "models[0].parameters.wieght",
  ],
  ["a prototype's key", `${linear}__proto__: {a: 1}`, "config-unknown-key", "__proto__"],
  ["no YAML", "a: [1", "config-yaml", ""],
  ["an alias of nothing", `${linear}parameters: *p`, "config-yaml", undefined],
  ["a custom tag", `${linear}parameters: {weight: !mine 1}`, "config-yaml", ""],
  ["nothing", "", "config-type", undefined],
  ["a list", "- 1", "config-type", undefined],
  ["a name that is no text", `${linear}\nname: [mine]`, "config-type", "name"],
  [
    "an infinite gradient",
    linear.replace("weight: 1", "weight: [0, .inf]"),
    "config-not-finite",
    "models[0].parameters.weight[1]",
  ],
  [
    "a number of a program that is none",
    { merge_method: "linear", models: [{ model: "a", parameters: { weight: Number.NaN } }] },
    "config-not-finite",
    "models[0].parameters.weight",
  ],
  ["an empty gradient", linear.replace("weight: 1", "weight: []"), "config-type", undefined],
  [
    "numbers among filters",
    linear.replace("weight: 1", "weight: [1, {value: 2}]"),
    "config-type",
    undefined,
  ],
  [
    "half a truth",
    linear.replace("model: a", "model: {model: a, lora: b}"),
    "lora",
    "models[0].model",
  ],
  [
    "half a layer",
    "merge_method: passthrough\nslices: [{sources: [{model: a, layer_range: [-1, 1.5]}]}]",
    "config-type",
    "slices[0].sources[0].layer_range[1]",
  ],
  ...["nan", "-Inf", '"infinity"', "1e400"].map((word): [string, string, string, string] => [
    `a weight ${word}`,
    linear.replace("weight: 1", `weight: ${word}`),
    "config-not-finite",
    "models[0].parameters.weight",
  ]),
  [
    "both of a module",
    "merge_method: linear\nmodules: {default: {models: [], slices: []}}",
    "config-inputs",
    "modules.default",
  ],
  ["no model", "merge_method: linear\nmodels: []", "inputs", undefined],
  [
    "a merge key twice",
    linear.replace("{weight: 1}", "{<<: {weight: 1}, <<: {weight: 2}}"),
    "config-duplicate-key",
    "models[0].parameters.<<",
  ],
  [
    "a number that is octal to some",
    linear.replace("weight: 1", "weight: 010"),
    "config-type",
    "models[0].parameters.weight",
  ],
  [
    "a base that a slice lacks",
    "merge_method: ties\nbase_model: c\nslices: [{sources: [{model: a, layer_range: [0, 1]}]}]",
    "base-missing",
    "slices[0]",
  ],
])("refused: %s", (_, from, code, path) => {
  const got = refusal(from);
  expect(got?.code).toBe(`merge/${code}`);
  if (path !== undefined) expect(got?.path).toBe(path);
});

test("aliases that multiply are cut short", () => {
  const lines = Array.from(
    { length: 12 },
    (_, i) =>
      `a${i}: &a${i} [${Array(9)
        .fill(i === 0 ? "1" : `*a${i - 1}`)
        .join(", ")}]`,
  );
  expect(refusal(lines.join("\n"))?.code).toBe("merge/config-yaml");
  expect(refusal(`a: &a [*a]`)?.code).toBe("merge/config-yaml");
  expect(refusal("[".repeat(5000))?.code).toBe("merge/config-yaml");
  expect(refusal(`a: "${"x".repeat(300_000)}"`)?.code).toBe("merge/config-yaml");
});

test("what has no effect is listed by its path", () => {
  const { ignored } = readMergeConfig(`
name: mine
merge_method: ties
base_model: c
parameters: {t: 1, density: 0.5}
slices:
  - residual_weight: 0
    parameters: {eps: 1, weight: 1}
    sources:
      - {model: a, layer_range: [0, 1], parameters: {lambda: 2, density: 0.1}}
      - {model: c, layer_range: [0, 1], parameters: {weight: 1}}
`);
  expect([...ignored].sort()).toEqual([
    "name",
    "parameters.t",
    "slices[0].parameters.eps",
    "slices[0].residual_weight",
    "slices[0].sources[0].parameters.lambda",
    "slices[0].sources[1].parameters.weight",
  ]);
});
