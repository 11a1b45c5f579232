import { corpusOf, pause, type TextFile, type Vocabulary } from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  type Field,
  fileParameter,
} from "@resolvent/analysis/parameters";
import type { Architecture } from "@resolvent/transformer";
import { type Sample, type Split, sampleSequences } from "../corpus.ts";

/** What analyses of a sample of a corpus ask. */
export interface SampleParameters {
  readonly corpus?: TextFile | undefined;
  readonly tokensFile?: TextFile | undefined;
  readonly split: Split;
  readonly length?: number | undefined;
  readonly maxTokens: number;
  readonly seed: number;
  readonly draws: number;
}

/** They as fields. */
export const sampleParameters = (): {
  readonly [P in keyof SampleParameters]-?: Field<SampleParameters[P], unknown>;
} => ({
  corpus: fileParameter("corpus, as UTF-8 text"),
  tokensFile: fileParameter("corpus as token ids instead, one list a line, such as 1,403,407"),
  split: choiceParameter(
    "half: fit on every other sequence, score on the rest; none: score on the sequences fitted",
    ["half", "none"],
    { default: "half" },
  ),
  length: countParameter(
    "maximum tokens per sequence; default: 128 of a text, all of a line of ids, if the context allows",
    { optional: true, least: 2 },
  ),
  maxTokens: countParameter("maximum tokens in all, of sequences sampled from the whole corpus", {
    default: 16384,
    least: 2,
  }),
  seed: countParameter("random seed", { default: 0, most: 2 ** 32 - 1 }),
  draws: countParameter("bootstrap resamples for the intervals", { default: 200, most: 10000 }),
});

/** Sequences between two signs of life while a corpus is read. */
const SIGN_OF_LIFE = 256;

/** The sample that parameters name. */
export async function drawn(
  params: SampleParameters,
  architecture: Architecture,
  vocabulary: Vocabulary,
  signal: AbortSignal,
  onSequence: (found: number) => void,
): Promise<Sample> {
  const { sequences, length } = corpusOf(params, architecture, vocabulary);
  const { maxTokens, seed } = params;
  return await sampleSequences(sequences(), {
    length,
    maxTokens,
    seed,
    onSequence: async (found) => {
      if (found % SIGN_OF_LIFE !== 0) return;
      onSequence(found);
      await pause(signal);
    },
  });
}
