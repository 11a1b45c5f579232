import { type CorpusFiles, corpusOf, pause, type Vocabulary } from "@resolvent/analysis";
import { countParameter, type Field, fileParameter } from "@resolvent/analysis/parameters";
import { type Sample, sampleSequences } from "@resolvent/linearity";
import type { Architecture, Warning } from "@resolvent/transformer";

/** What analyses ask about the texts that they measure on. */
export interface CorpusParameters extends CorpusFiles {
  readonly maxTokens: number;
  readonly seed: number;
}

/** They as fields. */
export const corpusParameters = (
  what: string,
): { readonly [P in keyof CorpusParameters]-?: Field<CorpusParameters[P], unknown> } => ({
  corpus: fileParameter(`${what}, as UTF-8 text`),
  tokensFile: fileParameter(
    "the same as token ids instead: one list a line, such as 1,403,407, or a JSON list of lists",
  ),
  length: countParameter(
    "maximum tokens per sequence; default: 128 of a text, all of a line of ids, if the context allows",
    { optional: true, least: 2 },
  ),
  maxTokens: countParameter("maximum tokens in all, of sequences sampled from the whole corpus", {
    ...{ default: 16_384, least: 2 },
  }),
  seed: countParameter("random seed of that sample", { default: 0, most: 2 ** 32 - 1 }),
});

/** What was read of a corpus. */
export interface CorpusFacts {
  /** Its file. */
  readonly name: string;
  /** Sequences in it, and how many of them were taken. */
  readonly found: number;
  readonly sequences: number;
  readonly tokens: number;
  /** Tokens of a sequence at most, how many were longer and cut, and how many of one token left out. */
  readonly length: number;
  readonly cut: number;
  readonly short: number;
  readonly seed: number;
}

/** A corpus, read. */
export interface MeasuredCorpus {
  readonly rows: Sample["sequences"];
  readonly facts: CorpusFacts;
  readonly warnings: readonly Warning[];
}

/** Sequences between two signs of life while a corpus is read. */
const SIGN_OF_LIFE = 256;

/**
 * The sequences of a corpus that are measured on: all, or a random sample of as many tokens as are allowed.
 *
 * @throws InputError what `corpusOf` and `sampleSequences` throw; the signal's reason
 */
export async function readCorpus(
  params: CorpusParameters,
  architecture: Architecture,
  vocabulary: Vocabulary,
  { signal, onSequence }: { signal: AbortSignal; onSequence: (found: number) => void },
): Promise<MeasuredCorpus> {
  const { maxTokens, seed } = params;
  const { name, length, sequences } = corpusOf(params, architecture, vocabulary);
  const { sequences: rows, ...sample } = await sampleSequences(sequences(), {
    ...{ length, maxTokens, seed },
    onSequence: async (found) => {
      if (found % SIGN_OF_LIFE !== 0) return;
      onSequence(found);
      await pause(signal);
    },
  });
  const { found, tokens, cut, short } = sample;
  const left = found - short - rows.length;
  const facts = { name, found, sequences: rows.length, tokens, length, cut, short, seed };
  return {
    ...{ rows, facts },
    warnings: [
      ...(cut === 0
        ? []
        : [
            {
              code: "cut-texts",
              message: `${cut} of ${rows.length} sequences had more than ${length} tokens, and were cut there.`,
            },
          ]),
      ...(left === 0
        ? []
        : [
            {
              code: "part-of-corpus",
              message: `${rows.length} of the ${found} sequences of ${name} were drawn, ${tokens} tokens (--max-tokens).`,
            },
          ]),
    ],
  };
}

/** The longest sequences that a corpus may have, as many as are allowed: what an estimate is made for. */
export function corpusOutline(
  params: CorpusParameters,
  architecture: Architecture,
  vocabulary: Vocabulary,
): { readonly length: number; readonly sequences: number } {
  const { maxTokens } = params;
  const length = Math.min(corpusOf(params, architecture, vocabulary).length, maxTokens);
  return { length, sequences: Math.ceil(maxTokens / length) };
}
