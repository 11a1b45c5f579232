import { InputError, isInputError } from "@resolvent/tensor";
import type { Warning } from "@resolvent/transformer";
import type { ListedAnalysis } from "../analysis.ts";
import { textFile } from "../file.ts";
import type { FilesHost } from "../files-subject.ts";
import type { Host, Values } from "../host.ts";
import { modelFacts, type Result, tokenFacts } from "../result.ts";
import { type Outcome, prepareAlone, prepareAnalysis } from "../run-analysis.ts";
import { planFiles, runFiles } from "../run-files.ts";
import { soundnessOf } from "../soundness.ts";
import type { Vocabulary } from "../subject.ts";
import { failureOf } from "./failure.ts";
import { findingsOf } from "./findings.ts";
import {
  type Answer,
  type Description,
  type EngineList,
  type Estimate,
  type Figure,
  type Findings,
  PROTOCOL,
  type Question,
  type Reply,
  type Work,
} from "./protocol.ts";
import { readRequest } from "./read-request.ts";

/** What the answering side has: analyses, and hosts for them. */
export interface Workplace {
  /** Of the named analyses all that they say; of all their names and summaries where none is named. */
  describe(analyses?: readonly string[]): Promise<Description>;
  /** The analysis of that name; undefined where there is none. */
  analysis(name: string): Promise<ListedAnalysis | undefined>;
  /** What may compute a model, and why one of them does; absent where there is no choice. */
  engines?(model: string, precision: Work["precision"]): Promise<EngineList>;
  /**
   * A host for work on a model, with the dictionaries that are named. What it finds may be kept from one request to the
   * next.
   * @throws InputError where there is no such dictionary
   */
  host(
    model: string,
    settings: Pick<Work, "precision" | "float64" | "dictionaries" | "engine">,
  ): Host | Promise<Host>;
  /** A host of analyses that open models themselves, by names in what they read; absent where there are none of these. */
  readonly files?: Pick<FilesHost, "folder" | "engine" | "threads">;
  /** Values as the analysis takes them, where some are names of what is here, such as files to write; default as they are. */
  values?(analysis: ListedAnalysis, values: Values): Values;
  /** Figures so many pixels wide of findings as they came, see `readFindings`; absent where whoever asks draws. */
  draw?(findings: unknown, width: number): readonly Figure[] | Promise<readonly Figure[]>;
}

/** The answering side of a connection. */
export interface Answering {
  /** Takes a message as it came. */
  hear(message: unknown): void;
  /** Ends all that is being done, as where the connection is gone. */
  end(): void;
  /** Resolves once all that was asked is answered. */
  done(): Promise<void>;
}

/**
 * Answers the requests of one connection. Runs are made one after the other; what else is asked is answered meanwhile,
 * where the analysis pauses.
 *
 * ```ts
 * const answering = answerRequests(workplace, (reply) => postMessage(reply));
 * addEventListener("message", ({ data }) => answering.hear(data));
 * ```
 */
export function answerRequests(workplace: Workplace, send: (reply: Reply) => void): Answering {
  const stops = new Map<number, AbortController>();
  const pending = new Set<Promise<void>>();
  let last: Promise<unknown> = Promise.resolve();
  /** Does something once all else is done that was asked for before. */
  const inTurn = <Made>(signal: AbortSignal, make: () => Promise<Made>): Promise<Made> => {
    const before = last;
    const made = (async (): Promise<Made> => {
      await unlessLeft(before, signal);
      signal.throwIfAborted();
      return await make();
    })();
    // Whoever leaves lets nobody in before those that were before are done. Its own asker is told of what fails.
    last = Promise.allSettled([before, made]).then(() => {});
    return made;
  };
  const answer = async (
    id: number,
    question: Question,
    signal: AbortSignal,
  ): Promise<Answer | undefined> => {
    const say = (said: Answer): void => send({ protocol: PROTOCOL, to: id, ...said });
    switch (question.ask) {
      case "describe":
        return { say: "description", description: await workplace.describe(question.analyses) };
      case "model":
        return await describeModel(workplace, question.model);
      case "tokens": {
        const { vocabulary } = await (await plainHost(workplace, question.model)).find();
        return {
          say: "tokens",
          tokens: tokenFacts(vocabulary.encode(question.prompt), vocabulary),
        };
      }
      case "estimate": {
        const { analysis, cost } = await prepare(workplace, question.work, { signal });
        if (cost === undefined) throw notOf(analysis.name, "no estimate", "Ask for its plan.");
        return { say: "estimate", estimate: cost };
      }
      case "plan": {
        const { analysis, given } = await asked(workplace, question.work);
        const { name, needs } = analysis;
        if (needs !== "files") throw notOf(name, "no plan", "Ask for its estimate.");
        const host = filesHostOf(workplace, name, { signal, warn: warner(say) });
        const planned = await planFiles(analysis, given, host);
        return { say: "findings", findings: findingsOf(analysis, planned) };
      }
      case "engines": {
        const { model, precision } = question;
        // What is timed wants the machine for itself.
        const engines = await inTurn(signal, () => enginesOf(workplace, model, precision));
        return { say: "engines", engines };
      }
      case "run": {
        const findings = await inTurn(signal, () => run(workplace, question.work, signal, say));
        return { say: "findings", findings };
      }
      case "draw":
        return { say: "figures", figures: await draw(workplace, question) };
      case "cancel": {
        stops.get(question.request)?.abort();
        return undefined;
      }
    }
  };
  return {
    hear: (message) => {
      let to: number | null = null;
      const reply = (said: Answer | undefined): void => {
        if (said !== undefined) send({ protocol: PROTOCOL, to, ...said });
      };
      const fail = (error: unknown): void => reply({ say: "failure", failure: failureOf(error) });
      try {
        const { id, ...question } = readRequest(message);
        if (question.ask !== "cancel" && stops.has(id)) throw twice(id);
        to = id;
        const stop = new AbortController();
        if (question.ask !== "cancel") stops.set(id, stop);
        // What cannot be sent, as a function in a result, is told as well: who has asked waits for it.
        const answered = answer(id, question, stop.signal)
          .then(reply)
          .catch(fail)
          .finally(() => {
            if (stops.get(id) === stop) stops.delete(id);
            pending.delete(answered);
          });
        pending.add(answered);
      } catch (error) {
        fail(error);
      }
    },
    end: () => {
      for (const stop of stops.values()) stop.abort();
    },
    done: async () => {
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}

/** Waits for what is before; whoever is cancelled leaves at once. */
async function unlessLeft(before: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let leave = (): void => {};
  const left = new Promise<void>((resolve) => {
    leave = () => resolve();
  });
  signal.addEventListener("abort", leave, { once: true });
  await Promise.race([before, left]);
  signal.removeEventListener("abort", leave);
}

/** Pixels of a figure, where none are asked for. */
const WIDTH = 720;

async function draw(
  workplace: Workplace,
  { findings, width = WIDTH }: Extract<Question, { ask: "draw" }>,
): Promise<readonly Figure[]> {
  if (workplace.draw !== undefined) return await workplace.draw(findings, width);
  throw new InputError({
    code: "remote/no-figures",
    message: "Nothing is drawn here.",
    remedy: "Draw the views of the findings where they are shown.",
  });
}

/** A host for what needs none of the work. */
async function plainHost(workplace: Workplace, model: string): Promise<Host> {
  return await workplace.host(model, { precision: "f32", float64: true });
}

async function enginesOf(
  { engines }: Workplace,
  model: string,
  precision: Work["precision"],
): Promise<EngineList> {
  if (engines !== undefined) return await engines(model, precision);
  throw new InputError({
    code: "remote/one-engine",
    message: "There is no choice of engines here.",
    remedy: "The description says what computes.",
  });
}

async function describeModel(workplace: Workplace, model: string): Promise<Answer> {
  const { outline, weights, vocabulary } = await (await plainHost(workplace, model)).find();
  return {
    say: "model",
    model: {
      model: modelFacts(outline),
      vocab: outline.architecture.vocab,
      weights: weights({ peakBytes: 0, layers: false }),
      warnings: [...(outline.warnings ?? []), ...textWarnings(vocabulary)],
    },
  };
}

/** That a model reads no text, said before somebody asks it about one. */
function textWarnings({ encode }: Vocabulary): readonly Warning[] {
  try {
    encode("");
    return [];
  } catch (error) {
    if (!isInputError(error)) throw error;
    const { code, message } = failureOf(error);
    const why = code === "analysis/no-tokenizer" ? "There is no tokenizer.json" : message;
    return [{ code, message: `${why.replace(/\.$/, "")}: it reads ids of tokens, and no text.` }];
  }
}

/** Work that is ready: nothing of it is done. */
interface Ready {
  readonly analysis: ListedAnalysis;
  /** What it would take; undefined of what opens models itself. */
  readonly cost?: Estimate;
  run(): Promise<Outcome<Result>>;
}

type Heeded = Pick<Host, "signal" | "onProgress" | "onPartial" | "warn">;

async function prepare(workplace: Workplace, work: Work, more: Heeded): Promise<Ready> {
  const { model, precision, float64, dictionaries, engine } = work;
  const { analysis, given } = await asked(workplace, work);
  if (analysis.needs === "files") {
    const host = filesHostOf(workplace, analysis.name, more);
    return { analysis, run: async () => await runFiles(analysis, given, host) };
  }
  // What needs no model is done without one.
  const alone = await prepareAlone(analysis, given, more);
  if (alone !== undefined) return { analysis, ...alone };
  if (model === "") throw noModel(analysis.name);
  const settings = {
    ...{ precision, float64 },
    ...(dictionaries !== undefined && { dictionaries }),
    ...(engine !== undefined && { engine }),
  };
  const host = { ...(await workplace.host(model, settings)), ...more };
  return { analysis, ...(await prepareAnalysis(analysis, given, host)) };
}

/** @throws InputError `remote/no-analysis` where requests may not say which models are opened */
function filesHostOf({ files }: Workplace, analysis: string, more: Heeded): FilesHost {
  if (files === undefined) throw noAnalysis(analysis);
  return { ...files, ...more };
}

/** The analysis that work is of, and the values for it. */
async function asked(
  workplace: Workplace,
  { analysis: name, values, texts = {} }: Work,
): Promise<{ readonly analysis: ListedAnalysis; readonly given: Values }> {
  const analysis = await workplace.analysis(name);
  if (analysis === undefined) throw noAnalysis(name);
  const files = Object.entries(texts).map(([parameter, { name: called, text }]) => [
    parameter,
    textFile(called, text),
  ]);
  const own = workplace.values?.(analysis, values) ?? values;
  return { analysis, given: { ...own, ...Object.fromEntries(files) } };
}

async function run(
  workplace: Workplace,
  work: Work,
  signal: AbortSignal,
  say: (said: Answer) => void,
): Promise<Findings> {
  let partial: ListedAnalysis | undefined;
  const prepared = await prepare(workplace, work, {
    signal,
    onProgress: (progress) => say({ say: "progress", progress }),
    onPartial: (result) => {
      if (partial === undefined) return;
      const findings = findingsOf(partial, { result, soundness: soundnessOf(result) });
      say({ say: "partial", findings });
    },
    warn: warner(say),
  });
  partial = prepared.analysis;
  return findingsOf(partial, await prepared.run());
}

function warner(say: (said: Answer) => void): NonNullable<Host["warn"]> {
  return (warnings) => {
    if (warnings.length > 0) say({ say: "warnings", warnings });
  };
}

function noAnalysis(name: string): InputError {
  return new InputError({
    code: "remote/no-analysis",
    message: `There is no analysis "${name}" here.`,
    remedy: "The description lists those that there are.",
    details: { analysis: name },
  });
}

function noModel(name: string): InputError {
  return new InputError({
    code: "remote/no-model",
    message: `A model is needed for ${name}, and none is named.`,
    remedy: "Name one: the description lists those that there are.",
    details: { analysis: name },
  });
}

function notOf(name: string, what: string, remedy: string): InputError {
  return new InputError({
    code: "remote/not-asked-so",
    message: `There is ${what} of ${name}.`,
    remedy,
    details: { analysis: name },
  });
}

function twice(id: number): InputError {
  return new InputError({
    code: "remote/bad-request",
    message: `A request ${id} is being answered already.`,
    remedy: "That is a fault of the program that asks.",
    details: { id },
  });
}
