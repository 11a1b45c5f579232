import { drawing, InputError } from "@resolvent/tensor";

/** Sequences of a corpus, in an order drawn by the seed. */
export interface Sample {
  readonly sequences: readonly (readonly number[])[];
  /** Tokens of all of them. */
  readonly tokens: number;
  /** Sequences in the corpus, drawn or not. */
  readonly found: number;
  /** Drawn sequences that were longer than `length`, and were cut. */
  readonly cut: number;
  /** Sequences of a single token, which have no next one, and were left out. */
  readonly short: number;
}

export interface SampleOptions {
  /** Tokens of a sequence at most. */
  readonly length: number;
  /** Tokens of all sequences at most. */
  readonly maxTokens: number;
  readonly seed: number;
  /** Called after each sequence of the corpus that was looked at; awaited. */
  readonly onSequence?: (found: number) => void | Promise<void>;
}

/**
 * A sample of a corpus that passes by once: each sequence draws a number, and those with the least numbers stay, up
 * to `maxTokens` (a bottom-k sample; Cohen & Kaplan 2007). What is held is what stays. All of a corpus that is
 * short enough stays. The same corpus and seed give the same sequences in the same order, which is that of the
 * numbers: a random one.
 *
 * @param corpus sequences that are made only where they may stay
 * @throws InputError `linearity/no-tokens` where nothing stays
 */
export async function sampleSequences(
  corpus: AsyncIterable<() => readonly number[]>,
  { length, maxTokens, seed, onSequence }: SampleOptions,
): Promise<Sample> {
  const kept: { readonly key: number; readonly ids: readonly number[]; readonly cut: boolean }[] =
    [];
  const next = drawing(seed);
  let [tokens, found, short, bound] = [0, 0, 0, Number.POSITIVE_INFINITY];
  for await (const make of corpus) {
    found++;
    const key = next();
    if (key < bound) {
      const whole = make();
      if (whole.length < 2) short++;
      else {
        const ids = whole.slice(0, length);
        kept.splice(placeOf(kept, key), 0, { key, ids, cut: whole.length > length });
        tokens += ids.length;
        while (tokens > maxTokens) {
          const last = kept.pop();
          if (last === undefined) break;
          tokens -= last.ids.length;
          bound = last.key; // nothing behind it may come back
        }
      }
    }
    await onSequence?.(found);
  }
  if (kept.length === 0) {
    throw new InputError({
      code: "linearity/no-tokens",
      message: `The corpus has no sequence of 2 to ${maxTokens} tokens.`,
      remedy: "Give a longer text, or allow more tokens.",
      details: { found, short, maxTokens },
    });
  }
  return {
    sequences: kept.map(({ ids }) => ids),
    tokens,
    found,
    cut: kept.filter(({ cut }) => cut).length,
    short,
  };
}

/** Where a key belongs among sorted ones, after its equals. */
function placeOf(kept: readonly { readonly key: number }[], key: number): number {
  let [from, to] = [0, kept.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((kept[middle]?.key ?? 0) <= key) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Sequences of one length that stand next to each other, together up to `tokens` tokens: what is run at once. */
export function* batchesOf(
  sequences: readonly (readonly number[])[],
  tokens: number,
): Generator<{ readonly first: number; readonly rows: readonly (readonly number[])[] }> {
  let rows: (readonly number[])[] = [];
  let first = 0;
  for (const [index, row] of sequences.entries()) {
    const full = (rows.length + 1) * row.length > tokens;
    if (rows.length > 0 && (full || rows[0]?.length !== row.length)) {
      yield { first, rows };
      rows = [];
      first = index;
    }
    rows.push(row);
  }
  if (rows.length > 0) yield { first, rows };
}

/** Whether maps are scored on other sequences than those they were fit on. */
export type Split = "half" | "none";

/**
 * What is fit on and scored on: every other sequence of an order that is already random, or all.
 *
 * @throws InputError `linearity/too-few-sequences`
 */
export function splitOf(
  sequences: Sample["sequences"],
  split: Split,
): { readonly fit: Sample["sequences"]; readonly scored: Sample["sequences"] } {
  if (split === "none") return { fit: sequences, scored: sequences };
  if (sequences.length < 2) {
    throw new InputError({
      code: "linearity/too-few-sequences",
      message: `Half of the sequences are to score on, but there is only ${sequences.length}.`,
      remedy:
        "Give a longer text; the analysis by itself also takes shorter sequences (--length), or scores on what was fit (--split none).",
      details: { sequences: sequences.length },
    });
  }
  return {
    fit: sequences.filter((_, i) => i % 2 === 0),
    scored: sequences.filter((_, i) => i % 2 === 1),
  };
}

/** How much there is of some sequences. */
export interface Counts {
  readonly sequences: number;
  readonly tokens: number;
}

export function countsOf(sequences: Sample["sequences"]): Counts {
  return {
    sequences: sequences.length,
    tokens: sequences.reduce((sum, ids) => sum + ids.length, 0),
  };
}
