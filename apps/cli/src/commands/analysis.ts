import {
  type AnyAnalysis,
  type AnyOutlineAnalysis,
  checkParameters,
  describeParameters,
  type Fault,
  type Parameter,
  type Progress,
  type Result,
  type Subject,
} from "@resolvent/analysis";
import type { CpuTensor } from "@resolvent/cpu";
import { cost as costs, InputError } from "@resolvent/tensor";
import { Command, Option } from "commander";
import { writeCost } from "../cost.ts";
import { checkPlaces, type EndOptions } from "../ends.ts";
import { usageError } from "../failure.ts";
import { checkpointFile, newFile, standardInput, textFile, writeNew } from "../files.ts";
import {
  keepWeights,
  keptWeights,
  noteKeeping,
  openModel,
  storedTensors,
  weightsHash,
} from "../open.ts";
import {
  type EngineOptions,
  type ModelOptions,
  withEngineOptions,
  withModelOptions,
} from "../options.ts";
import { type OutputOptions, outputOf, outputOptions } from "../output.ts";
import { flagOf, optionsOf, valuesOf } from "../parameter-options.ts";
import { STANDARD } from "../place.ts";
import { findModel } from "../prepare.ts";
import { writeResult } from "../result.ts";
import { checkSelection, type SelectionOptions, selectionOptions } from "../selection.ts";
import { bytes } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { readPrompt } from "../tokens.ts";
import { vocabularyOf } from "../vocabulary.ts";

/** What every analysis takes; its own parameters stand beside these. */
interface AnalysisFlags
  extends ModelOptions,
    EngineOptions,
    OutputOptions,
    SelectionOptions,
    EndOptions {
  readonly float64?: boolean;
  readonly dryRun?: boolean;
}

/** The command of an analysis: arguments, options and help from its parameters. */
export function analysisCommand(
  analysis: AnyAnalysis | AnyOutlineAnalysis,
  terminal: Terminal,
  signal: AbortSignal,
  argv: readonly string[],
): Command {
  const { name, summary, description, examples = [] } = analysis;
  const parameters = describeParameters(analysis.params);
  // MODEL first: an option that takes a list takes every word up to the next option.
  const command = new Command(name)
    .summary(summary)
    .description(description)
    .usage("<model> [options]");
  for (const option of [
    ...parameters.flatMap(optionsOf),
    ...(analysis.float64
      ? [new Option("--no-float64", "leave out the certificate's second computation in float64")]
      : []),
    ...(analysis.page === undefined
      ? []
      : [
          new Option(
            "--html <file>",
            "write the result as a page that needs nothing else, too; - is standard output",
          ),
        ]),
    ...(analysis.resumable
      ? [
          new Option(
            "--resume <file>",
            "keep unfinished work in this file, and go on with what is in it",
          ),
        ]
      : []),
    new Option("--dry-run", "say what it would take, and stop"),
    ...outputOptions(),
    ...selectionOptions(analysis.tableKinds),
  ]) {
    command.addOption(option);
  }
  if (examples.length > 0) {
    const lines = examples.map((example) => `\n  resolvent ${name} ${example}`);
    command.addHelpText("after", `\nExamples:${lines.join("")}`);
  }
  return withEngineOptions(withModelOptions(command)).action(
    async (model: string, flags: AnalysisFlags) =>
      await analyse(analysis, parameters, { model, flags, terminal, signal, argv }),
  );
}

interface Call {
  readonly model: string;
  readonly flags: AnalysisFlags;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** The whole command line, for pages that say how they were made. */
  readonly argv: readonly string[];
}

async function analyse(
  analysis: AnyAnalysis | AnyOutlineAnalysis,
  parameters: readonly Parameter[],
  { model: name, flags, terminal, signal, argv }: Call,
): Promise<void> {
  const given: Readonly<Record<string, unknown>> = { ...flags };
  const output = outputOf(flags, terminal);
  const { html, resume, overwrite = false } = flags;
  checkPlaces(parameters, flags, given);
  checkSelection(output.format, flags);
  const values = valuesOf(parameters, given, {
    textFile: (path) =>
      path === STANDARD ? standardInput(() => terminal.inputBytes()) : textFile(path),
    newFile: (flag, path) =>
      newFile(flag, path, overwrite, (size) => terminal.note(`${path} will take ${bytes(size)}.`)),
  });
  const waits = parameters.some(
    (parameter) => parameter.name === "prompt" && parameter.required && values.prompt === undefined,
  );
  if (waits && parameters.some(({ name, kind }) => kind === "file" && given[name] === STANDARD)) {
    throw usageError("The prompt and a file both read standard input.", "Give --prompt TEXT.");
  }
  // What can be refused at once is; standard input is only read once there is a model to read it.
  const early = waits ? undefined : await check(analysis, values);
  const { folder, outline, tokenizer } = await findModel(name, flags, terminal);
  const params =
    early ?? (await check(analysis, { ...values, prompt: await readPrompt(terminal) }));
  const vocabulary = vocabularyOf(tokenizer, folder, outline.architecture.vocab);
  const { precision } = flags;
  const outlined = { model: outline, vocabulary, precision };
  const cost = analysis.needs === "outline" ? costs().total() : analysis.estimate(outlined, params);
  if (flags.dryRun) {
    const weights = keptWeights(outline, flags, cost.peakBytes);
    writeCost(
      { ...cost, weights },
      { command: analysis.name, model: outline.name },
      output.format,
      output.to,
    );
    return await output.finish();
  }
  const give = async (result: Result): Promise<void> => {
    terminal.progress("");
    writeResult(result, analysis.tables(result), {
      format: output.format,
      precision,
      terminal: output.to,
      selection: flags,
      note: terminal.note,
    });
    await output.finish();
    if (html === undefined || analysis.page === undefined) return;
    if (html === STANDARD) {
      terminal.out(analysis.page(result, { command: commandLine(argv) }));
    } else {
      await writeNew(html, analysis.page(result, { command: commandLine(argv) }), overwrite);
      terminal.note(`${html} has the page.`);
    }
  };
  if (analysis.needs === "outline") {
    const files = {
      ...outlined,
      tensors: await storedTensors(folder),
      sha256: await weightsHash(folder, terminal),
      tokenizer: tokenizer !== undefined,
      weights: keptWeights(outline, flags, 0),
    };
    return await give(await analysis.run(files, params));
  }
  const plan = keepWeights(
    outline,
    flags,
    cost.peakBytes,
    "Shorten the input, ask for less, or raise --max-memory.",
  );
  const inFloat64 = (): NonNullable<Subject<CpuTensor>["inFloat64"]> => {
    const exact = { model: outline, vocabulary, precision: "f64" } as const;
    const as = { ...flags, precision: exact.precision };
    const planned = keepWeights(
      outline,
      as,
      analysis.estimate(exact, params).peakBytes,
      "Leave the certificate's second computation out with --no-float64.",
    );
    return async (use) => {
      terminal.progress("certificate in float64");
      const { engine, model } = await openModel(
        folder,
        outline.name,
        { ...as, ...planned },
        terminal,
      );
      try {
        return await use(engine, model);
      } finally {
        await engine.close();
      }
    };
  };
  const again =
    analysis.float64 && flags.float64 !== false && precision === "f32" ? inFloat64() : undefined;
  noteKeeping(outline, plan, flags, terminal);
  const checkpoint = resume === undefined ? undefined : await checkpointFile(resume, analysis.name);
  const { engine, model } = await openModel(folder, outline.name, { ...flags, ...plan }, terminal);
  try {
    const sha256 = await weightsHash(folder, terminal);
    const result: Result = await analysis.run(
      {
        engine,
        model: { ...model, sha256 },
        vocabulary,
        linearAlgebra: () => engine.linearAlgebra(),
        signal,
        onProgress: ({ done, total, of }: Progress) =>
          terminal.progress(`${of} ${done} of ${total}`),
        checkpoint,
        inFloat64: again,
      },
      params,
    );
    await give(result);
    await checkpoint?.remove();
  } finally {
    await engine.close();
  }
}

/** A command line as a shell takes it. */
function commandLine(argv: readonly string[]): string {
  const words = argv.map((word) =>
    /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return ["resolvent", ...words].join(" ");
}

/** Parameters from what was given, faults by the names of the options. */
async function check(
  { params }: Pick<AnyAnalysis, "params">,
  values: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  try {
    return await checkParameters(params, values);
  } catch (error) {
    if (!(error instanceof InputError) || error.code !== "analysis/bad-parameters") throw error;
    const faults = error.details.faults as readonly Fault[]; // what checkParameters puts there
    const lines = faults.map(({ parameter, message, got }) => {
      const text = message.replace(/\.$/, "");
      return parameter === undefined
        ? `${text}.`
        : `${flagOf(parameter)}: ${text}, got ${JSON.stringify(got) ?? "nothing"}.`;
    });
    throw usageError(lines.join(" "));
  }
}
