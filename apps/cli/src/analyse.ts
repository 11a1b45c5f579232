import { existsSync } from "node:fs";
import {
  type AnyAnalysis,
  type AnyOutlineAnalysis,
  bytes,
  type Host,
  type ListedAnalysis,
  type Outcome,
  type Parameter,
  prepareAlone,
  prepareAnalysis,
  type Result,
  soundnessOf,
  type Values,
} from "@resolvent/analysis";
import type { InputError } from "@resolvent/tensor";
import { byOptions } from "./checked.ts";
import { commandLine } from "./command-line.ts";
import { findDictionaries } from "./dictionaries.ts";
import { checkPlaces, type EndOptions } from "./ends.ts";
import { EXIT, exitCodeOf, refuseUnsound, usageError } from "./failure.ts";
import { writeFigures } from "./figure-files.ts";
import {
  type CheckpointFile,
  checkpointFile,
  newFile,
  readText,
  standardInput,
  textFile,
} from "./files.ts";
import { type HostFlags, hostOf } from "./host.ts";
import { newFolder } from "./new-folder.ts";
import { type Output, type OutputOptions, outputOf } from "./output.ts";
import { valuesOf } from "./parameter-options.ts";
import { STANDARD } from "./place.ts";
import { writeResult } from "./result.ts";
import { checkSelection, type SelectionOptions } from "./selection.ts";
import type { Terminal } from "./terminal.ts";
import { readPrompt, readStandardInput } from "./tokens.ts";
import { warner } from "./warnings.ts";
import { writeCost } from "./write-cost.ts";

/** What every analysis takes; its own parameters stand beside these. */
export interface AnalysisFlags extends HostFlags, OutputOptions, SelectionOptions, EndOptions {
  readonly dryRun?: boolean;
  /** Places of dictionaries. */
  readonly dictionary?: readonly string[];
}

/** The command as it was called. */
export interface Call extends CallAlone {
  readonly model: string;
}

/** The same without a model. */
export interface CallAlone {
  readonly flags: AnalysisFlags;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** The whole command line, for pages that say how they were made. */
  readonly argv: readonly string[];
}

/** Runs an analysis as a command: what was given is checked, the model found, and the result written. */
export async function analyse(
  analysis: AnyAnalysis | AnyOutlineAnalysis,
  parameters: readonly Parameter[],
  call: Call,
): Promise<void> {
  const { model, flags, terminal, signal, argv } = call;
  const { resume } = flags;
  const output = outputOf(flags, terminal);
  const { values, later } = await valuesGiven(parameters, call, output);
  let checkpoint: CheckpointFile | undefined;
  let partial: Result | undefined;
  const dictionaries = await findDictionaries(flags.dictionary ?? [], flags, terminal);
  const host: Host = {
    ...hostOf(model, flags, {
      ...{ terminal, signal, later, dictionaries },
      checkpoint: async () => {
        if (resume !== undefined) checkpoint = await checkpointFile(resume, analysis.name);
        return checkpoint;
      },
    }),
    onPartial: (result) => {
      partial = result;
    },
  };
  const prepared = await byOptions(() => prepareAnalysis(analysis, values, host));
  const { cost, found } = prepared;
  if (flags.dryRun) {
    const of = { command: analysis.name, model: found.outline.name };
    writeCost(cost, of, output.format, output.to);
    return await output.finish();
  }
  try {
    const outcome = await prepared.run();
    await give(analysis, outcome, output, call);
    await checkpoint?.remove();
    refuseUnsound(outcome.soundness);
  } catch (error) {
    if (exitCodeOf(error) === EXIT.interrupted) {
      if (analysis.resumable) terminal.note(goOn(resume, argv));
      if (partial !== undefined) {
        const [unfinished] = partial.warnings ?? [];
        terminal.note(`Interrupted. ${unfinished?.message}`);
        await give(analysis, { result: partial, soundness: soundnessOf(partial) }, output, call);
      }
    }
    throw error;
  }
}

/** Runs an analysis as a command without a model, where its options need none. */
export async function analyseAlone(
  analysis: AnyAnalysis | AnyOutlineAnalysis,
  parameters: readonly Parameter[],
  call: CallAlone,
): Promise<void> {
  const { flags, terminal, signal } = call;
  const output = outputOf(flags, terminal);
  const missing = (): InputError =>
    usageError(
      "A model is needed: missing argument 'model'.",
      `See resolvent ${analysis.name} --help.`,
    );
  if (flags.resume !== undefined || flags.dictionary !== undefined) throw missing();
  const { values } = await valuesGiven(parameters, call, output);
  const prepared = await byOptions(() =>
    prepareAlone(analysis, values, { signal, warn: warner(terminal) }),
  );
  if (prepared === undefined) throw missing();
  if (flags.dryRun) {
    writeCost(prepared.cost, { command: analysis.name, model: null }, output.format, output.to);
    return await output.finish();
  }
  const outcome = await byOptions(() => prepared.run());
  await give(analysis, outcome, output, call);
  refuseUnsound(outcome.soundness);
}

/** What the options say; `later` reads the prompt from standard input, once there is a model to read it. */
export async function valuesGiven(
  parameters: readonly Parameter[],
  { flags, terminal }: CallAlone,
  output: Output,
): Promise<{ readonly values: Values; readonly later: (() => Promise<Values>) | undefined }> {
  const given: Readonly<Record<string, unknown>> = { ...flags };
  checkPlaces(parameters, flags, given);
  checkSelection(output.format, flags);
  const values = await valuesOf(parameters, given, {
    readText: (path) => (path === STANDARD ? readStandardInput(terminal) : readText(path)),
    textFile: (path) =>
      path === STANDARD ? standardInput(() => terminal.inputBytes()) : textFile(path),
    newFile: (flag, path) =>
      newFile(flag, path, flags.overwrite ?? false, (size) =>
        terminal.note(`${path} will take ${bytes(size)}.`),
      ),
    newFolder: (flag, path, fresh) => {
      const onSize = (size: number): void => terminal.note(`${path} will take ${bytes(size)}.`);
      return newFolder(flag, path, fresh ? "never" : (flags.overwrite ?? false), onSize);
    },
  });
  const waits = parameters.some(
    (parameter) =>
      parameter.name === "prompt" &&
      parameter.required &&
      values.prompt === undefined &&
      values.prompts === undefined,
  );
  if (waits && parameters.some(({ name, kind }) => kind === "file" && given[name] === STANDARD)) {
    throw usageError("The prompt and a file both read standard input.", "Give --prompt TEXT.");
  }
  const later = async (): Promise<Values> => ({ prompt: await readPrompt(terminal) });
  return { values, later: waits ? later : undefined };
}

/** Writes a result with all that is to be said about it, and its page and figure where these were asked for. */
export async function give(
  analysis: ListedAnalysis,
  { result, soundness }: Outcome<Result>,
  output: Output,
  { flags, terminal, argv }: CallAlone,
): Promise<void> {
  const { precision } = flags;
  terminal.progress("");
  const tables = analysis.tables(result);
  writeResult(result, tables, {
    format: output.format,
    precision,
    soundness,
    terminal: output.to,
    selection: flags,
    note: terminal.note,
  });
  await output.finish();
  await writeFigures(analysis, result, { tables, soundness, flags, argv, terminal });
}

/** What somebody who interrupts resumable work has of it, and how it goes on. */
function goOn(resume: string | undefined, argv: readonly string[]): string {
  if (resume === undefined)
    return "Interrupted; nothing is kept. --resume FILE keeps unfinished work.";
  if (!existsSync(resume)) return "Interrupted before anything was done that could be kept.";
  return `Interrupted. ${resume} has what is done; the same command goes on from there:\n  ${commandLine(argv)}`;
}
