import { METHODS, type MethodName, type ParameterSpec } from "@resolvent/merge";

/** A model of a merge, and what is typed for its own parameters. */
interface MergeModelField {
  readonly model: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** A merge as a form has it: what is typed, as texts. */
export interface MergeForm {
  readonly method: MethodName;
  /** The model that both were trained from, or that t = 0 stands for; "" for none. */
  readonly base: string;
  readonly models: readonly MergeModelField[];
  /** Of the whole merge. */
  readonly parameters: Readonly<Record<string, string>>;
  /** "" for that of the models. */
  readonly dtype: string;
}

/** What results are stored as; "" for what the models are. */
export const MERGE_DTYPES: readonly string[] = ["", "float32", "bfloat16", "float16"];

/** Parameters that change nothing here: where mergekit keeps masks. */
const IDLE: readonly string[] = ["int8_mask"];

/** A parameter of a method, as a form asks for it. */
export interface MergeParameterField {
  readonly name: string;
  readonly spec: ParameterSpec;
  /** What it is where nothing is typed; "" where something has to be. */
  readonly hint: string;
}

/** The parameters that a method has for the whole merge, or for each model. */
export function mergeParametersOf(
  method: MethodName,
  per: ParameterSpec["per"],
): readonly MergeParameterField[] {
  return Object.entries(METHODS[method].parameters)
    .filter(([name, spec]) => spec.per === per && !IDLE.includes(name))
    .map(([name, spec]) => ({ name, spec, hint: hintOf(spec) }));
}

function hintOf({ default: preset }: ParameterSpec): string {
  if (preset === undefined) return "";
  return preset === null ? "none" : String(preset);
}

/** Whether a method needs a base, may have one, or counts it among its models. */
export function baseOf(method: MethodName): "needed" | "possible" | "none" {
  const { base } = METHODS[method];
  return base === "input" ? "none" : base === "maybe" ? "possible" : "needed";
}

/** How many models a method takes beside its base, at least and at most. */
export function modelsOf(method: MethodName): readonly [least: number, most: number] {
  return METHODS[method].inputs;
}

/**
 * A form for a method: of the models, the likeliest first, as many as it takes at least, or two; with what has to be given
 * filled in by what is usual. The base is the first of them, where it needs one and none is said.
 */
export function startForm(
  method: MethodName,
  { names, base = names[0] ?? "" }: { readonly names: readonly string[]; readonly base?: string },
): MergeForm {
  const [least, most] = modelsOf(method);
  const needed = baseOf(method) === "needed";
  const inputs = [...new Set(names)].filter((name) => !needed || name !== base);
  const own = inputs.slice(0, Math.min(most, Math.max(least, needed ? 1 : 2)));
  return {
    method,
    base: needed ? base : "",
    models: own.map((model) => ({ model, parameters: usual(method, "input", own.length) })),
    parameters: usual(method, "output", own.length),
    dtype: "",
  };
}

/** Models in the order in which they are likely to be merged with one: what is called after it has its shape. */
export function likeliest(model: string, names: readonly string[]): readonly string[] {
  const after = (name: string): boolean => name.startsWith(`${model}-`);
  return [...names.filter(after), ...names.filter((name) => !after(name))];
}

/** What is usual for parameters that have to be given: halves. */
function usual(
  method: MethodName,
  per: ParameterSpec["per"],
  models: number,
): Readonly<Record<string, string>> {
  const share = String(Number((1 / Math.max(1, models)).toPrecision(3)));
  return Object.fromEntries(
    mergeParametersOf(method, per)
      .filter(({ spec }) => spec.default === undefined)
      .map(({ name }) => [name, name === "weight" ? share : "0.5"]),
  );
}

/** The form as mergekit's YAML, the text of which is what is merged. */
export function mergeConfig({ method, base, models, parameters, dtype }: MergeForm): string {
  const lines = (own: Readonly<Record<string, string>>, indent: string): string[] => {
    const given = Object.entries(own).filter(([, value]) => value.trim() !== "");
    return given.length === 0
      ? []
      : [`${indent}parameters:`, ...given.map(([name, value]) => `${indent}  ${name}: ${value}`)];
  };
  return `${[
    `merge_method: ${method}`,
    ...(base === "" ? [] : [`base_model: ${quoted(base)}`]),
    "models:",
    ...models.flatMap((one) => [
      `  - model: ${quoted(one.model)}`,
      ...lines(one.parameters, "    "),
    ]),
    ...lines(parameters, ""),
    ...(dtype === "" ? [] : [`dtype: ${dtype}`]),
  ].join("\n")}\n`;
}

/** A name as YAML has it: bare where nothing in it means something. */
function quoted(name: string): string {
  return /^[A-Za-z][\w./-]*$/.test(name) ? name : JSON.stringify(name);
}
