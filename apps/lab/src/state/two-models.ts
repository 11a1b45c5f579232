import type { Work } from "@resolvent/analysis/remote";
import { type Question, withTarget } from "./question.ts";

const SETTING: Pick<Work, "precision" | "float64"> = { precision: "f32", float64: false };

/** Points of a path between two models. */
const POINTS = 7;

/** A second model, and the one that both were trained from; null for none. */
export interface Second {
  readonly other: string;
  readonly base: string | null;
}

/** The work that holds two models, and their mean, against each other on a text. */
export function compareWork(
  { model, prompt }: Question,
  { other, base }: Second,
  { alpha, target }: { readonly alpha: number; readonly target: readonly number[] },
): Work {
  const values = withTarget({ other, prompt, alpha, ...(base !== null && { base }) }, target);
  return { analysis: "compare", model, values, ...SETTING };
}

/** The work that measures the loss between two models on texts. */
export function barrierWork({ model }: Question, { other, base }: Second, text: string): Work {
  const values = { other, points: POINTS, ...(base !== null && { base, grid: 4 }) };
  return {
    ...{ analysis: "barrier", model, values, ...SETTING },
    texts: { corpus: { name: "these texts", text } },
  };
}

/** The work that puts the second model in the order of the first, and measures the loss between them on texts. */
export function alignWork({ model }: Question, { other }: Second, text: string): Work {
  return {
    ...{ analysis: "align", model, values: { other, points: POINTS }, ...SETTING },
    texts: { corpus: { name: "these texts", text } },
  };
}
