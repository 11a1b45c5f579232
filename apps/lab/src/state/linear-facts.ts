import type { Work } from "@resolvent/analysis/remote";
import type { Question } from "./question.ts";

const SETTING: Pick<Work, "precision" | "float64"> = { precision: "f32", float64: false };

/** Tokens of a sequence: a page's texts are short, and intervals are over sequences. */
const LENGTH = 64;

/** The work that writes a model as a series in the strength of its blocks. */
export function seriesWork({ model, prompt }: Question): Work {
  return { analysis: "series", model, values: { prompt }, ...SETTING };
}

/** The work that says what sets of layers do beyond their parts: runs by the number of layers, not of blocks. */
export function interactionsWork({ model, prompt }: Question): Work {
  return { analysis: "interactions", model, values: { prompt, players: "layers" }, ...SETTING };
}

/** The work that measures how far from linear each block is. */
export function linearityWork({ model }: Question, text: string): Work {
  const values = { length: LENGTH, draws: 100, lensPasses: 1 };
  return {
    ...{ analysis: "linearity", model, values, ...SETTING },
    texts: { corpus: { name: "these texts", text } },
  };
}
