import { CERTIFICATE_TOLERANCE, percent, short, type Warning } from "@resolvent/analysis";
import type { Precision } from "@resolvent/tensor";

/** Terms this many times larger than their sum say little each by itself. */
const CANCELS = 3;
/** A remainder beyond this part of `T` has to be seen. */
const FAR = 0.1;

/** What is known of an order, as far as warnings go by it. */
interface OrderFigures {
  readonly order: number;
  readonly relativeNorm: number | null;
  readonly cumulativeRelativeError: number | null;
}

/** What has to be said with interactions. */
export function interactionWarnings(
  orders: readonly OrderFigures[],
  remainder: { readonly from: "none" | "difference" },
  relativeError: number | null,
  precision: Precision,
): Warning[] {
  const warnings: Warning[] = [];
  if (relativeError === null) {
    warnings.push({
      code: "no-size",
      message:
        "T is 0, so that nothing can be relative to it: norms relative to ‖T‖ are not given.",
    });
  }
  const sizeOf = (one: OrderFigures): number => one.relativeNorm ?? 0;
  const largest = orders.reduce((most, one) => (sizeOf(one) > sizeOf(most) ? one : most));
  if (sizeOf(largest) > CANCELS) {
    warnings.push({
      code: "cancellation",
      message: `Interactions cancel: those of order ${largest.order} add up to ${short(sizeOf(largest))} ‖T‖, all orders to T. No order by itself is a part of the model.`,
    });
  }
  const partial = orders.at(-1)?.cumulativeRelativeError ?? 0;
  if (remainder.from === "difference" && partial > FAR) {
    warnings.push({
      code: "large-remainder",
      message: `Interactions up to order ${orders.length - 1} miss T by ${partial < 1 ? `${percent(partial)} of` : short(partial)} ‖T‖; larger sets of players have the rest.`,
    });
  }
  if (relativeError !== null && !(relativeError <= CERTIFICATE_TOLERANCE[precision])) {
    warnings.push({
      code: "unbalanced",
      message: `The terms miss their sum by ${relativeError.toExponential(1)} ‖T‖ by rounding: compute in float64.`,
    });
  }
  return warnings;
}
