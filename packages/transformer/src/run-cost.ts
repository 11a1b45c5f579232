import { type Cost, type CostOps, type Precision, type Priced, priced } from "@resolvent/tensor";
import type { Model } from "./model.ts";
import { run } from "./run.ts";
import type { Replacements, SiteChoice } from "./sites.ts";

/** What a run that is priced keeps and replaces, as `RunOptions` of the run itself. */
export interface RunCostOptions {
  /** Sites whose values are kept, which the peak holds; default none. */
  readonly sites?: SiteChoice;
  /** New values at named sites, made on the interpreter that counts. */
  readonly replace?: (ops: CostOps) => Replacements<Priced>;
  /** Default `f32`. */
  readonly precision?: Precision;
}

/**
 * What a forward pass would take, weights apart, from shapes alone.
 *
 * @throws InputError what `run` throws for tokens and sites
 */
export function runCost(
  outline: Model<Priced>,
  tokens: ArrayLike<number> | readonly (readonly number[])[],
  { sites, replace, precision = "f32" }: RunCostOptions = {},
): Cost {
  return priced(precision, (ops) =>
    run(ops, outline, tokens, {
      ...(sites !== undefined && { sites }),
      ...(replace !== undefined && { replace: replace(ops) }),
    }),
  );
}
