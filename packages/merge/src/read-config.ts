import type { Dtype } from "@resolvent/weights";
import type { MergeConfig } from "./config.ts";
import { count, list, mapping, number, pathTo, plainValue, text, wrong } from "./fields.ts";
import { isMethod, LEFT_OUT, METHODS, type MethodName } from "./method.ts";
import { readTokenizer } from "./read-tokenizer.ts";
import type { Recipe, RecipeSlice, Source } from "./recipe.ts";
import { type NamedModel, namedModel, readReference } from "./reference.ts";
import { badConfig, refuse } from "./refuse.ts";
import { type Level, readLevel } from "./setting.ts";
import { parseYaml, type Value } from "./yaml.ts";

const INPUTS = ["models", "slices", "modules"] as const;

const KEYS = [
  ...["merge_method", ...INPUTS, "base_model", "parameters", "dtype", "out_dtype"],
  ...["tokenizer_source", "tokenizer", "chat_template", "name"],
];

/** Most slices, and most models of a slice. */
const MAX_SLICES = 10_000;

const DTYPES: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ["float32", "F32"],
  ["float16", "F16"],
  ["bfloat16", "BF16"],
]);

const TEMPLATES = ["auto", "alpaca", "chatml", "llama3", "mistral", "exaone"];

/** What is known when parameters are looked at: which of them the method has, and which model is the base. */
interface Context {
  readonly method: MethodName;
  readonly base: string | undefined;
  readonly ignored: string[];
}

/**
 * A merge, read from mergekit's YAML or given as an object of the same form, and checked as far as it can be without its
 * models. What is not known, stands twice or is no finite number is refused by its path; what is known and has no
 * effect is listed.
 *
 * @throws InputError `merge/config-yaml`, `merge/config-documents`, `merge/config-duplicate-key`,
 * `merge/config-unknown-key`, `merge/config-type`, `merge/config-not-finite`, `merge/config-inputs`,
 * `merge/config-tokenizer-twice`, `merge/method`, `merge/base-missing`, `merge/inputs`, `merge/model-twice`,
 * `merge/dtype`, `merge/lora`, `merge/chat-template`
 */
export function readMergeConfig(from: string | MergeConfig): Recipe {
  const fields = mapping(
    typeof from === "string" ? parseYaml(from) : plainValue(from, ""),
    "",
    KEYS,
  );
  const given = INPUTS.filter((key) => fields.has(key));
  if (given.length !== 1) {
    throw badConfig(
      "inputs",
      "",
      `has ${given.length === 0 ? "none" : given.join(" and ")} of models, slices, modules.`,
      "Give exactly one of them.",
      { given },
    );
  }
  const method = readMethod(text(fields.get("merge_method"), "merge_method"));
  const base = optionalReference(fields, "base_model", "");
  const name = fields.get("name");
  if (name !== undefined) text(name, "name");
  const context: Context = { method, base, ignored: name === undefined ? [] : ["name"] };
  const top = level(context, fields.get("parameters"), "parameters");
  const { levels, fields: place, path } = moduleOf(context, fields, top);
  const slices = place.has("models")
    ? [wholeModels(context, place.get("models") ?? null, pathTo(path, "models"), levels)]
    : readSlices(context, place.get("slices") ?? null, pathTo(path, "slices"), levels);
  const stored = readDtype(fields, "dtype");
  const dtype = readDtype(fields, "out_dtype") ?? stored;
  const tokenizer = readTokenizer(fields);
  const template = fields.get("chat_template");
  return {
    method,
    whole: place.has("models"),
    slices,
    ...(base !== undefined && { base }),
    ...(dtype !== undefined && { dtype }),
    ...(tokenizer !== undefined && { tokenizer }),
    ...(template !== undefined && { chatTemplate: readTemplate(text(template, "chat_template")) }),
    ignored: context.ignored,
  };
}

/** The models that a recipe names, each once, in order: what to open before it is planned. */
export function modelsOf(recipe: Recipe): readonly NamedModel[] {
  const named = recipe.slices.flatMap(({ sources, base }) => [
    ...sources.map(({ model }) => model),
    ...(base === undefined ? [] : [base]),
  ]);
  const all = recipe.base === undefined ? named : [...named, recipe.base];
  return [...new Set(all)].map(namedModel);
}

function readMethod(word: string): MethodName {
  if (isMethod(word)) return word;
  const known = Object.keys(METHODS);
  throw refuse(
    "method",
    LEFT_OUT.includes(word)
      ? `merge_method: ${word} is known and not supported.`
      : `merge_method: ${word} is no merge method.`,
    `There are ${known.join(", ")}.`,
    { method: word, known },
  );
}

/** Where the models or slices stand: at the top, or in the module `default`. */
function moduleOf(
  context: Context,
  fields: ReadonlyMap<string, Value>,
  top: Level,
): { levels: readonly Level[]; fields: ReadonlyMap<string, Value>; path: string } {
  const modules = fields.get("modules");
  if (modules === undefined) return { levels: [top], fields, path: "" };
  // A text decoder is one module: mergekit knows others for models of several.
  const only = mapping(modules, "modules", ["default"]).get("default");
  const path = "modules.default";
  const own = mapping(only ?? null, path, ["models", "slices", "parameters"]);
  if (own.has("models") === own.has("slices")) {
    throw badConfig(
      "inputs",
      path,
      "has none or both of models, slices.",
      "Give exactly one of them.",
    );
  }
  const at = pathTo(path, "parameters");
  return { levels: [level(context, own.get("parameters"), at), top], fields: own, path };
}

function wholeModels(
  context: Context,
  value: Value,
  path: string,
  levels: readonly Level[],
): RecipeSlice {
  const sources = list(value, path).map((one, i): Source => {
    const at = `${path}[${i}]`;
    const fields = mapping(one, at, ["model", "parameters"]);
    return sourceOf(context, fields, at, context.base);
  });
  const { base } = context;
  if (base !== undefined && !sources.some(({ model }) => model === base)) {
    sources.push({ model: base, parameters: readLevel(undefined, "") });
  }
  checkSources(context, sources, base, path);
  return { sources, levels, ...(base !== undefined && { base }) };
}

function readSlices(
  context: Context,
  value: Value,
  path: string,
  levels: readonly Level[],
): readonly RecipeSlice[] {
  const slices = list(value, path);
  if (slices.length === 0 || slices.length > MAX_SLICES) {
    throw wrong(path, `a list of 1 to ${MAX_SLICES} slices`, slices.length);
  }
  return slices.map((one, i): RecipeSlice => {
    const at = `${path}[${i}]`;
    const fields = mapping(one, at, ["sources", "parameters", "base_model", "residual_weight"]);
    const weight = fields.get("residual_weight");
    if (weight !== undefined) {
      number(weight, pathTo(at, "residual_weight"));
      context.ignored.push(pathTo(at, "residual_weight"));
    }
    const base = optionalReference(fields, "base_model", at) ?? context.base;
    const own = level(context, fields.get("parameters"), pathTo(at, "parameters"));
    const where = pathTo(at, "sources");
    const sources = list(fields.get("sources") ?? null, where).map((source, j): Source => {
      const place = `${where}[${j}]`;
      const parts = mapping(source, place, ["model", "layer_range", "parameters"]);
      const layers = layerRange(parts.get("layer_range") ?? null, pathTo(place, "layer_range"));
      return { ...sourceOf(context, parts, place, base), layers };
    });
    checkSources(context, sources, base, at);
    return { sources, levels: [own, ...levels], ...(base !== undefined && { base }) };
  });
}

function sourceOf(
  context: Context,
  fields: ReadonlyMap<string, Value>,
  path: string,
  base: string | undefined,
): Source {
  const model = readReference(fields.get("model"), pathTo(path, "model"));
  const at = pathTo(path, "parameters");
  const parameters = level(context, fields.get("parameters"), at, {
    source: true,
    base: model === base,
  });
  return { model, parameters };
}

/** The parameters of a level; those that the method has no use for there are noted. */
function level(
  { method, ignored }: Context,
  value: Value | undefined,
  path: string,
  { source = false, base = false } = {},
): Level {
  const read = readLevel(value, path);
  const spec = METHODS[method];
  const idle = base && spec.base !== "input";
  for (const name of read.settings.keys()) {
    const parameter = Object.hasOwn(spec.parameters, name) ? spec.parameters[name] : undefined;
    if (parameter === undefined || idle || (source && parameter.per === "output")) {
      ignored.push(pathTo(path, name));
    }
  }
  return read;
}

function layerRange(value: Value, path: string): readonly [number, number] {
  const ends = list(value, path);
  if (ends.length !== 2) throw wrong(path, "two numbers, [start, end]", value);
  const [start = null, end = null] = ends;
  // Which layers there are, the plan knows.
  const anyWhole = Number.MIN_SAFE_INTEGER;
  return [count(start, `${path}[0]`, anyWhole), count(end, `${path}[1]`, anyWhole)];
}

/** How many models there are, and which of them is the base. */
function checkSources(
  { method }: Context,
  sources: readonly Source[],
  base: string | undefined,
  path: string,
): void {
  const spec = METHODS[method];
  const names = sources.map(({ model }) => model);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw refuse("model-twice", `${path} names ${twice} twice.`, "Name each model once.", {
      model: twice,
    });
  }
  const needsBase = spec.base === "first" || spec.base === "apart";
  if (needsBase && base === undefined) {
    throw refuse("base-missing", `${method} needs base_model.`, "Say which model is the base.", {
      method,
    });
  }
  const own = spec.base !== "input" && base !== undefined;
  if (own && !names.includes(base)) {
    throw refuse(
      "base-missing",
      `${path}: base_model ${base} is none of the sources, and ${method} needs it there.`,
      "List it among the sources of each slice, with its own layers.",
      { method, base, path },
    );
  }
  const [least, most] = spec.inputs;
  const models = own ? names.length - 1 : names.length;
  if (models >= least && models <= most) return;
  const wanted = least === most ? `${least}` : `at least ${least}`;
  const besides = spec.base === "input" ? "" : " besides its base";
  throw refuse(
    "inputs",
    `${path}: ${method} takes ${wanted} model${least === 1 ? "" : "s"}${besides}, got ${models}.`,
    "List as many; a base_model that is not listed counts as an input of linear, karcher and passthrough.",
    { method, models, least, most },
  );
}

function optionalReference(
  fields: ReadonlyMap<string, Value>,
  key: string,
  path: string,
): string | undefined {
  const value = fields.get(key);
  return value === undefined ? undefined : readReference(value, pathTo(path, key));
}

function readDtype(fields: ReadonlyMap<string, Value>, key: string): Dtype | undefined {
  const value = fields.get(key);
  if (value === undefined) return undefined;
  const known = typeof value === "string" ? DTYPES.get(value.replace(/^torch\./, "")) : undefined;
  if (known !== undefined) return known;
  throw refuse(
    "dtype",
    `${key}: ${String(value)} is no dtype that results are stored in.`,
    `There are ${[...DTYPES.keys()].join(", ")}.`,
    { key, value },
  );
}

/** A template that is known by name, or a Jinja text. */
function readTemplate(word: string): string {
  if (TEMPLATES.includes(word)) return word;
  if (word.length >= 20 && word.includes("{")) return word;
  throw refuse(
    "chat-template",
    `chat_template: ${JSON.stringify(word)} is neither a template's name nor a template.`,
    `There are ${TEMPLATES.join(", ")}; a Jinja text has at least 20 characters and a brace.`,
    { template: word },
  );
}
