import type { Address } from "../../worker/run.js";
import { type Cut, cutsOf } from "../cuts.ts";
import type { MergeOptions } from "../merge-tensor.ts";
import { checkEpsilon } from "../methods/checks.ts";
import { rowLength } from "../methods/numbers.ts";
import { drawKeys } from "../methods/philox.ts";
import { LEAST_SUM, type Rescaling, ranksOf } from "../methods/sparsify.ts";
import type { TaskMethod } from "../methods/task-methods.ts";
import { LEAST_WEIGHT } from "../methods/task-vectors.ts";
import { after, type Program, programOf, rowsOf, type Writer } from "../program.ts";
import { areAlike } from "./entrywise.ts";
import type { ProgramRequest } from "./request.ts";
import { differences, numberOf, rolesOf } from "./roles.ts";
import { totals } from "./totals.ts";

/** A model's difference, and which of its entries stay. */
interface Term {
  readonly at: number;
  readonly weight: number;
  readonly keep?: Keep;
}

/** How entries are chosen. */
interface Keep {
  readonly density: number;
  /** What is kept is divided by its keep probability. */
  readonly byProbability: boolean;
  /** Of `magnitude` and `ends`. */
  readonly cuts?: readonly [dropped: Cut, above: Cut];
  /** Of `random` and `rank`: the words that random numbers depend on. */
  readonly keys?: readonly [low: number, high: number, seed: number, model: number];
  /** Of `rank`. */
  readonly epsilon?: number;
}

/** Nothing is above it. */
const NONE: Cut = { size: Number.POSITIVE_INFINITY, to: -1 };

/** See `taskVectors`. */
export async function taskProgram(
  { sparsifier, election }: TaskMethod,
  { name, shape, entries, planned, dtypes, pass, trims }: ProgramRequest,
  { seed = 42, rescaling = "l1" }: MergeOptions,
): Promise<Program> {
  const roles = rolesOf(planned);
  const { base, others } = roles;
  const { normalize, rescale } = planned.parameters;
  const rescaled: Rescaling | undefined = rescale === true ? rescaling : undefined;
  const row = rowLength(shape);
  const byRank = sparsifier === "rank";
  const piece = byRank ? rowsOf(row) : undefined;
  const program = (write: (writer: Writer) => void): Program => programOf(write, { piece });
  const keeps = others.map(({ input }, model): Keep | undefined => {
    const density = numberOf(input.parameters, "density", 1);
    if (sparsifier === undefined || density >= 1) return undefined;
    const keep = { density, byProbability: rescaled === "probability" };
    const trim = trims?.get(input.model);
    if (trim !== undefined) return { ...keep, cuts: [NONE, trim] };
    if (sparsifier === "magnitude" || sparsifier === "ends") return keep;
    const { low, high } = drawKeys(name);
    const keys = [low, high, seed % 2 ** 32, model] as const;
    if (sparsifier === "random") return { ...keep, keys };
    const epsilon = numberOf(input.parameters, "epsilon", 0.15);
    checkEpsilon("a row", density, epsilon);
    return { ...keep, keys, ...(row > 1 && { epsilon }) };
  });
  const deltas = (writer: Writer): readonly Address[] => differences(writer, roles);
  const cuts = await cutsOf(
    keeps.flatMap((keep, i) => {
      if (keep === undefined || keep.keys !== undefined || keep.cuts !== undefined) return [];
      const gamma = sparsifier === "ends" ? numberOf(others[i]?.input.parameters, "gamma") : 0;
      const { from, to } = ranksOf(entries, keep.density, gamma);
      return [from, to].map((count) => ({ vector: i, count }));
    }),
    ...([entries, program, deltas, pass] as const),
  );
  let cut = 0;
  const terms = others.map(({ input, at }, i): Term => {
    const keep = keeps[i];
    const term = { at, weight: numberOf(input.parameters, "weight") };
    if (keep === undefined) return term;
    if (keep.keys !== undefined || keep.cuts !== undefined) return { ...term, keep };
    const own = [cuts[cut++] as Cut, cuts[cut++] as Cut] as const; // two for each, as above
    return { ...term, keep: { ...keep, cuts: own } };
  });
  const factors = rescaled === "l1" ? await factorsOf() : [];

  async function factorsOf(): Promise<readonly (number | undefined)[]> {
    const kept = terms.flatMap(({ keep }, i) => (keep === undefined ? [] : [i]));
    if (kept.length === 0) return [];
    const sums = await totals(
      pass,
      program((writer) => {
        const all = deltas(writer);
        for (const i of kept) {
          const [delta, into] = [all[i] as Address, writer.numbers(2)]; // one for each
          writer.op("sizes", delta, into);
          sparsified(writer, delta, terms[i] as Term, row);
          writer.op("sizes", delta, after(into, 8));
        }
      }),
    );
    return terms.map((_, i) => {
      const at = kept.indexOf(i);
      const [before, after] = [sums[2 * at] ?? 0, sums[2 * at + 1] ?? 0];
      return at < 0 || before < LEAST_SUM || after < LEAST_SUM ? undefined : before / after;
    });
  }

  const total = terms.reduce((all, { weight }) => all + weight, 0);
  const divisor = normalize === true && Math.abs(total) >= LEAST_WEIGHT ? total : 1;
  const lambda = numberOf(planned.parameters, "lambda");
  const alike = areAlike(dtypes);
  return program((writer) => {
    const { op } = writer;
    const out = writer.out();
    if (sparsifier === undefined && !election && alike) {
      const rows = writer.table([
        [{ stored: base }, 0],
        ...terms.map(({ at, weight }) => [{ stored: at }, weight] as const),
      ]);
      op("movedStored", out, ...writer.stored(base), rows, terms.length, lambda, divisor);
      return;
    }
    const own = writer.x(base);
    if (!election) op("zeros", out);
    if (sparsifier === undefined && !election) {
      for (const { at, weight } of terms)
        op("addDifferenceStored", out, ...writer.stored(at), own, weight);
      op("onto", out, own, lambda, divisor);
      return;
    }
    const all = deltas(writer);
    for (const [i, term] of terms.entries()) {
      const delta = all[i] as Address; // one for each
      sparsified(writer, delta, term, row);
      const factor = factors[i];
      if (factor !== undefined) op("scaled", delta, delta, factor);
      if (election) op("scaled", delta, delta, term.weight);
      else op("addScaled", out, delta, term.weight);
    }
    if (!election) op("onto", out, own, lambda, divisor);
    else {
      const table = writer.table(all.map((delta, i) => [delta, terms[i]?.weight ?? 0]));
      op("elect", out, own, table, all.length, normalize === true ? 1 : 0, 0, lambda, 0);
    }
  });
}

/** Leaves what stays of a difference, in place. */
function sparsified(writer: Writer, delta: Address, { keep }: Term, row: number): void {
  const { op, register, scratch } = writer;
  if (keep === undefined) return;
  const { density, byProbability, cuts, keys, epsilon } = keep;
  if (cuts !== undefined) {
    const [dropped, above] = cuts;
    op("between", delta, delta, above.size, above.to, dropped.size, dropped.to);
  }
  if (keys !== undefined) {
    const u = register();
    op("uniform", u, ...keys);
    if (epsilon === undefined) op("random", delta, delta, u, density);
    else {
      const p = register();
      op("byRank", p, delta, row, density, epsilon, scratch(8192 + 32 * row));
      op("randomBy", delta, delta, u, p, byProbability ? 1 : 0);
      return;
    }
  }
  if (byProbability) op("divided", delta, density);
}
