import { type Spread, spreadOf } from "@resolvent/analysis";
import type { ComparedCard, ComparedDegree, ComparedStep, DegreeShares } from "./report-result.ts";

/** The step of training that the name of a checkpoint tells, as `step-512`, `checkpoint-500`; null where it tells none. */
export function stepOf(name: string): number | null {
  const told = /(?:^|[^a-z])(?:step|checkpoint|ckpt|iter)[-_]?(\d+)(?![\d.])/i.exec(name)?.[1];
  return told === undefined ? null : Number(told);
}

/**
 * Cards along their steps, the first step first: none where a card tells no step, all tell the same, or some have other
 * blocks than others. Several cards of one step are of trainings that began otherwise.
 */
export function stepsOf(
  cards: readonly ComparedCard[],
  degrees: readonly ComparedDegree[],
): ComparedStep[] {
  const steps = new Set(cards.map(({ step }) => step));
  const alike = cards.every(({ step, blocks }) => step !== null && blocks === cards[0]?.blocks);
  if (!alike || steps.size < 2) return [];
  return [...steps]
    .map(Number)
    .sort((a, b) => a - b)
    .map((step) => {
      const own = cards.filter((card) => card.step === step);
      const rows = degrees.filter(({ card }) => cards[card - 1]?.step === step);
      const of = (what: "frozen" | "live" | "loss" | "accuracy"): Spread | null =>
        over(own.map((card) => card[what]));
      return {
        ...{ step, runs: own.length, loss: of("loss"), accuracy: of("accuracy") },
        ...{ frozen: of("frozen"), live: of("live"), degrees: meansOf(rows) },
      };
    });
}

function meansOf(rows: readonly ComparedDegree[]): DegreeShares[] {
  const all = [...new Set(rows.map(({ degree }) => degree))].sort((a, b) => a - b);
  return all.map((degree) => {
    const own = rows.filter((row) => row.degree === degree);
    const of = (what: "frozen" | "live"): Spread | null => over(own.map((row) => row[what]));
    return { degree, frozen: of("frozen"), live: of("live") };
  });
}

/** The mean over several trainings, with its own interval; what one says is said as it is. */
function over(all: readonly (Spread | null)[]): Spread | null {
  const [first = null] = all;
  if (all.length < 2) return first;
  const known = all.filter((one) => one !== null);
  return known.length === 0 ? null : spreadOf(known.map(({ mean }) => mean));
}
