import { type Cost, type Precision, type Priced, priced } from "@resolvent/tensor";
import { type Model, type Target, tokenIds } from "@resolvent/transformer";
import { outlineMeasures } from "./measure.ts";
import { targetProducts } from "./target-terms.ts";
import { degreeTerms, type TermsOptions } from "./terms.ts";

/** What an expansion would take, its logit report included, from shapes alone. */
export function expandCost(
  outline: Model<Priced>,
  tokens: readonly number[],
  options: TermsOptions & {
    readonly precision?: Precision;
    readonly target?: Target | undefined;
  } = {},
): Cost {
  const { precision = "f32", target, ...termsOptions } = options;
  const ids = tokenIds(tokens);
  return priced(precision, (ops) => {
    const sum = degreeTerms(ops, outline, ids, termsOptions);
    if (target !== undefined) ops.scope(() => targetProducts(ops, outline, sum, target));
    outlineMeasures(ops, outline, ids, sum);
  });
}
