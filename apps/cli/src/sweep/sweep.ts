import {
  type AnyAnalysis,
  type Fault,
  type FoundModel,
  type Host,
  modelFacts,
  type Parameter,
  pause,
  prepareAnalysis,
  questionHash,
  runEach,
  short,
  type Values,
} from "@resolvent/analysis";
import { InputError, isInputError } from "@resolvent/tensor";
import { type AnalysisFlags, type Call, valuesGiven } from "../analyse.ts";
import { byOptions } from "../checked.ts";
import { commandLine } from "../command-line.ts";
import { findDictionaries } from "../dictionaries.ts";
import { EXIT, exitCodeOf, refuseUnsound, usageError } from "../failure.ts";
import { textFile } from "../files.ts";
import { hostOf } from "../host.ts";
import { weightsHash } from "../open.ts";
import { outputOf } from "../output.ts";
import { STANDARD } from "../place.ts";
import { writeCost } from "../write-cost.ts";
import { answeredOf, type Block, blocksOf, valuesIn } from "./blocks.ts";
import { openSweepFolder } from "./folder.ts";
import { type Answered, isSound, partFiles } from "./part-files.ts";
import { donePartsOf, openParts } from "./parts.ts";
import { agreeOn, partsOf, promptsIn, type SweepPlan } from "./plan.ts";
import { isOwn, type Shard } from "./shard.ts";
import { countPrompts, type SourceFiles, sourceOf } from "./source.ts";

/** What a sweep says beside what its analysis does. */
export interface SweepFlags extends AnalysisFlags {
  readonly corpus?: string;
  readonly tokensFile?: string;
  readonly prompts?: string;
  readonly length?: number;
  readonly shard: Shard;
  readonly partPrompts: number;
  readonly out: string;
}

export interface SweepCall extends Call {
  readonly flags: SweepFlags;
}

/** What a sweep works with. */
interface Opened {
  readonly analysis: AnyAnalysis;
  readonly parameters: readonly Parameter[];
  readonly files: SourceFiles;
  readonly found: FoundModel;
  readonly host: Host;
  /** Those that all prompts have. */
  readonly values: Values;
}

/** What a shard has done. */
interface Counts {
  /** Prompts that are to be done. */
  all: number;
  done: number;
  refused: number;
  unsound: number;
}

/** Runs an analysis on every prompt of a corpus that is this shard's, and keeps the rows of its results. */
export async function sweep(
  analysis: AnyAnalysis,
  parameters: readonly Parameter[],
  call: SweepCall,
): Promise<void> {
  const { model, flags, terminal, signal } = call;
  const files = filesOf(flags);
  const output = outputOf({}, terminal);
  const others = parameters.filter(({ name }) => name !== "prompt");
  const { values } = await valuesGiven(others, call, output);
  if (!flags.dryRun) await openSweepFolder(flags.out);
  const dictionaries = await findDictionaries(flags.dictionary ?? [], flags, terminal);
  const own = hostOf(model, flags, {
    ...{ terminal, signal, dictionaries, later: undefined },
    checkpoint: async () => undefined,
  });
  const found = await own.find();
  const host: Host = { ...own, find: async () => found, onProgress: () => {} };
  const opened = { analysis, parameters, files, found, host, values };
  await byOptions(() => (flags.dryRun ? dryRun(opened, call) : sweepShard(opened, call)));
}

/** What the first prompt takes. */
async function dryRun(
  { analysis, parameters, files, found, host, values }: Opened,
  { terminal }: SweepCall,
): Promise<void> {
  const source = sourceOf(files, parameters, found);
  for await (const first of source.prompts()) {
    const prepared = await prepareAnalysis(analysis, { ...values, ...first.values() }, host);
    const of = { command: analysis.name, model: found.outline.name };
    writeCost(prepared.cost, of, "table", terminal);
    return terminal.note("This is what the first prompt takes.");
  }
  throw noPrompts(source.name);
}

async function sweepShard(opened: Opened, call: SweepCall): Promise<void> {
  const { analysis, parameters, files, found, host, values } = opened;
  const { flags, terminal } = call;
  const { shard, out, partPrompts } = flags;
  const plan = await planOf(opened, call);
  const total = partsOf(plan);
  if (total === 0) throw noPrompts(plan.corpus.name);
  await agreeOn(out, plan);
  const parts = await openParts(out, (part) => isOwn(shard, part));
  const wanted = (part: number): boolean => isOwn(shard, part) && !parts.done.has(part);
  const counts: Counts = { all: 0, done: 0, refused: 0, unsound: 0 };
  for (let part = 0; part < total; part++) {
    if (wanted(part)) counts.all += promptsIn(plan, part);
  }
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  const { prompts } = sourceOf(files, parameters, found);
  let block: Block | undefined;
  const blocks = async function* (): AsyncGenerator<readonly Values[]> {
    for await (const next of blocksOf(prompts(), { partPrompts, wanted, values })) {
      block = next;
      yield valuesIn(next);
    }
  };
  try {
    await runEach(analysis, blocks(), host, async (answers) => {
      if (block === undefined) return;
      const answered = answeredOf(block, answers);
      refuseHopeless(answered, parts.done.size + counts.done === 0, (line, error) =>
        inLine(error, `${plan.corpus.name}, line ${line}`, values),
      );
      await parts.write(block.part, partFiles(analysis, answered, found));
      count(counts, answered);
      const { done, all } = counts;
      terminal.progress(`prompt ${done} of ${all}, ${short(seconds() / done)} s each`);
      await pause(call.signal);
    });
  } catch (error) {
    if (exitCodeOf(error) === EXIT.interrupted) {
      terminal.note(
        `Interrupted after ${counts.done} prompts, which ${out} has; the same command goes on from there:\n  ${commandLine(call.argv)}`,
      );
    }
    throw error;
  }
  terminal.progress("");
  tell(counts, { seconds: seconds(), total, there: (await donePartsOf(out)).length }, call);
}

/** What is swept; the corpus is read once for that. */
async function planOf(
  { analysis, parameters, files, found, values }: Opened,
  { flags, terminal, signal }: SweepCall,
): Promise<SweepPlan> {
  const { precision, float64 = true, length, partPrompts } = flags;
  const { outline, folder, vocabulary } = found;
  if (folder === undefined) throw usageError(`${outline.name} has no files.`, "Name a folder."); // ours have
  const model = modelFacts({ ...outline, sha256: await weightsHash(folder, terminal) });
  const dictionaries = (flags.dictionary ?? []).map((place) => ({ name: place }));
  return {
    sweep: 1,
    analysis: analysis.name,
    question: await questionHash({ analysis, values, model, vocabulary, dictionaries }),
    ...{ model, precision, float64: float64 && analysis.float64 === true },
    corpus: await countPrompts(files, parameters, found, async (count) => {
      if (count % SIGN_OF_LIFE !== 0) return;
      terminal.progress(`${count} prompts counted`);
      await pause(signal);
    }),
    length: length ?? null,
    partPrompts,
  };
}

/** Prompts between two signs of life while a corpus is counted. */
const SIGN_OF_LIFE = 4096;

/** What is no fault of a prompt ends the sweep: memory, files. So does a call of which nothing can come. */
function refuseHopeless(
  answered: readonly Answered[],
  nothingYet: boolean,
  placed: (line: number, error: InputError) => InputError,
): void {
  const errors = answered.flatMap(({ answer }) => ("error" in answer ? [answer.error] : []));
  const [first] = errors;
  const other = errors.find(
    (error) => ![EXIT.usage, EXIT.unsound].some((code) => code === exitCodeOf(error)),
  );
  if (other !== undefined) throw other;
  // Before a folder is full of refusals.
  if (first === undefined || !nothingYet || errors.length < answered.length) return;
  const { line = null } = answered[0] ?? {};
  throw line === null || !isInputError(first) ? first : placed(line, first);
}

/** What is wrong with a prompt, with its line; but where an option is at fault, it is told by its name. */
function inLine(error: InputError, place: string, options: Values): InputError {
  const { code, message, remedy = "", details } = error;
  const faults = (details.faults ?? []) as readonly Fault[]; // what checkParameters puts there
  const isOption = faults.some(({ parameter = "" }) => Object.hasOwn(options, parameter));
  if (isOption || message.startsWith(place)) return error;
  const own = message.slice(0, message.length - remedy.length).trimEnd();
  return new InputError({
    code: code === "analysis/bad-parameters" ? "sweep/bad-prompt" : code,
    message: `${place}: ${own}`,
    ...(remedy !== "" && { remedy }),
    details,
    cause: error,
  });
}

function count(counts: Counts, answered: readonly Answered[]): void {
  counts.done += answered.length;
  for (const { answer } of answered) {
    if ("error" in answer) counts.refused++;
    else if (!isSound(answer)) counts.unsound++;
  }
}

/** @throws InputError `cli/unsound-result` where results are */
function tell(
  { done, refused, unsound }: Counts,
  {
    seconds,
    total,
    there,
  }: { readonly seconds: number; readonly total: number; readonly there: number },
  { flags, terminal, model }: SweepCall,
): void {
  const { shard, out } = flags;
  const each = done === 0 ? "" : `, ${short(seconds / done)} s each`;
  const prompts = `${done} ${done === 1 ? "prompt" : "prompts"}`;
  terminal.show(
    `${model}, shard ${shard.number}/${shard.of}: ${prompts} in ${short(seconds)} s${each}; ${out} has ${there} of ${total} parts.\n`,
  );
  if (refused > 0) {
    terminal.note(
      `${refused} of ${prompts} refused: the columns error and message of prompts say why.`,
    );
  }
  if (unsound === 0) return;
  const message = `${unsound} of ${prompts} not finite, or do not add up: the column sound of prompts says which.`;
  refuseUnsound({ warnings: [{ code: "sweep-unsound", message }] });
}

/** The one file that says which prompts there are. */
function filesOf({ corpus, tokensFile, prompts, length }: SweepFlags): SourceFiles {
  const given = [corpus, tokensFile, prompts].filter((path) => path !== undefined);
  if (given.includes(STANDARD)) {
    throw usageError("A sweep reads its corpus twice, and goes on with it later.", "Name a file.");
  }
  if (given.length !== 1) {
    throw usageError(
      `A sweep is of one file of prompts, got ${given.length}.`,
      "Give --corpus, --tokens-file or --prompts.",
    );
  }
  const file = (path: string | undefined) => (path === undefined ? undefined : textFile(path));
  return {
    ...{ corpus: file(corpus), tokensFile: file(tokensFile), prompts: file(prompts) },
    length,
  };
}

const noPrompts = (name: string) => usageError(`${name} has no prompts.`, "Is it the right file?");
