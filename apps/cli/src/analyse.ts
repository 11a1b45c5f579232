import { existsSync } from "node:fs";
import {
  type AnyAnalysis,
  type AnyOutlineAnalysis,
  bytes,
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
import { cost as costs } from "@resolvent/tensor";
import { checked } from "./checked.ts";
import { checkPlaces, type EndOptions } from "./ends.ts";
import { EXIT, exitCodeOf, refuseUnsound, usageError } from "./failure.ts";
import { checkpointFile, newFile, readText, standardInput, textFile, writeNew } from "./files.ts";
import {
  keepWeights,
  keptWeights,
  noteKeeping,
  notFiniteIn,
  openModel,
  storedTensors,
  weightsHash,
} from "./open.ts";
import type { EngineOptions, ModelOptions } from "./options.ts";
import { type Output, type OutputOptions, outputOf } from "./output.ts";
import { valuesOf } from "./parameter-options.ts";
import { STANDARD } from "./place.ts";
import { type FoundModel, findModel } from "./prepare.ts";
import { writeResult } from "./result.ts";
import { checkSelection, type SelectionOptions } from "./selection.ts";
import type { Terminal } from "./terminal.ts";
import { type TextLossNotes, textLossNotes } from "./text-losses.ts";
import { readPrompt, readStandardInput } from "./tokens.ts";
import { vocabularyOf } from "./vocabulary.ts";
import { warner, warningsAbout } from "./warnings.ts";
import { writeCost } from "./write-cost.ts";

/** What every analysis takes; its own parameters stand beside these. */
export interface AnalysisFlags
  extends ModelOptions,
    EngineOptions,
    OutputOptions,
    SelectionOptions,
    EndOptions {
  readonly float64?: boolean;
  readonly dryRun?: boolean;
}

/** The command as it was called. */
export interface Call {
  readonly model: string;
  readonly flags: AnalysisFlags;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** The whole command line, for pages that say how they were made. */
  readonly argv: readonly string[];
}

/** What is known before the weights are read. */
interface Prepared extends FoundModel {
  readonly params: unknown;
  readonly vocabulary: ReturnType<typeof vocabularyOf>;
  readonly output: Output;
  readonly losses: TextLossNotes;
  /** Says warnings, each once. */
  readonly warn: (warnings: readonly Warning[]) => void;
}

/** Runs an analysis as a command: what was given is checked, the model found, and the result written. */
export async function analyse(
  analysis: AnyAnalysis | AnyOutlineAnalysis,
  parameters: readonly Parameter[],
  call: Call,
): Promise<void> {
  const prepared = await prepare(analysis, parameters, call);
  const { outline, vocabulary, output, params } = prepared;
  const { flags } = call;
  const subject = { model: outline, vocabulary, precision: flags.precision };
  const cost = analysis.needs === "outline" ? costs().total() : analysis.estimate(subject, params);
  prepared.warn(prepared.losses.warnings()); // of the texts that the estimate has read
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
  if (analysis.needs === "outline") await onOutline(analysis, prepared, call);
  else await onModel(analysis, prepared, cost.peakBytes, call);
}

async function prepare(
  analysis: AnyAnalysis | AnyOutlineAnalysis,
  parameters: readonly Parameter[],
  { model: name, flags, terminal }: Call,
): Promise<Prepared> {
  const given: Readonly<Record<string, unknown>> = { ...flags };
  const output = outputOf(flags, terminal);
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
  // What can be refused at once is; standard input is only read once there is a model to read it.
  const early = waits ? undefined : await checked(analysis, values);
  const found = await findModel(name, flags, terminal);
  const { outline, tokenizer, tokenizerFault: fault } = found;
  const warn = warner(terminal);
  warn(outline.warnings ?? []);
  const params =
    early ?? (await checked(analysis, { ...values, prompt: await readPrompt(terminal) }));
  const losses = textLossNotes(tokenizer);
  const { vocab } = outline.architecture;
  const vocabulary = vocabularyOf(tokenizer, outline.name, vocab, { read: losses.read, fault });
  return { ...found, params, vocabulary, output, losses, warn };
}

/** An analysis of shapes and files: no weights are loaded. */
async function onOutline(
  analysis: AnyOutlineAnalysis,
  prepared: Prepared,
  call: Call,
): Promise<void> {
  const { folder, outline, tokenizer, vocabulary, params } = prepared;
  const { flags, terminal } = call;
  const files = {
    model: outline,
    vocabulary,
    precision: flags.precision,
    tensors: await storedTensors(folder),
    sha256: await weightsHash(folder, terminal),
    tokenizer: tokenizer !== undefined,
    weights: keptWeights(outline, flags, 0),
  };
  const warnings = [...(outline.warnings ?? []), ...(await notFiniteIn(folder, terminal))];
  const result: Result = await analysis.run(files, params);
  refuseUnsound(await give(analysis, result, warnings, prepared, call));
}

/** An analysis of a model that is loaded onto an engine. */
async function onModel(
  analysis: AnyAnalysis,
  prepared: Prepared,
  peakBytes: number,
  call: Call,
): Promise<void> {
  const { folder, outline, vocabulary, params, warn } = prepared;
  const { flags, terminal, signal, argv } = call;
  const { resume } = flags;
  const plan = keepWeights(
    outline,
    flags,
    peakBytes,
    "Shorten the input, ask for less, or raise --max-memory.",
  );
  const again = analysis.float64 && flags.float64 !== false && flags.precision === "f32";
  const inFloat64 = again ? certificateModel(analysis, prepared, call) : undefined;
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
      inFloat64,
    };
    const result: Result = await analysis.run(subject, params);
    const warnings = await warningsAbout(result, subject, params);
    const soundness = await give(analysis, result, warnings, prepared, call);
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

/** The model in float64 on an engine of its own, while it is used; throws now where it would not fit. */
function certificateModel(
  analysis: AnyAnalysis,
  { folder, outline, vocabulary, params }: Prepared,
  { flags, terminal }: Call,
): NonNullable<Subject<CpuTensor>["inFloat64"]> {
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
}

/** Writes a result with all that is to be said about it, and its page where one was asked for. */
async function give(
  analysis: AnyAnalysis | AnyOutlineAnalysis,
  plain: Result,
  about: readonly Warning[],
  { output, losses, warn }: Prepared,
  { flags, terminal, argv }: Call,
): Promise<Soundness> {
  const { precision, html, overwrite = false } = flags;
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
  const page = analysis.page(result, { command: commandLine(argv) });
  if (html === STANDARD) terminal.out(page);
  else {
    await writeNew(html, page, overwrite);
    terminal.note(`${html} has the page.`);
  }
  return soundness;
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
