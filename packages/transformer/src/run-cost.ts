import { type Cost, cost, type Precision, type Priced } from "@resolvent/tensor";
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
  const ops = cost({ precision });
  ops.scope(() => {
    const residual = residualStream(ops, outline, tokenIds(tokens), sites);
    return unembed(ops, outline, residual, sites);
  });
  return ops.total();
}
