import { describeParameters, type ListedAnalysis, type Parameter } from "@resolvent/analysis";
import { Command, InvalidArgumentError, Option } from "commander";
import { usageError } from "../failure.ts";
import { wholeNumber, withEngineOptions, withModelOptions } from "../options.ts";
import { argumentOf, optionsOf } from "../parameter-options.ts";
import { parseShard } from "../sweep/shard.ts";
import type { SweepFlags } from "../sweep/sweep.ts";
import type { Terminal } from "../terminal.ts";
import { dictionaryOption, takesDictionary } from "./analysis.ts";

/** Prompts of a part at most: one is held in memory, and is lost where a process is killed. */
const MOST_IN_PART = 65_536;

/** The command that runs an analysis on every prompt of a corpus; each analysis of a prompt is a command below it. */
export function sweepCommand(report: Command): Command {
  return new Command("sweep")
    .summary("an analysis of every prompt of a corpus, in shards")
    .description(
      "Runs an analysis on every prompt of a corpus and keeps the rows of its results as Parquet. Several processes share the work (--shard i/n); one that was killed goes on where it was. resolvent sweep report FOLDER merges.",
    )
    .usage("<analysis> <model> [options]")
    .showHelpAfterError(
      "Analyses of a prompt are swept, each a command here: resolvent sweep --help lists them.",
    )
    .addHelpText(
      "after",
      `
Examples:
  resolvent sweep expand tales --corpus texts.txt --freeze none --out spectra
  resolvent sweep expand tales --corpus texts.txt --freeze none --out spectra --shard 1/8
  resolvent sweep report spectra`,
    )
    .addCommand(report);
}

/** What of an analysis is a sweep's: undefined for one that is not of a prompt. */
export function sweptCommand(
  analysis: ListedAnalysis,
  terminal: Terminal,
  signal: AbortSignal,
  argv: readonly string[],
): Command | undefined {
  if (analysis.needs === "outline" || analysis.needs === "files") return undefined;
  const all = describeParameters(analysis.params);
  if (all.every(({ kind, name }) => kind !== "prompt" || name !== "prompt")) return undefined;
  const parameters = all.filter((one) => one.name === "prompt" || isSwept(one));
  const own = parameters.filter(({ name }) => name !== "prompt");
  const command = withEngineOptions(
    withModelOptions(
      new Command(analysis.name)
        .summary(analysis.summary)
        .description(`For every prompt of a corpus: ${analysis.summary}.`),
    ),
  );
  for (const option of [
    ...ownOptions(),
    ...own.filter(({ argument }) => !argument).flatMap(optionsOf),
    ...(takesDictionary(analysis) ? [dictionaryOption()] : []),
    ...(analysis.float64
      ? [new Option("--no-float64", "do not recompute certificates in float64")]
      : []),
    new Option("--dry-run", "say what the first prompt takes, then stop"),
  ]) {
    command.addOption(option);
  }
  const words = own.filter(({ argument }) => argument).map(argumentOf);
  for (const word of words) command.addArgument(word);
  return command.action(async (model: string, ...called: readonly unknown[]) => {
    const { sweep } = await import("../sweep/sweep.ts");
    const named = Object.fromEntries(words.map((word, i) => [word.name(), called[i]]));
    const flags = { ...(called[words.length] as SweepFlags), ...named }; // as Commander calls
    await sweep(analysis, parameters, { model, flags, terminal, signal, argv });
  });
}

/** A command that no list has, of an analysis that is not of a prompt: it says what there is in place of a sweep. */
export function unsweptCommand(analysis: ListedAnalysis): Command {
  return new Command(analysis.name)
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(() => {
      throw usageError(
        `${analysis.name} asks nothing of a single prompt, of which a sweep has many.`,
        insteadOf(analysis),
      );
    });
}

function insteadOf({ name, needs, params }: ListedAnalysis): string {
  const call = `resolvent ${name}`;
  if (needs === "files") return `It is of files: ${call} --help.`;
  const parameters = describeParameters(params).map((one) => one.name);
  const takes = ["corpus", "prompts"].find((one) => parameters.includes(one));
  const whole =
    takes === undefined
      ? `It is of a model as it is: ${call} MODEL.`
      : `It takes many texts at once: ${call} MODEL --${takes} FILE.`;
  return `${whole} Of many models, call it for each. Analyses of a prompt are swept: resolvent sweep --help.`;
}

/** Parameters that a sweep has of its own, and those that it has no use for. */
const TAKEN: readonly string[] = [
  ...["corpus", "tokensFile", "prompts", "length", "shard", "partPrompts", "out", "each", "pairs"],
];

/** Files that an analysis writes would be written once for each prompt. */
function isSwept({ name, kind }: Parameter): boolean {
  return kind !== "newFile" && kind !== "newFolder" && !TAKEN.includes(name);
}

function ownOptions(): Option[] {
  return [
    new Option("--corpus <file>", "text, cut into prompts of --length tokens"),
    new Option("--tokens-file <file>", "prompts as token ids, one list a line"),
    new Option(
      "--prompts <file>",
      "prompts, one a line: text, or JSON with the prompt and parameters of the analysis by name",
    ),
    new Option(
      "--length <n>",
      "tokens of a prompt at most; default: 128 of a text, all of a line of ids, if the context allows",
    ).argParser(wholeNumber(1)),
    new Option("--shard <i/n>", "this process is the i-th of n that share the work")
      .argParser(parseShard)
      .default({ number: 1, of: 1 }, "1/1"),
    new Option(
      "--out <folder>",
      "folder of the results, which all shards share",
    ).makeOptionMandatory(),
    new Option("--part-prompts <n>", "prompts of a part, which is written at once")
      .argParser((text: string) => {
        const count = wholeNumber(1)(text);
        if (count <= MOST_IN_PART) return count;
        throw new InvalidArgumentError(`Expected at most ${MOST_IN_PART}.`);
      })
      .default(64),
  ];
}
