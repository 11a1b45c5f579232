import { type Cost, type Precision, type Priced, priced } from "@resolvent/tensor";
import { type Model, tokenIds } from "@resolvent/transformer";
import { outlineMeasures } from "./measure.ts";
import { degreeTerms, type TermsOptions } from "./terms.ts";

/** What an expansion would take, its logit report included, from shapes alone. */
export function expandCost(
  outline: Model<Priced>,
  tokens: readonly number[],
  options: TermsOptions & { readonly precision?: Precision } = {},
): Cost {
  const { precision = "f32", ...termsOptions } = options;
  const ids = tokenIds(tokens);
  return priced(precision, (ops) =>
    outlineMeasures(ops, outline, ids, degreeTerms(ops, outline, ids, termsOptions)),
  );
}
