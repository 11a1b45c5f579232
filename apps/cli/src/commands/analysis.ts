import { describeParameters, type ListedAnalysis } from "@resolvent/analysis";
import { bundledDictionaries } from "@resolvent/models/dictionaries";
import { type Argument, Command, Option } from "commander";
import type { AnalysisFlags } from "../analyse.ts";
import { figureOptions } from "../figure-files.ts";
import { withEngineOptions, withFilesOptions, withModelOptions } from "../options.ts";
import { outputOptions } from "../output.ts";
import { argumentOf, optionsOf } from "../parameter-options.ts";
import { selectionOptions } from "../selection.ts";
import type { Terminal } from "../terminal.ts";

/** The command of an analysis: arguments, options and help from its parameters. */
export function analysisCommand(
  analysis: ListedAnalysis,
  terminal: Terminal,
  signal: AbortSignal,
  argv: readonly string[],
): Command {
  const { name, summary, description, examples = [] } = analysis;
  const parameters = describeParameters(analysis.params);
  const { needs } = analysis;
  const argument = analysis.alone === undefined ? "<model>" : "[model]";
  const words = parameters.filter((parameter) => parameter.argument).map(argumentOf);
  // MODEL first: an option that takes a list takes every word up to the next option.
  const command = new Command(name)
    .summary(summary)
    .description(description)
    .usage(
      [...(needs === "files" ? [] : [argument]), ...words.map(written), "[options]"].join(" "),
    );
  for (const option of [
    ...parameters.filter((parameter) => !parameter.argument).flatMap(optionsOf),
    ...(takesDictionary(analysis) ? [dictionaryOption()] : []),
    ...(analysis.float64
      ? [new Option("--no-float64", "do not recompute the certificate in float64")]
      : []),
    ...(analysis.resumable
      ? [new Option("--resume <file>", "keep unfinished work in this file, and resume from it")]
      : []),
    new Option(
      "--dry-run",
      needs === "files"
        ? "say what it would do, then stop"
        : "estimate compute and memory, then stop",
    ),
    ...outputOptions(),
    ...figureOptions(),
    ...selectionOptions(analysis.tableKinds),
  ]) {
    command.addOption(option);
  }
  if (examples.length > 0) {
    const lines = examples.map((example) => `\n  resolvent ${name} ${example}`);
    command.addHelpText("after", `\nExamples:${lines.join("")}`);
  }
  /** What Commander calls with: the words, and then the options. */
  type Called = readonly (string | undefined | AnalysisFlags)[];
  const flagsOf = (called: Called): AnalysisFlags => {
    const own = words.map((word, i) => [word.name(), called[i]]);
    return { ...(called[words.length] as AnalysisFlags), ...Object.fromEntries(own) };
  };
  const call = { terminal, signal, argv };
  // Engines and models are imported where they are used: help needs none.
  if (analysis.needs === "files") {
    for (const word of words) command.addArgument(word);
    return withFilesOptions(command).action(async (...called: Called) => {
      const { analyseFiles } = await import("../analyse-files.ts");
      const flags = { ...flagsOf(called), precision: "f64" } as const; // of numbers as people see them
      await analyseFiles(analysis, parameters, { ...call, flags });
    });
  }
  withEngineOptions(withModelOptions(command, argument));
  for (const word of words) command.addArgument(word);
  return command.action(async (model: string | undefined, ...called: Called) => {
    const { analyse, analyseAlone } = await import("../analyse.ts");
    const own = { ...call, flags: flagsOf(called) };
    if (model === undefined) return await analyseAlone(analysis, parameters, own);
    await analyse(analysis, parameters, { ...own, model });
  });
}

/** A word as a line of usage has it. */
function written(word: Argument): string {
  return word.required ? `<${word.name()}>` : `[${word.name()}]`;
}

/** Whether an analysis can need a dictionary. */
export function takesDictionary(analysis: ListedAnalysis): boolean {
  if (analysis.needs === "outline" || analysis.needs === "files") return false;
  const { needs = [], mayNeed = [] } = analysis;
  return [...(typeof needs === "function" ? [] : needs), ...mayNeed].includes("dictionary");
}

/** Names dictionaries. */
export function dictionaryOption(): Option {
  return new Option(
    "--dictionary <place>",
    `a bundled one (${Object.keys(bundledDictionaries).join(", ")}), a folder, its address, or hub:org/name/folder (hub:org/name@revision/folder); for several, repeat it`,
  ).argParser((place: string, before: readonly string[] = []) => [...before, place]);
}
