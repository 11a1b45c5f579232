import { type Cost, type Precision, type Priced, priced } from "@resolvent/tensor";
import { type Model, tokenIds } from "@resolvent/transformer";
import { checkEpsilon, type EpsilonOptions, epsilonTerms, streamAt } from "./coefficients.ts";

/** What an ε-series would take, from shapes alone. */
export function seriesCost(
  outline: Model<Priced>,
  tokens: readonly number[],
  options: EpsilonOptions & { readonly precision?: Precision } = {},
): Cost {
  const { precision = "f32", ...given } = options;
  const settings = checkEpsilon(given);
  const ids = tokenIds(tokens);
  return priced(precision, (ops) => {
    ops.scope(() => void epsilonTerms(ops, outline, ids, settings));
    ops.scope(() => void streamAt(ops, outline, ids, 0.5, settings.freeze));
  });
}
