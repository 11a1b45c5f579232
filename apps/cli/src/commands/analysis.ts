import { existsSync } from "node:fs";
import {
  type AnyAnalysis,
  type AnyOutlineAnalysis,
  bytes,
  checkParameters,
  describeParameters,
  type Fault,
  type Parameter,
  type Progress,
  type Result,
  type Soundness,
  type Subject,
  soundnessOf,
  type Warning,
  withWarnings,
} from "@resolvent/analysis";
import type { CpuTensor } from "@resolvent/cpu";
import { cost as costs, isInputError } from "@resolvent/tensor";
import { Command, Option } from "commander";
import { writeCost } from "../cost.ts";
import { checkPlaces, type EndOptions } from "../ends.ts";
import { EXIT, exitCodeOf, refuseUnsound, usageError } from "../failure.ts";
import { checkpointFile, newFile, readText, standardInput, textFile, writeNew } from "../files.ts";
import {
  keepWeights,
  keptWeights,
  noteKeeping,
  notFiniteIn,
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
import type { Terminal } from "../terminal.ts";
import { textLossNotes } from "../text-losses.ts";
import { readPrompt, readStandardInput } from "../tokens.ts";
import { vocabularyOf } from "../vocabulary.ts";
import { warner, warningsAbout } from "../warnings.ts";

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
      ? [new Option("--no-float64", "do not recompute the certificate in float64")]
      : []),
    ...(analysis.page === undefined
      ? []
      : [
          new Option(
            "--html <file>",
            "also write the result as a self-contained HTML page; - is standard output",
          ),
        ]),
    ...(analysis.resumable
      ? [new Option("--resume <file>", "keep unfinished work in this file, and resume from it")]
      : []),
    new Option("--dry-run", "estimate compute and memory, then stop"),
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
  const values = await valuesOf(parameters, given, {
    readText: (path) => (path === STANDARD ? readStandardInput(terminal) : readText(path)),
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
  const {
    folder,
    outline,
    tokenizer,
    tokenizerFault: fault,
  } = await findModel(name, flags, terminal);
  const warn = warner(terminal);
  warn(outline.warnings ?? []);
  const params =
    early ?? (await check(analysis, { ...values, prompt: await readPrompt(terminal) }));
  const losses = textLossNotes(tokenizer);
  const { vocab } = outline.architecture;
  const vocabulary = vocabularyOf(tokenizer, outline.name, vocab, { read: losses.read, fault });
  const { precision } = flags;
  const outlined = { model: outline, vocabulary, precision };
  const cost = analysis.needs === "outline" ? costs().total() : analysis.estimate(outlined, params);
  warn(losses.warnings()); // of the texts that the estimate has read
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
  const give = async (plain: Result, about: readonly Warning[]): Promise<Soundness> => {
    terminal.progress("");
    const warnings = [...about, ...losses.warnings()];
    warn(warnings);
    const soundness = soundnessOf(plain);
    const result = withWarnings(plain, warnings);
    writeResult(result, analysis.tables(result), {
      format: output.format,
      precision,
      soundness,
      terminal: output.to,
      selection: flags,
      note: terminal.note,
    });
    await output.finish();
    if (html === undefined || analysis.page === undefined) return soundness;
    if (html === STANDARD) {
      terminal.out(analysis.page(result, { command: commandLine(argv) }));
    } else {
      await writeNew(html, analysis.page(result, { command: commandLine(argv) }), overwrite);
      terminal.note(`${html} has the page.`);
    }
    return soundness;
  };
  if (analysis.needs === "outline") {
    const files = {
      ...outlined,
      tensors: await storedTensors(folder),
      sha256: await weightsHash(folder, terminal),
      tokenizer: tokenizer !== undefined,
      weights: keptWeights(outline, flags, 0),
    };
    const warnings = [...(outline.warnings ?? []), ...(await notFiniteIn(folder, terminal))];
    return refuseUnsound(await give(await analysis.run(files, params), warnings));
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
      "Do not recompute the certificate in float64: --no-float64.",
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
    warn(model.warnings ?? []);
    const sha256 = await weightsHash(folder, terminal);
    const subject = {
      engine,
      model: { ...model, sha256 },
      vocabulary,
      linearAlgebra: () => engine.linearAlgebra(),
      signal,
      onProgress: ({ done, total, of }: Progress) => terminal.progress(`${of} ${done} of ${total}`),
      checkpoint,
      inFloat64: again,
    };
    const result: Result = await analysis.run(subject, params);
    const soundness = await give(result, await warningsAbout(result, subject, params));
    await checkpoint?.remove();
    refuseUnsound(soundness);
  } catch (error) {
    if (analysis.resumable && exitCodeOf(error) === EXIT.interrupted) {
      terminal.note(goOn(resume, argv));
    }
    throw error;
  } finally {
    await engine.close();
  }
}

/** What somebody who interrupts resumable work has of it, and how it goes on. */
function goOn(resume: string | undefined, argv: readonly string[]): string {
  if (resume === undefined)
    return "Interrupted; nothing is kept. --resume FILE keeps unfinished work.";
  if (!existsSync(resume)) return "Interrupted before anything was done that could be kept.";
  return `Interrupted. ${resume} has what is done; the same command goes on from there:\n  ${commandLine(argv)}`;
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
    if (!isInputError(error) || error.code !== "analysis/bad-parameters") throw error;
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
