import { corpusOf, pause, type Subject, type Vocabulary } from "@resolvent/analysis";
import { type Engine, InputError, type Shaped } from "@resolvent/tensor";
import { type Architecture, generate, type Model } from "@resolvent/transformer";
import type { ReportParameters } from "./report-parameters.ts";
import type { Texts } from "./sections.ts";

/** Tokens of a sequence where nothing else is said. */
const LENGTH = 64;

/** How long the sequences of the expansions are. */
export function lengthOf(
  { length }: Pick<ReportParameters, "length">,
  { context }: Pick<Architecture, "context">,
): number {
  return Math.min(length ?? LENGTH, context);
}

/**
 * The first sequences of the corpus; without one, texts that the model writes itself, at temperature 1.
 *
 * @throws InputError `report/no-texts` where the corpus has none, and what reading it throws
 */
export async function textsOf<T extends Shaped>(
  params: ReportParameters,
  { engine, model, vocabulary, signal }: Subject<T>,
): Promise<Texts> {
  const { corpus, tokensFile } = params;
  const sequences =
    corpus === undefined && tokensFile === undefined
      ? await written(engine, model, params, signal)
      : await firstOf(params, model.architecture, vocabulary, signal);
  if (sequences.length > 0) return { sequences, corpus, tokensFile };
  throw new InputError({
    code: "report/no-texts",
    message: "The corpus has no sequence of two tokens.",
    remedy: "Is it the right file?",
  });
}

async function firstOf(
  params: ReportParameters,
  architecture: Architecture,
  vocabulary: Vocabulary,
  signal: AbortSignal,
): Promise<readonly (readonly number[])[]> {
  const length = lengthOf(params, architecture);
  const found: (readonly number[])[] = [];
  for await (const ids of corpusOf({ ...params, length }, architecture, vocabulary).sequences()) {
    const own = ids().slice(0, length);
    if (own.length > 1) found.push(own); // one token has no degree but its own
    if (found.length === params.sequences) break;
    await pause(signal);
  }
  return found;
}

async function written<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  params: ReportParameters,
  signal: AbortSignal,
): Promise<readonly (readonly number[])[]> {
  const { bos = 0, ...architecture } = model.architecture;
  const maxTokens = lengthOf(params, architecture) - 1;
  const found: (readonly number[])[] = [];
  for (let i = 0; i < params.sequences; i++) {
    const ids = [bos];
    const sampling = { maxTokens, temperature: 1, seed: params.seed + i, stop: [], signal };
    for await (const id of generate(engine, model, [bos], sampling)) ids.push(id);
    found.push(ids);
  }
  return found;
}
