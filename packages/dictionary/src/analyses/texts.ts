import { type Corpus, pause } from "@resolvent/analysis";
import type { Warning } from "@resolvent/transformer";

/** How much of a corpus was read. */
export interface CorpusFacts {
  /** Its file. */
  readonly name: string;
  readonly sequences: number;
  readonly tokens: number;
  /** Tokens of a sequence at most. */
  readonly length: number;
  /** Sequences that were longer, and were cut. */
  readonly cut: number;
  /** Whether it goes on after what was read. */
  readonly more: boolean;
}

/** What was read of a corpus so far. */
export interface Reading {
  /** The sequences, from the first on, up to a number of tokens; empty ones are passed over. */
  texts(): AsyncGenerator<readonly number[]>;
  facts(): CorpusFacts;
  /** What is to be said of what was not read. */
  warnings(): readonly Warning[];
}

/** Reads a corpus from its start, `maxTokens` at most. */
export function reading(corpus: Corpus, maxTokens: number, signal: AbortSignal): Reading {
  const { name, length } = corpus;
  let [sequences, tokens, cut, more] = [0, 0, 0, false];
  return {
    texts: async function* () {
      for await (const make of corpus.sequences()) {
        const whole = make();
        if (whole.length === 0) continue;
        const room = maxTokens - tokens;
        more = Math.min(whole.length, length) > room;
        if (room === 0) return;
        const ids = whole.slice(0, Math.min(length, room));
        if (whole.length > length) cut++;
        sequences++;
        tokens += ids.length;
        await pause(signal);
        yield ids;
      }
    },
    facts: () => ({ name, sequences, tokens, length, cut, more }),
    warnings: () => [
      ...(cut === 0
        ? []
        : [
            {
              code: "cut-texts",
              message: `${cut} of ${sequences} sequences had more than ${length} tokens, and were cut there.`,
            },
          ]),
      ...(more
        ? [
            {
              code: "part-of-corpus",
              message: `${name} goes on after the ${tokens} tokens that were read (--max-tokens).`,
            },
          ]
        : []),
    ],
  };
}
