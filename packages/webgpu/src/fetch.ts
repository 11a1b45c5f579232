import { adjacentRun, type Loop, type ProductLoops } from "@resolvent/tensor/rules";
import type { Fetch } from "./launch.ts";

/**
 * How an operand's numbers are fetched: in fours, where all that start at a multiple of four rows, columns or terms lie
 * together at such a place.
 *
 * @param start place of its first number; undefined where it is read one by one
 */
export function fetchOf(loops: ProductLoops, name: "a" | "b", start: number | undefined): Fetch {
  const which = name === "a" ? 0 : 1;
  const steps = (of: readonly Loop[], at: number): Walk[] =>
    of.map((loop) => ({ size: loop.size, step: loop.steps[at] ?? 0 }));
  const free = steps(name === "a" ? loops.rows : loops.columns, 0);
  const terms = steps(loops.terms, which);
  const batches = steps(loops.batches, which);
  if (start !== undefined && start % 4 === 0) {
    if (liesInFours(free) && [...terms, ...batches].every(isInFours)) return "across";
    if (liesInFours(terms) && [...free, ...batches].every(isInFours)) return "along";
  }
  const byTerm = adjacentRun(loops.terms, which) > 1 && free.at(-1)?.step !== 1;
  return byTerm ? "terms" : "each";
}

interface Walk {
  readonly size: number;
  readonly step: number;
}

const isInFours = ({ step }: Walk): boolean => step % 4 === 0;

/** Whether the fastest loop takes one number after the other, a multiple of four of them, and the others fours. */
function liesInFours(walks: readonly Walk[]): boolean {
  const last = walks.at(-1);
  return last?.step === 1 && last.size % 4 === 0 && walks.slice(0, -1).every(isInFours);
}
