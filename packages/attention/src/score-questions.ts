import type { Repeated } from "./repeated.ts";

/** Numbers on their way to an engine. */
interface Numbers {
  readonly shape: Readonly<Record<string, number>>;
  readonly data: Float64Array;
}

/** What is asked of a run, for scores of its heads. */
export interface ScoreQuestions {
  /** The input: rows of one length. */
  readonly sequences: readonly (readonly number[])[];
  /** Where each score looks, as weights of a mean: `score, pos, key_pos`, or with `batch` before. */
  readonly masks: Numbers;
  /** The tokens whose logits are compared, of each row: `batch, choice`. */
  readonly choices: {
    readonly shape: { batch: number; choice: number };
    readonly data: Int32Array;
  };
  /** For each position 1 for its token among the choices, centred and of length 1; or zeros: `batch, key_pos, choice`. */
  readonly targets: Numbers;
}

/** Attention scores of a head: previous, duplicate, induction. */
export const SCORES = 3;

/** On repeated tokens, where the place to look at is always as far back. */
export function repeatedQuestions({ sequences, length }: Repeated): ScoreQuestions {
  const pos = sequences[0]?.length ?? 0;
  const data = new Float64Array(SCORES * pos * pos);
  const put = (score: number, query: number, back: number, of: number): void => {
    data[(score * pos + query) * pos + query - back] = 1 / (of * sequences.length);
  };
  for (let i = 1; i < pos; i++) put(0, i, 1, pos - 1);
  for (let i = pos - length; i < pos; i++) {
    put(1, i, length, length);
    put(2, i, length - 1, length);
  }
  return {
    sequences,
    masks: { shape: { score: SCORES, pos, key_pos: pos }, data },
    ...choicesOf(
      sequences,
      sequences.map((row) => row.slice(-length)),
      0,
    ),
  };
}

/** Which scores a text has any place for, in their order. */
export interface TextQuestions extends ScoreQuestions {
  readonly places: readonly number[];
}

/**
 * On any text: queries whose token stood there before look at all its earlier places, or at those after them.
 * The first position, which heads look at when they look for nothing, counts as no token to copy.
 */
export function textQuestions(ids: readonly number[]): TextQuestions {
  const pos = ids.length;
  const data = new Float64Array(SCORES * pos * pos);
  const repeats = ids.flatMap((id, query) => {
    const before = ids.flatMap((other, at) => (other === id && at < query ? [at] : []));
    return before.length === 0 ? [] : [{ query, before }];
  });
  const put = (score: number, query: number, at: number, of: number): void => {
    data[(score * pos + query) * pos + at] = 1 / of;
  };
  for (let i = 1; i < pos; i++) put(0, i, i - 1, pos - 1);
  for (const { query, before } of repeats) {
    for (const at of before) {
      put(1, query, at, repeats.length);
      put(2, query, at + 1, repeats.length);
    }
  }
  return {
    sequences: [ids],
    masks: { shape: { score: SCORES, pos, key_pos: pos }, data },
    ...choicesOf([ids], [[...new Set(ids)]], 1),
    places: [pos - 1, repeats.length, repeats.length],
  };
}

/** @param from positions before it have no target */
function choicesOf(
  sequences: readonly (readonly number[])[],
  choices: readonly (readonly number[])[],
  from: number,
): Pick<ScoreQuestions, "choices" | "targets"> {
  const [batch, choice] = [sequences.length, choices[0]?.length ?? 0];
  const rows = sequences.flatMap((row, i) =>
    row.map((token, at) => {
      const own = (choices[i] ?? []).map((other) => (other === token && at >= from ? 1 : 0));
      const mean = own.reduce((sum: number, one) => sum + one, 0) / choice;
      const size = Math.sqrt(own.reduce((sum: number, one) => sum + (one - mean) ** 2, 0));
      return own.map((one) => (size === 0 ? 0 : (one - mean) / size));
    }),
  );
  const key_pos = sequences[0]?.length ?? 0;
  return {
    choices: { shape: { batch, choice }, data: Int32Array.from(choices.flat()) },
    targets: { shape: { batch, key_pos, choice }, data: Float64Array.from(rows.flat()) },
  };
}
