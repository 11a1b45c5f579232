import type { Work } from "@resolvent/analysis/remote";
import { isAlone, type Known } from "./copies.ts";
import { HOMES, LISTS } from "./lists.ts";
import { hubModel, isFilesName } from "./own-names.ts";

/** The program that answers the same question, in TypeScript: what it prints is the result. */
export function programOf(work: Work, { parameters, needs, float64 }: Known): string {
  const { analysis, model, values, dictionaries = [], precision, engine, texts = {} } = work;
  const [list, module] = LISTS[HOMES.get(analysis) ?? "models"];
  const alone = isAlone(work);
  const others = parameters.flatMap(({ name, kind }) => {
    const value = values[name];
    return kind === "model" && typeof value === "string" ? [value] : [];
  });
  const needed = needs.includes("dictionary") && !alone ? dictionaries : [];
  const named = [...new Set(others)].map(
    (name, i) => [name, `other${i === 0 ? "" : i + 1}`] as const,
  );
  const given = [
    ...Object.entries(values).map(([name, value]) => `  ${name}: ${JSON.stringify(value)},`),
    ...Object.entries(texts).map(
      ([name, { name: called, text }]) =>
        `  ${name}: textFile(${JSON.stringify(called)}, ${JSON.stringify(text)}),`,
    ),
  ];
  const options = [
    ...(named.length === 0
      ? []
      : [`models: { ${named.map(([name, as]) => `${JSON.stringify(name)}: ${as}`).join(", ")} }`]),
    ...(needed.length === 0 ? [] : ["dictionaries"]),
    ...(work.float64 || !float64 ? [] : ["float64: false"]),
  ];
  const host = options.length === 0 ? "hostOn(lm)" : `hostOn(lm, { ${options.join(", ")} })`;
  const imported = Object.keys(texts).length === 0 ? [] : ["textFile"];
  const heads = alone
    ? [
        `import { ${["analysisOf", "runAlone", ...imported].join(", ")} } from "@resolvent/analysis";`,
        `import { ${list} } from "${module}";`,
      ]
    : [
        `import { ${["analysisOf", "runAnalysis", ...imported].join(", ")} } from "@resolvent/analysis";`,
        ...(module === "resolvent/analyses" ? [] : [`import { ${list} } from "${module}";`]),
        `import { ${[...(needed.length > 0 ? ["findDictionaries"] : []), "openModel"].join(", ")} } from "resolvent";`,
        ...(module === "resolvent/analyses" ? [`import { ${list} } from "${module}";`] : []),
        `import { hostOn } from "resolvent/host";`,
      ];
  const computed = [
    ...(engine === undefined ? [] : [`engine: ${JSON.stringify(engine)}`]),
    ...(precision === "f32" ? [] : [`precision: "${precision}"`]),
  ];
  const opened = alone
    ? []
    : [
        `const lm = await openModel(${modelArguments(model, computed)});`,
        ...named.map(
          ([name, as]) =>
            `const ${as} = await openModel(${modelArguments(name, ["engine: lm.engine"])});`,
        ),
        ...dictionaryLines(needed),
      ];
  const run = alone
    ? `const outcome = await runAlone(analysisOf(${list}, ${JSON.stringify(analysis)}), values);`
    : `const { result } = await runAnalysis(analysisOf(${list}, ${JSON.stringify(analysis)}), values, ${host});`;
  return `${[
    ...heads,
    "",
    ...opened,
    "const values = {",
    ...given,
    "};",
    run,
    `console.log(JSON.stringify(${alone ? "outcome?.result" : "result"}, undefined, 2));`,
    ...(alone ? [] : ["await lm.close();"]),
  ].join("\n")}\n`;
}

function dictionaryLines(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const [first] = names;
  if (names.length === 1)
    return [`const dictionaries = await findDictionaries(${JSON.stringify(first)});`];
  return [
    `const found = ${JSON.stringify(names)}.map((name) => findDictionaries(name));`,
    "const dictionaries = (await Promise.all(found)).flat();",
  ];
}

function modelArguments(model: string, options: readonly string[]): string {
  const hub = hubModel(model);
  const name = hub === undefined ? (isFilesName(model) ? "FOLDER" : model) : `hub:${hub.repo}`;
  const all = [
    ...(hub === undefined ? [] : [`revision: ${JSON.stringify(hub.revision)}`]),
    ...options,
  ];
  return [JSON.stringify(name), ...(all.length === 0 ? [] : [`{ ${all.join(", ")} }`])].join(", ");
}
