import { type Parameter, tokenNotation } from "@resolvent/analysis";
import type { Work } from "@resolvent/analysis/remote";
import { hubModel, isFilesName } from "./own-names.ts";

/** The command that does the same work, to be pasted into a shell. */
export function commandOf(
  { analysis, model, values, precision, float64 }: Work,
  parameters: readonly Pick<Parameter, "name" | "kind">[],
): string {
  const kinds = new Map(parameters.map(({ name, kind }) => [name, kind]));
  const options = Object.entries(values).flatMap(([name, value]) =>
    optionOf(name, kinds.get(name), value),
  );
  return [
    ...["resolvent", analysis, ...modelWords(model), ...options],
    ...(precision === "f32" ? [] : ["--precision", precision]),
    ...(float64 || !kinds.has("float64") ? [] : ["--no-float64"]),
  ].join(" ");
}

/** A model as the command line names it: a commit of the Hub has an option of its own, dropped files any folder. */
function modelWords(model: string): string[] {
  const hub = hubModel(model);
  if (hub !== undefined) return [quoted(`hub:${hub.repo}`), "--revision", quoted(hub.revision)];
  return [isFilesName(model) ? "FOLDER" : quoted(model)];
}

function optionOf(name: string, kind: Parameter["kind"] | undefined, value: unknown): string[] {
  const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (value === undefined) return [];
  if (typeof value === "boolean") return value ? [option] : [option.replace("--", "--no-")];
  if (kind === "prompt" && Array.isArray(value))
    return [name === "prompt" ? "--tokens" : `${option}-tokens`, value.join(",")];
  if (!Array.isArray(value)) return [option, quoted(String(value))];
  if (kind === "target" || kind === "tokens") {
    const names = value.map((one) => (typeof one === "number" ? `id:${one}` : tokenNotation(one)));
    return [option, quoted(names.join(","))];
  }
  // Nothing of a choice is said by a word.
  if (value.length === 0) return [option, "none"];
  return kind === "texts" || kind === "prompts"
    ? [option, ...value.map((one) => quoted(String(one)))]
    : [option, quoted(value.join(","))];
}

/** A word of a shell; in quotes unless it is plain. */
function quoted(word: string): string {
  return /^[\w./:,@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The program that does the work of the screen, in TypeScript. */
export function programOf({ model, values, precision }: Work): string {
  const { prompt, target, positions, top, routes, verify, check } = values;
  const { head, query, key, side } = values;
  const [, layer, own] = /^L(\d+)\.H(\d+)$/.exec(String(head)) ?? [];
  const [a, b = null] = Array.isArray(target) ? target : [];
  const tokens =
    typeof prompt === "string"
      ? `lm.tokens(${JSON.stringify(prompt)}).map(({ id }) => id)`
      : JSON.stringify(prompt);
  const options = [
    ...(a === undefined ? [] : [`target: { a: ${a}, b: ${b} }`]),
    `byPosition: ${positions === true}`,
    ...[`top: ${top}`, `routes: ${routes}`, `verify: ${verify}`],
    ...(Array.isArray(check) ? [`check: ${JSON.stringify(check)}`] : []),
    ...(own === undefined
      ? []
      : [
          `score: { layer: ${layer}, head: ${own}, query: ${query}, key: ${key}, side: ${JSON.stringify(side)} }`,
        ]),
  ];
  return `import { expandPaths } from "@resolvent/paths";
import { openModel } from "resolvent";

const lm = await openModel(${modelArguments(model, precision)});
const ids = ${tokens};
const found = await expandPaths(lm.engine, lm.model, ids, {
${options.map((option) => `  ${option},`).join("\n")}
});
console.log(found.total, found.shown);
await lm.close();
`;
}

function modelArguments(model: string, precision: Work["precision"]): string {
  const hub = hubModel(model);
  const named = isFilesName(model) ? "FOLDER" : hub === undefined ? model : `hub:${hub.repo}`;
  const options = [
    ...(hub === undefined ? [] : [`revision: ${JSON.stringify(hub.revision)}`]),
    ...(precision === "f32" ? [] : [`precision: ${JSON.stringify(precision)}`]),
  ];
  return [
    JSON.stringify(named),
    ...(options.length === 0 ? [] : [`{ ${options.join(", ")} }`]),
  ].join(", ");
}
