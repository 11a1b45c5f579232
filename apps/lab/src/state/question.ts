import type { Gate, Prompt } from "@resolvent/analysis";
import type { Work } from "@resolvent/analysis/remote";

/** What the screen is about: a model, what it reads, and two tokens it may go on with. */
export interface Question {
  readonly model: string;
  readonly prompt: Prompt;
  /** Ids of the answer and of what it is held against, or of the answer alone; null for the two likeliest. */
  readonly target: readonly number[] | null;
}

/** Paths that the screen lists. */
const TOP = 12;

/** Routes of each path that the screen draws. */
const ROUTES = 2;

/** The work that answers a question: `verify` of the largest paths are checked by intervention. */
export function pathsWork(
  { model, prompt, target }: Question,
  { verify }: { readonly verify: number },
): Work {
  return {
    ...{ analysis: "paths", model, precision: "f32", float64: true },
    values: {
      ...{ prompt, positions: true, top: TOP, routes: ROUTES, verify },
      ...(target !== null && { target }),
    },
  };
}

/** The work that gives the same number by degree as a truncated tree, with some gates held. */
export function treeWork(
  { model, prompt }: Question,
  { target, frozen }: { readonly target: readonly number[]; readonly frozen: readonly Gate[] },
): Work {
  return {
    ...{ analysis: "expand", model, precision: "f32", float64: false },
    values: { prompt, target, freeze: frozen, method: "tree" },
  };
}

/** The question that the lab opens with, which its page has answered already. */
export const FIRST: Question = {
  model: "tales",
  prompt: "When Mary and John went to the market, John gave a drink to",
  target: [346, 364],
};

/** How many paths are checked in what the lab opens with. */
export const FIRST_VERIFIED = 2;

/** How many paths are checked where nobody has asked for more. */
export function checkedAtFirst(question: Question): number {
  return JSON.stringify(question) === JSON.stringify(FIRST) ? FIRST_VERIFIED : 0;
}
