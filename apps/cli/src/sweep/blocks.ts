import type { Answer, Values } from "@resolvent/analysis";
import { type InputError, isInputError } from "@resolvent/tensor";
import type { Answered } from "./part-files.ts";
import type { SweepPrompt } from "./source.ts";

/** A prompt that is asked, or why it cannot be. */
type Asked = Pick<Answered, "prompt" | "line"> &
  ({ readonly values: Values } | { readonly error: InputError });

/** The prompts of a part, in order. */
export interface Block {
  readonly part: number;
  readonly prompts: readonly Asked[];
}

/**
 * The parts that are wanted with their prompts; those of others pass by unread.
 *
 * @param values that all prompts have
 */
export async function* blocksOf(
  prompts: AsyncIterable<SweepPrompt>,
  {
    partPrompts,
    wanted,
    values,
  }: {
    readonly partPrompts: number;
    readonly wanted: (part: number) => boolean;
    readonly values: Values;
  },
): AsyncGenerator<Block> {
  let [prompt, own]: [number, Asked[]] = [0, []];
  for await (const one of prompts) {
    const part = Math.floor(prompt / partPrompts);
    if (wanted(part)) own.push(askedOf(one, prompt, values));
    prompt++;
    if (prompt % partPrompts !== 0) continue;
    if (own.length > 0) yield { part, prompts: own };
    own = [];
  }
  if (own.length > 0) yield { part: Math.floor(prompt / partPrompts), prompts: own };
}

function askedOf({ line, values: read }: SweepPrompt, prompt: number, values: Values): Asked {
  try {
    return { prompt, line, values: { ...values, ...read() } };
  } catch (error) {
    if (!isInputError(error)) throw error;
    return { prompt, line, error };
  }
}

/** The values of those that can be asked. */
export function valuesIn({ prompts }: Block): Values[] {
  return prompts.flatMap((one) => ("values" in one ? [one.values] : []));
}

/** All prompts of a part with what became of them. @param answers of those that were asked, in order */
export function answeredOf({ prompts }: Block, answers: readonly Answer[]): Answered[] {
  let at = 0;
  return prompts.flatMap((one): Answered[] => {
    const { prompt, line } = one;
    if ("error" in one) return [{ prompt, line, values: undefined, answer: one }];
    const answer = answers[at++];
    return answer === undefined ? [] : [{ prompt, line, values: one.values, answer }];
  });
}
