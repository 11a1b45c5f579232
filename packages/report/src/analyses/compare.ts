import { partIn } from "./compared-part.ts";
import { badReports, documentsIn } from "./documents.ts";
import type { ReportComparison } from "./report-result.ts";
import { stepsOf } from "./steps.ts";

/** Reports that are compared at most. */
const MOST = 256;

/**
 * Reports that were written as JSON, side by side, in their order. A comparison stands for the reports that it is of, so
 * that these need not be kept.
 *
 * @param text reports one after the other: JSON lines, or files as they are
 * @throws InputError `report/bad-reports`
 */
export function compareReports(text: string): ReportComparison {
  const parts = documentsIn(text).map((value, i) => partIn(value, i + 1));
  const [first] = parts;
  const cards = parts.flatMap((part) => part.cards);
  if (first === undefined || cards.length > MOST) {
    throw badReports(`it has ${cards.length} reports, 1 to ${MOST} are compared`);
  }
  const { model, near } = first;
  const other = parts.find((part) => part.near !== near);
  if (other !== undefined) {
    throw badReports(`near is within ${near} nats in one, within ${other.near} in another`);
  }
  let before = 0;
  const degrees = parts.flatMap((part) => {
    const own = part.degrees.map((row) => ({ ...row, card: row.card + before }));
    before += part.cards.length;
    return own;
  });
  return {
    ...{ schemaVersion: 1, kind: "report-comparison", model, engine: null, precision: null },
    ...{ freeze: [], reference: null, weightProcessing: "none", certificate: null, warnings: [] },
    ...{ near, cards, degrees, steps: stepsOf(cards, degrees) },
  };
}
