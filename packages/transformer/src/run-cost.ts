import { type Cost, cost, type Precision, type Priced } from "@resolvent/tensor";
import type { Model } from "./model.ts";
import { run } from "./run.ts";
import type { SiteChoice } from "./sites.ts";

/** What a forward pass that keeps `sites` would take, weights apart, from shapes alone. */
export function runCost(
  outline: Model<Priced>,
  tokens: readonly number[],
  options: { readonly sites?: SiteChoice; readonly precision?: Precision } = {},
): Cost {
  const { sites = [], precision = "f32" } = options;
  const ops = cost({ precision });
  ops.scope(() => run(ops, outline, tokens, { sites }));
  return ops.total();
}
