import type { Outline } from "@resolvent/analysis";
import { pathsCost } from "@resolvent/paths";
import { type Cost, priced } from "@resolvent/tensor";
import { type LevelName, tokenIds } from "@resolvent/transformer";
import { headProducts } from "../measure/compare-heads.ts";
import { alignmentBySite } from "../measure/cross-task.ts";
import { spectraOf } from "../measure/degree-linearity.ts";
import { batchSize } from "../measure/rows.ts";
import { costs, weightBytes } from "./cost.ts";

/** What a comparison takes, from shapes alone; all models are of one shape. */
export function compareCost(
  { model, precision }: Pick<Outline, "model" | "precision">,
  prompt: readonly number[],
  {
    level,
    maxDegree,
    made,
    rows,
  }: {
    readonly level: LevelName;
    readonly maxDegree: number | undefined;
    /** Whether the merge is made on the engine, beside the models. */
    readonly made: boolean;
    /** What blocks and heads are compared on. */
    readonly rows: { readonly length: number; readonly sequences: number };
  },
): Cost {
  const merged = { first: model, second: model, merge: model, alpha: 0.5 };
  const size = Math.min(rows.sequences, batchSize(rows.length, model.architecture.vocab));
  const batch = Array.from({ length: size }, () => new Array<number>(rows.length).fill(0));
  const batches = rows.sequences / size;
  const ids = tokenIds(prompt);
  return costs(
    [
      [priced(precision, (ops) => void alignmentBySite(ops, merged, batch)), batches],
      [priced(precision, (ops) => void headProducts(ops, merged, batch)), batches],
      [priced(precision, (ops) => void spectraOf(ops, merged, ids, { maxDegree, freeze: [] })), 1],
      [priced(precision, (ops) => void spectraOf(ops, merged, ids, { maxDegree })), 1],
      [pathsCost(model, prompt, { level, precision }), 3],
    ],
    made ? weightBytes(model, precision) : 0,
  );
}
