import type { Corpus } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import type { Warning } from "@resolvent/transformer";
import { type CorpusFacts, reading } from "./texts.ts";
import type { TextCount } from "./train-result.ts";

/** Texts of a corpus, apart for training and for measuring. */
export interface TrainingTexts {
  readonly corpus: CorpusFacts;
  readonly trained: readonly (readonly number[])[];
  readonly heldOut: readonly (readonly number[])[];
  readonly warnings: readonly Warning[];
}

/**
 * The texts of a corpus from its start, in their order, up to a number of tokens: `heldOut` of them, evenly spread, but
 * at most half, are kept for measuring. Texts of one token have no next one and are left out.
 *
 * @throws InputError `dictionary/no-tokens`
 */
export async function trainingTexts(
  corpus: Corpus,
  {
    maxTokens,
    heldOut,
    signal,
    onText,
  }: {
    readonly maxTokens: number;
    readonly heldOut: number;
    readonly signal: AbortSignal;
    readonly onText: (found: number) => void;
  },
): Promise<TrainingTexts> {
  const read = reading(corpus, maxTokens, signal);
  const texts: (readonly number[])[] = [];
  let short = 0;
  for await (const ids of read.texts()) {
    if (ids.length < 2) short++;
    else texts.push(ids);
    onText(texts.length);
  }
  if (texts.length === 0) {
    throw new InputError({
      code: "dictionary/no-tokens",
      message: `${corpus.name} has no text of 2 to ${maxTokens} tokens.`,
      remedy: "Give a longer corpus, or allow more tokens.",
      details: { short, maxTokens },
    });
  }
  const kept = Math.min(heldOut, texts.length >> 1);
  const apart = new Set(
    Array.from({ length: kept }, (_, i) => Math.floor(((i + 0.5) * texts.length) / kept)),
  );
  const alone = kept === 0;
  return {
    corpus: read.facts(),
    trained: alone ? texts : texts.filter((_, i) => !apart.has(i)),
    heldOut: alone ? texts : texts.filter((_, i) => apart.has(i)),
    warnings: [
      ...read.warnings(),
      ...(alone ? [notHeldOut(corpus.name)] : []),
      ...(short > 0 ? [shortTexts(corpus.name, short)] : []),
    ],
  };
}

function notHeldOut(name: string): Warning {
  const message = `${name} has one text: the dictionary is measured on what it was trained on.`;
  return { code: "not-held-out", message };
}

function shortTexts(name: string, short: number): Warning {
  return {
    code: "short-texts",
    message: `${short} texts of ${name} have one token, and are left out.`,
  };
}

export function countOf(texts: readonly (readonly number[])[]): TextCount {
  return { texts: texts.length, tokens: texts.reduce((sum, { length }) => sum + length, 0) };
}
