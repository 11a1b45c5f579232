import {
  type AdjointOps,
  type Ids,
  type Recorded,
  type Shaped,
  sizeAlong,
} from "@resolvent/tensor";
import type { Choice, ChoosingLoss, Pairs } from "./choice.ts";
import { type LossParts, meanSquare, withoutFeatures } from "./loss-parts.ts";
import { chosenSum } from "./pair-form.ts";
import { offset } from "./pre-activations.ts";
import type { TrainedWeights, TrainingRows } from "./weights.ts";

/** The loss of topk and batchtopk, of what has been chosen. */
export function chosenLoss<T extends Shaped>(
  tape: AdjointOps<T>,
  weights: TrainedWeights<Recorded<T>>,
  { loss, subtractsBias }: { readonly loss: ChoosingLoss; readonly subtractsBias: boolean },
  rows: TrainingRows<Recorded<T>>,
  choice: Choice,
): LossParts<T> {
  const count = sizeAlong(rows.input.shape, "row", "train");
  const constant = offset(tape, weights, weights.b_enc, subtractsBias);
  const written = (pairs: Pairs): Recorded<T> =>
    chosenSum(tape, { weights, constant, input: rows.input }, pairs);

  let output = withoutFeatures(tape, weights, rows.input, count);
  const parts: Record<string, Recorded<T>> = {};
  const groups = loss.kind === "batchtopk" ? loss.groups : undefined;
  if (groups === undefined) {
    output = tape.add(output, written(choice.active));
    parts.mse = meanSquare(tape, rows.target, output);
  } else {
    let prefixes: Recorded<T> | undefined;
    for (const group of grouped(choice.active, groups)) {
      if (group.rows.data.length > 0) output = tape.add(output, written(group));
      const mse = meanSquare(tape, rows.target, output);
      if (parts.mse !== undefined) {
        prefixes = prefixes === undefined ? parts.mse : tape.add(prefixes, parts.mse);
      }
      parts.mse = mse; // that of all features in the end
    }
    if (prefixes !== undefined) parts.prefixes = prefixes;
  }
  const { revived } = choice;
  if (revived !== undefined && loss.auxiliary !== undefined) {
    const left = tape.fixed(tape.sub(rows.target, output).primal); // e, which is held
    const made = written(revived);
    parts.auxk = tape.scale(meanSquare(tape, left, made), loss.auxiliary.weight);
  }
  return { parts, output: output.primal };
}

/** The pairs of each group of neighbouring features. */
function grouped({ rows, features }: Pairs, groups: readonly number[]): Pairs[] {
  let start = 0;
  return groups.map((size): Pairs => {
    const [from, to] = [start, start + size];
    start = to;
    const own: number[] = [];
    features.data.forEach((feature, i) => {
      if (feature >= from && feature < to) own.push(i);
    });
    const picked = (ids: Ids): Ids => ({
      shape: { entry: own.length },
      data: Int32Array.from(own, (i) => ids.data[i] as number), // own are places of it
    });
    return {
      rows: picked(rows),
      features: picked(features),
      among: Int32Array.from({ length: size }, (_, i) => from + i),
    };
  });
}
