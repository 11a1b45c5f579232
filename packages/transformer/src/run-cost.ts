import { type Cost, type Precision, type Priced, priced } from "@resolvent/tensor";
import { tokenIds, unembed } from "./embedding.ts";
import type { Model } from "./model.ts";
import { residualStream } from "./run.ts";
import { plainSites, type Sites } from "./sites.ts";

/** What a forward pass would take, weights apart, from shapes alone. */
export function runCost(
  outline: Model<Priced>,
  tokens: readonly number[],
  sites: Sites<Priced> = plainSites(),
  precision: Precision = "f32",
): Cost {
  return priced(precision, (ops) =>
    unembed(ops, outline, residualStream(ops, outline, tokenIds(tokens), sites), sites),
  );
}
