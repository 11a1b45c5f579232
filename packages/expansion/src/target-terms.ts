import { type TargetFacts, type TopToken, targetFacts, topTokens } from "@resolvent/analysis";
import {
  type Engine,
  type Ops,
  readTogether,
  type Shaped,
  sizeAlong,
  using,
} from "@resolvent/tensor";
import {
  type Model,
  plainSites,
  type Target,
  targetAt,
  targetReadout,
  unembed,
} from "@resolvent/transformer";
import type { DegreeTerms } from "./terms.ts";

/** What one degree is to a target. */
export interface TargetTerm {
  readonly degree: number;
  /** `⟨w, D_k⟩` at the last position, the final norm's σ held at the run's value. */
  readonly contribution: number;
  /** The sum of the contributions up to this one, with the constant. */
  readonly soFar: number;
  /** What the sum of all terms up to this one says at the last position, with the final norm recomputed from it. */
  readonly recomputed: {
    /** Of the target. */
    readonly value: number;
    /** The likeliest next tokens, the likeliest first. */
    readonly top: readonly TopToken[];
  };
}

/** A target as a sum over degrees: `Σ contributions + rest + constant` is its value in the run. */
export interface TargetTerms {
  /** `β (W_U[:,a] − W_U[:,b]) + b_U[a] − b_U[b]`, which belongs to no degree. */
  readonly constant: number;
  /** What the terms leave: `⟨w, remainder⟩`; 0 where no degree is left out. */
  readonly rest: number;
  readonly degrees: readonly TargetTerm[];
}

/** How many of the likeliest tokens are told. */
const LIKELIEST = 3;

/** The products of `targetTerms`: at the last position. */
interface Products<T> {
  /** `degree` */
  readonly contributions: T;
  readonly remainder: T | undefined;
  readonly constant: T;
  readonly value: T;
  /** `degree` */
  readonly recomputed: T;
  /** `degree, vocab` */
  readonly logits: T;
}

/** What each degree of a sum is to a target, one number for each, and what the sum says so far. */
export async function targetTerms<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  sum: DegreeTerms<T>,
  target: Target,
  { text = String, highest }: { readonly text?: (id: number) => string; readonly highest: number },
): Promise<{ readonly target: TargetFacts; readonly terms: TargetTerms }> {
  return using(
    engine,
    () => targetProducts(engine, model, sum, target),
    async (made) => {
      const top = topTokens(engine, made.logits, { count: LIKELIEST, text });
      const [contributions, recomputed, [constant = Number.NaN], [value = Number.NaN], [rest = 0]] =
        (await readTogether(engine, [
          ...([made.contributions, made.recomputed, made.constant, made.value] as const),
          made.remainder,
        ])) as [number[], number[], number[], number[], number[]]; // of five
      const likeliest = await top;
      let soFar = constant;
      const degrees = Array.from({ length: highest + 1 }, (_, degree): TargetTerm => {
        // Degrees that no path has are empty: nothing is added.
        const own = Math.min(degree, contributions.length - 1);
        const contribution = own === degree ? (contributions[degree] ?? Number.NaN) : 0;
        soFar += contribution;
        const said = { value: recomputed[own] ?? Number.NaN, top: likeliest[own] ?? [] };
        return { degree, contribution, soFar, recomputed: said };
      });
      return { target: targetFacts(target, value, text), terms: { constant, rest, degrees } };
    },
  );
}

/** The operations of `targetTerms` without their numbers. */
export function targetProducts<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  { terms, partials, remainder, residual }: DegreeTerms<T>,
  target: Target,
): Products<T> {
  const { covector, constant } = targetReadout(ops, model, residual, target);
  const last = (x: T): T => {
    const end = sizeAlong(x.shape, "pos", "targetTerms");
    return ops.slice(x, "pos", end - 1, end);
  };
  const read = (x: T): T => ops.sum(ops.matmul(last(x), covector, ["d_model"]), ["pos"]);
  const logits = ops.sum(unembed(ops, model, last(partials), plainSites()), ["pos"]);
  return {
    contributions: read(terms),
    remainder: remainder && read(remainder),
    constant,
    value: targetAt(ops, model, residual, target),
    recomputed: targetAt(ops, model, partials, target),
    logits: ops.arrange(logits, ["degree", "vocab"]),
  };
}
