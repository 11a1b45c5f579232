import { InternalError } from "@resolvent/tensor";
import type { Warning } from "@resolvent/transformer";
import type { TokenFacts } from "../result.ts";
import type { Progress, Prompt } from "../subject.ts";
import { errorOf } from "./failure.ts";
import {
  type Answer,
  type Description,
  type EngineList,
  type Estimate,
  type Figure,
  type Findings,
  type ModelDescription,
  PROTOCOL,
  type Question,
  type Reply,
  type Request,
  type Work,
} from "./protocol.ts";

/** What long work that is done elsewhere heeds, and whom it tells. */
export interface AskOptions {
  /** Where it is aborted, the other side is told to stop; the promise is rejected once it has. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Hears what there is so far. */
  readonly onPartial?: (findings: Findings) => void;
  readonly onWarnings?: (warnings: readonly Warning[]) => void;
}

/** The asking side of a connection. */
export interface Asking {
  describe(analyses?: readonly string[]): Promise<Description>;
  model(name: string): Promise<ModelDescription>;
  tokens(model: string, prompt: Prompt): Promise<readonly TokenFacts[]>;
  /** What may compute a model; waits for what runs, since it is timed. */
  engines(model: string, precision: Work["precision"]): Promise<EngineList>;
  estimate(work: Work, options?: Pick<AskOptions, "signal">): Promise<Estimate>;
  /** What work of an analysis that opens models itself would do. */
  plan(work: Work, options?: Pick<AskOptions, "signal" | "onWarnings">): Promise<Findings>;
  run(work: Work, options?: AskOptions): Promise<Findings>;
  /** @param width pixels, default 720 */
  draw(findings: Findings, width?: number): Promise<readonly Figure[]>;
  /** Takes a message as it came. */
  hear(message: unknown): void;
  /** Rejects all that is unanswered, as where the other side is gone. */
  fail(error: Error): void;
}

interface Waiting {
  readonly hear: (answer: Answer) => void;
  readonly fail: (error: Error) => void;
}

/**
 * Asks for analyses that run elsewhere: in a worker, or on a server.
 *
 * ```ts
 * const worker = new Worker(address, { type: "module" });
 * const asking = askOver((request) => worker.postMessage(request));
 * worker.onmessage = ({ data }) => asking.hear(data);
 * const { result } = await asking.run({ analysis: "paths", model: "tales", values: { prompt }, precision: "f32", float64: true });
 * ```
 *
 * Promises are rejected with InputError, InternalError, or AbortError of DOMException, as the other side says.
 */
export function askOver(send: (request: Request) => void): Asking {
  const waiting = new Map<number, Waiting>();
  let next = 0;
  const ask = <Said>(
    question: Question,
    take: (answer: Answer) => Said | undefined,
    { signal, onProgress, onPartial, onWarnings }: AskOptions = {},
  ): Promise<Said> => {
    const id = next++;
    return new Promise<Said>((resolve, reject) => {
      signal?.throwIfAborted();
      const cancel = (): void =>
        send({ protocol: PROTOCOL, id: next++, ask: "cancel", request: id });
      const done = (): void => {
        waiting.delete(id);
        signal?.removeEventListener("abort", cancel);
      };
      const fail = (error: Error): void => {
        done();
        // What was ended as its asker wished has not failed, however it ended.
        reject(signal?.aborted ? signal.reason : error);
      };
      const hear = (answer: Answer): void => {
        if (answer.say === "progress") onProgress?.(answer.progress);
        else if (answer.say === "partial") onPartial?.(answer.findings);
        else if (answer.say === "warnings") onWarnings?.(answer.warnings);
        else if (answer.say === "failure") fail(errorOf(answer.failure));
        else {
          const said = take(answer);
          done();
          if (said === undefined) reject(strange(`"${answer.say}" answers ${question.ask}`));
          else resolve(said);
        }
      };
      waiting.set(id, { hear, fail });
      signal?.addEventListener("abort", cancel, { once: true });
      send({ protocol: PROTOCOL, id, ...question });
    });
  };
  return {
    describe: (analyses) =>
      ask({ ask: "describe", ...(analyses !== undefined && { analyses }) }, (answer) =>
        answer.say === "description" ? answer.description : undefined,
      ),
    model: (model) =>
      ask({ ask: "model", model }, (answer) => (answer.say === "model" ? answer.model : undefined)),
    tokens: (model, prompt) =>
      ask({ ask: "tokens", model, prompt }, (answer) =>
        answer.say === "tokens" ? answer.tokens : undefined,
      ),
    engines: (model, precision) =>
      ask({ ask: "engines", model, precision }, (answer) =>
        answer.say === "engines" ? answer.engines : undefined,
      ),
    estimate: (work, options) =>
      ask(
        { ask: "estimate", work },
        (answer) => (answer.say === "estimate" ? answer.estimate : undefined),
        options,
      ),
    plan: (work, options) => ask({ ask: "plan", work }, findingsIn, options),
    run: (work, options) => ask({ ask: "run", work }, findingsIn, options),
    draw: (findings, width) =>
      ask({ ask: "draw", findings, ...(width !== undefined && { width }) }, (answer) =>
        answer.say === "figures" ? answer.figures : undefined,
      ),
    hear: (message) => {
      const { protocol, to } = Object(message);
      if (protocol !== PROTOCOL) {
        const error = strange(
          `a message of version ${String(protocol)}, where this side speaks ${PROTOCOL}`,
        );
        for (const { fail } of [...waiting.values()]) fail(error);
        return;
      }
      // What was cancelled may still be answered.
      waiting.get(to)?.hear(message as Reply); // of this version: the other side is the same program
    },
    fail: (error) => {
      for (const { fail } of [...waiting.values()]) fail(error);
    },
  };
}

function findingsIn(answer: Answer): Findings | undefined {
  return answer.say === "findings" ? answer.findings : undefined;
}

function strange(what: string): InternalError {
  return new InternalError({ code: "remote/strange-answer", message: `Unexpected: ${what}.` });
}
