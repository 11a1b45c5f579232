import { isNothing } from "@resolvent/analysis";
import type { ScoreExpansion } from "../qk/expand-score.ts";
import type { ScorePair } from "./qk-result.ts";

/** All pairs of sources, the largest first. */
export function allPairs(score: ScoreExpansion, centred: boolean): ScorePair[] {
  const { querySources, keySources } = score;
  const shareOf = sharesOf(score, centred);
  const all = partsOf(score, centred).matrix.flatMap((row, a) =>
    row.map((effect, b) => ({
      querySource: querySources[a] ?? "",
      keySource: keySources[b] ?? "",
      effect,
      share: shareOf(effect),
    })),
  );
  return all.sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect));
}

/** What a score is a sum of. */
export type Parts = Pick<
  ScoreExpansion,
  "matrix" | "matrixKeyCentred" | "score" | "centredScore" | "precision"
>;

/** The pairs that are shown, and what they add up to. */
export function partsOf(
  { matrix, matrixKeyCentred, score, centredScore }: Parts,
  centred: boolean,
): { readonly matrix: ScoreExpansion["matrix"]; readonly total: number } {
  return centred ? { matrix: matrixKeyCentred, total: centredScore } : { matrix, total: score };
}

/** Parts of the score as shares of it; null where the pairs all but cancel, so that there is no score to speak of. */
export function sharesOf(score: Parts, centred: boolean): (part: number) => number | null {
  const { matrix, total } = partsOf(score, centred);
  const size = matrix.flat().reduce((sum, x) => sum + Math.abs(x), 0);
  const nothing = isNothing(total, size, score.precision);
  return (part) => (nothing ? null : part / total);
}
