import { InputError } from "@resolvent/tensor";
import type { AnyAnalysis, AnyOutlineAnalysis, ListedAnalysis } from "../analysis.ts";
import { textFile } from "../file.ts";
import type { Host, Values } from "../host.ts";
import { modelFacts, tokenFacts } from "../result.ts";
import { prepareAnalysis, runAlone } from "../run-analysis.ts";
import { soundnessOf } from "../soundness.ts";
import { failureOf } from "./failure.ts";
import { findingsOf } from "./findings.ts";
import {
  type Answer,
  type Description,
  type EngineList,
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
  analysis(name: string): Promise<AnyAnalysis | AnyOutlineAnalysis | undefined>;
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
      await before.catch(() => {}); // its own asker has been told
      signal.throwIfAborted();
      return await make();
    })();
    last = made;
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
        const { analysis, given, host } = await prepare(workplace, question.work, { signal });
        const { cost } = await prepareAnalysis(analysis, given, host);
        return { say: "estimate", estimate: cost };
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
        const answered = answer(id, question, stop.signal)
          .then(reply, fail)
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
  const { outline, weights } = await (await plainHost(workplace, model)).find();
  return {
    say: "model",
    model: {
      model: modelFacts(outline),
      vocab: outline.architecture.vocab,
      weights: weights({ peakBytes: 0, layers: false }),
      warnings: outline.warnings ?? [],
    },
  };
}

async function prepare(
  workplace: Workplace,
  { analysis: name, model, values, precision, float64, dictionaries, engine, texts = {} }: Work,
  more: Pick<Host, "signal" | "onProgress" | "onPartial" | "warn">,
) {
  const analysis = await workplace.analysis(name);
  if (analysis === undefined) {
    throw new InputError({
      code: "remote/no-analysis",
      message: `There is no analysis "${name}" here.`,
      remedy: "The description lists those that there are.",
      details: { analysis: name },
    });
  }
  const settings = {
    ...{ precision, float64 },
    ...(dictionaries !== undefined && { dictionaries }),
    ...(engine !== undefined && { engine }),
  };
  const host = { ...(await workplace.host(model, settings)), ...more };
  const files = Object.entries(texts).map(([parameter, { name: called, text }]) => [
    parameter,
    textFile(called, text),
  ]);
  const own = workplace.values?.(analysis, values) ?? values;
  const given = { ...own, ...Object.fromEntries(files) };
  return { analysis, given, host };
}

async function run(
  workplace: Workplace,
  work: Work,
  signal: AbortSignal,
  say: (said: Answer) => void,
): Promise<Findings> {
  let partial: AnyAnalysis | AnyOutlineAnalysis | undefined;
  const { analysis, given, host } = await prepare(workplace, work, {
    signal,
    onProgress: (progress) => say({ say: "progress", progress }),
    onPartial: (result) => {
      if (partial === undefined) return;
      const findings = findingsOf(partial, { result, soundness: soundnessOf(result) });
      say({ say: "partial", findings });
    },
    warn: (warnings) => {
      if (warnings.length > 0) say({ say: "warnings", warnings });
    },
  });
  partial = analysis;
  // What needs no model is done without one.
  const alone = await runAlone(analysis, given, host);
  if (alone !== undefined) return findingsOf(analysis, alone);
  const prepared = await prepareAnalysis(analysis, given, host);
  return findingsOf(analysis, await prepared.run());
}

function twice(id: number): InputError {
  return new InputError({
    code: "remote/bad-request",
    message: `A request ${id} is being answered already.`,
    remedy: "That is a fault of the program that asks.",
    details: { id },
  });
}
