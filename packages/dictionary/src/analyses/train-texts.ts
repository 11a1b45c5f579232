import { type Corpus, pause } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import type { Warning } from "@resolvent/transformer";
import type { TextCount } from "./train-result.ts";

/** Texts of a corpus, apart for training and for measuring. */
export interface TrainingTexts {
  readonly trained: readonly (readonly number[])[];
  readonly heldOut: readonly (readonly number[])[];
  readonly warnings: readonly Warning[];
}

/** Texts between two signs of life while a corpus is read. */
const SIGN_OF_LIFE = 256;

/**
 * The texts of a corpus from its start, in their order, as long as there are not more than so many tokens: `heldOut` of
 * them, evenly spread, but at most half, are kept for measuring.
 *
 * @throws InputError `dictionary/no-tokens`
 */
export async function trainingTexts(
  { sequences, length, name }: Corpus,
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
  const texts: (readonly number[])[] = [];
  let [tokens, short, more] = [0, 0, false];
  for await (const make of sequences()) {
    const ids = make().slice(0, length);
    if (ids.length < 2) {
      short++; // it has no next token
      continue;
    }
    if (tokens + ids.length > maxTokens) {
      more = true;
      break;
    }
    texts.push(ids);
    tokens += ids.length;
    if (texts.length % SIGN_OF_LIFE !== 0) continue;
    onText(texts.length);
    await pause(signal);
  }
  if (texts.length === 0) {
    throw new InputError({
      code: "dictionary/no-tokens",
      message: `${name} has no text of 2 to ${maxTokens} tokens.`,
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
    trained: alone ? texts : texts.filter((_, i) => !apart.has(i)),
    heldOut: alone ? texts : texts.filter((_, i) => apart.has(i)),
    warnings: [
      ...(alone
        ? [
            {
              code: "not-held-out",
              message: `${name} has one text: it is measured on what it was trained on.`,
            },
          ]
        : []),
      ...(more
        ? [
            {
              code: "corpus-cut",
              message: `Of ${name} the first ${tokens} tokens are read; --max-tokens allows more.`,
            },
          ]
        : []),
      ...(short > 0
        ? [
            {
              code: "short-texts",
              message: `${short} texts of ${name} have one token, and are left out.`,
            },
          ]
        : []),
    ],
  };
}

export function countOf(texts: readonly (readonly number[])[]): TextCount {
  return { texts: texts.length, tokens: texts.reduce((sum, { length }) => sum + length, 0) };
}
