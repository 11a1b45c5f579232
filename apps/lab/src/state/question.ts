import type { Gate, Prompt } from "@resolvent/analysis";
import type { Work } from "@resolvent/analysis/remote";

/** What the screen is about: a model, what it reads, and two tokens it may go on with. */
export interface Question {
  readonly model: string;
  readonly prompt: Prompt;
  /** Ids of the answer and of what it is held against, or of the answer alone; null for the two likeliest. */
  readonly target: readonly number[] | null;
}

/** The score of a head, on the screen in place of the answer: why it looks where it looks. */
export interface Score {
  /** `L2.H2` */
  readonly head: string;
  readonly query: number;
  readonly key: number;
  /** The side that is made of paths. */
  readonly side: "query" | "key";
}

/** How something is computed. */
export interface Computing {
  readonly precision: Work["precision"];
  /** The engine that was asked for; null for the one that is chosen. */
  readonly engine: string | null;
}

/** What a question is read as. */
export interface Reading extends Computing {
  /** What paths end in; null for the answer. */
  readonly score: Score | null;
  /** How many paths are listed. */
  readonly top: number;
}

/** Paths that the screen lists at first, and how many it may list. */
export const TOPS = [12, 50, 200, 1000] as const;

/** As the lab opens. */
export const PLAIN: Reading = { score: null, precision: "f32", engine: null, top: TOPS[0] };

/** Routes of each path that the screen draws, and of each where they are many. */
const ROUTES = 2;
const MANY = 50;

/** Routes that the screen draws of so many paths. */
export function routesDrawn(top: number): number {
  return top > MANY ? 1 : ROUTES;
}

/** The same as work says it. */
export function computingOf({ precision, engine }: Computing): Pick<Work, "precision" | "engine"> {
  return { precision, ...(engine !== null && { engine }) };
}

/** Values with the tokens that an answer is told by; without where there are none, and the likeliest are meant. */
export function withTarget(values: Work["values"], target: readonly number[]): Work["values"] {
  return target.length === 0 ? values : { ...values, target };
}

/** The work that answers a question: `verify` of the largest paths are checked by intervention, and those named. */
export function pathsWork(
  { model, prompt, target }: Question,
  {
    verify,
    check = [],
    ...reading
  }: { readonly verify: number; readonly check?: readonly string[] } & Partial<Reading>,
): Work {
  const { score, top, ...computing } = { ...PLAIN, ...reading };
  const ends = score ?? (target === null ? {} : { target });
  return {
    ...{ analysis: "paths", model, ...computingOf(computing), float64: true },
    values: {
      ...{ prompt, positions: true, top, routes: routesDrawn(top), verify },
      ...(check.length > 0 && { check }),
      ...ends,
    },
  };
}

/** The work that gives what paths up to each degree say, all gates held. */
export function upToWork(
  { model, prompt }: Question,
  { target, ...computing }: { readonly target: readonly number[] } & Computing,
): Work {
  return {
    ...{ analysis: "expand", model, ...computingOf(computing), float64: false },
    values: { prompt, target },
  };
}

/** The work that gives the same number by degree as a truncated tree, with some gates held. */
export function treeWork(
  { model, prompt }: Question,
  {
    target,
    frozen,
    ...computing
  }: {
    readonly target: readonly number[];
    readonly frozen: readonly Gate[];
  } & Partial<Computing>,
): Work {
  return {
    ...{ analysis: "expand", model, ...computingOf({ ...PLAIN, ...computing }), float64: false },
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
