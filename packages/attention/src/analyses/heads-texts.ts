import { parsePromptRows, type Spread, spreadOf, type Vocabulary } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import type { TextScores } from "../head-scores.ts";
import type { HeadIntervals, HeadTexts } from "./heads-result.ts";

/** Scores that come of a run. */
export const RUN_SCORES = ["previousToken", "duplicateToken", "induction", "copying"] as const;

/** A text of a file, as ids. */
export interface TextRow {
  readonly line: number;
  readonly ids: readonly number[];
}

/** What is asked of texts and of repeated tokens. */
interface Inputs {
  readonly prompts?: string | undefined;
  readonly each: boolean;
  readonly weightsOnly: boolean;
  readonly repeatLength?: number | undefined;
  readonly bos?: unknown;
}

/**
 * The texts that parameters name; undefined where repeated tokens are meant.
 *
 * @throws InputError `attention/two-inputs`, `attention/no-target`, `attention/no-texts`, and what rows of prompts throw
 */
export function textsFor(inputs: Inputs, vocabulary: Vocabulary): TextRow[] | undefined {
  const { prompts, each, weightsOnly, repeatLength, bos } = inputs;
  if (prompts === undefined) {
    if (!each) return undefined;
    throw new InputError({
      code: "attention/no-texts",
      message: "The scores of each text are asked for, and there are no texts.",
      remedy: "Give a file of them (--prompts).",
    });
  }
  if (weightsOnly || repeatLength !== undefined || bos !== undefined) {
    throw new InputError({
      code: "attention/two-inputs",
      message: `Texts are scored in place of repeated random tokens, and ${weightsOnly ? "weights alone" : "these"} are asked for as well.`,
      remedy: "Leave out one of them.",
    });
  }
  return parsePromptRows(prompts).map(({ line, prompt, target }) => {
    if (target !== undefined) {
      throw new InputError({
        code: "attention/no-target",
        message: `Prompts, line ${line}: it has a target, which scores of heads have no use for.`,
        remedy: "Leave the targets out.",
        details: { line },
      });
    }
    return { line, ids: encoded(line, () => vocabulary.encode(prompt)) };
  });
}

/** What is refused names its line. */
function encoded<V>(line: number, encode: () => V): V {
  try {
    return encode();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const { code, message, remedy, details } = error;
    throw new InputError({
      ...{ code, message: `Prompts, line ${line}: ${message}`, cause: error },
      ...(remedy !== undefined && { remedy }),
      details: { ...details, line },
    });
  }
}

/** Means of one head over those texts that have a place for a score. */
export function intervalsOf(
  found: readonly TextScores[],
  { layer, head }: { readonly layer: number; readonly head: number },
): HeadIntervals {
  const over = (score: (typeof RUN_SCORES)[number]): Spread | null => {
    const values = found.flatMap((own) => own[score][layer]?.[head] ?? []);
    return values.length === 0 ? null : spreadOf(values);
  };
  return {
    previousToken: over("previousToken"),
    duplicateToken: over("duplicateToken"),
    induction: over("induction"),
    copying: over("copying"),
  };
}

/** The texts as results have them. */
export function headTexts(
  rows: readonly TextRow[],
  found: readonly TextScores[],
  { each, text }: { readonly each: boolean; readonly text: Vocabulary["text"] },
): HeadTexts {
  return {
    prompts: rows.map(({ line, ids }) => ({
      line,
      tokens: ids.map((id) => ({ id, text: text(id) })),
    })),
    interval: { level: 0.95, method: "student-t" },
    each: each
      ? found.map(({ previousToken, duplicateToken, induction, copying }) => ({
          previousToken: previousToken.flat(),
          duplicateToken: duplicateToken.flat(),
          induction: induction.flat(),
          copying: copying.flat(),
        }))
      : null,
  };
}
