import { type AnyAnalysis, type AnyOutlineAnalysis, describeParameters } from "@resolvent/analysis";
import { type Argument, Command, Option } from "commander";
import type { AnalysisFlags } from "../analyse.ts";
import { figureOptions } from "../figure-files.ts";
import { withEngineOptions, withModelOptions } from "../options.ts";
import { outputOptions } from "../output.ts";
import { argumentOf, optionsOf } from "../parameter-options.ts";
import { selectionOptions } from "../selection.ts";
import type { Terminal } from "../terminal.ts";

/** The command of an analysis: arguments, options and help from its parameters. */
export function analysisCommand(
  analysis: AnyAnalysis | AnyOutlineAnalysis,
  terminal: Terminal,
  signal: AbortSignal,
  argv: readonly string[],
): Command {
  const { name, summary, description, examples = [] } = analysis;
  const parameters = describeParameters(analysis.params);
  const argument = analysis.alone === undefined ? "<model>" : "[model]";
  const words = parameters.filter((parameter) => parameter.argument).map(argumentOf);
  // MODEL first: an option that takes a list takes every word up to the next option.
  const command = new Command(name)
    .summary(summary)
    .description(description)
    .usage([argument, ...words.map(written), "[options]"].join(" "));
  for (const option of [
    ...parameters.filter((parameter) => !parameter.argument).flatMap(optionsOf),
    ...(takesDictionary(analysis) ? [dictionaryOption()] : []),
    ...(analysis.float64
      ? [new Option("--no-float64", "do not recompute the certificate in float64")]
      : []),
    ...(analysis.resumable
      ? [new Option("--resume <file>", "keep unfinished work in this file, and resume from it")]
      : []),
    new Option("--dry-run", "estimate compute and memory, then stop"),
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
  withEngineOptions(withModelOptions(command, argument));
  for (const word of words) command.addArgument(word);
  return command.action(
    async (model: string | undefined, ...more: readonly (string | undefined | AnalysisFlags)[]) => {
      const own = words.map((word, i) => [word.name(), more[i]]);
      // Commander calls with the words, and then the options.
      const flags = { ...(more[words.length] as AnalysisFlags), ...Object.fromEntries(own) };
      const { analyse, analyseAlone } = await import("../analyse.ts"); // engines and models: help needs none
      if (model === undefined)
        return await analyseAlone(analysis, parameters, { flags, terminal, signal, argv });
      await analyse(analysis, parameters, { model, flags, terminal, signal, argv });
    },
  );
}

/** A word as a line of usage has it. */
function written(word: Argument): string {
  return word.required ? `<${word.name()}>` : `[${word.name()}]`;
}

/** Whether an analysis can need a dictionary. */
function takesDictionary(analysis: AnyAnalysis | AnyOutlineAnalysis): boolean {
  if (analysis.needs === "outline") return false;
  const { needs = [], mayNeed = [] } = analysis;
  return [...(typeof needs === "function" ? [] : needs), ...mayNeed].includes("dictionary");
}

function dictionaryOption(): Option {
  return new Option(
    "--dictionary <place>",
    "a bundled one (tales-sae, tales-transcoders), a folder, its address, or hub:org/name/folder (hub:org/name@revision/folder); for several, repeat it",
  ).argParser((place: string, before: readonly string[] = []) => [...before, place]);
}
