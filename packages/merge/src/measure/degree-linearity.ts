import { isNothing, ratio } from "@resolvent/analysis";
import {
  degreeTerms,
  type LogitShares,
  logitShares,
  type TermsOptions,
} from "@resolvent/expansion";
import {
  axesOf,
  type Engine,
  type Ids,
  type Ops,
  readTogether,
  type Shaped,
  using,
} from "@resolvent/tensor";
import { type Model, tokenIds } from "@resolvent/transformer";
import { type Alignment, alignmentOf, cosineOf } from "./alignment.ts";
import type { MeasureOptions } from "./barrier.ts";
import { checkAlpha, type Merged } from "./merged.ts";
import { checkSameShape } from "./same-shape.ts";

/** One degree of a merge against the merge of that degree, `e = (1−α) D_k(first) + α D_k(second)`. */
export interface MergedDegree {
  readonly degree: number;
  /** `‖D_k(merge) − e‖ / ‖T(merge)‖`; null where the merge's run is next to nothing. */
  readonly relativeDifference: number | null;
  /** `cos(D_k(merge), e)`; null where one is zero. */
  readonly cosine: number | null;
  /** `cos(D_k(first), D_k(second))`: what a cosine of the merge has to be seen beside. */
  readonly between: number | null;
  /** `‖D_k(merge)‖`, `‖e‖`, and those of the two models. */
  readonly norm: number;
  readonly expectedNorm: number;
  readonly firstNorm: number;
  readonly secondNorm: number;
  /**
   * The degree's share of the vocabulary-centred logits in each model, and in the merge; those of all degrees and the
   * remainder add up to 1. Null where these logits are next to nothing.
   */
  readonly firstShare: number | null;
  readonly secondShare: number | null;
  readonly share: number | null;
}

/** The degree spectrum of a merge against the merge of the degree spectra. */
export interface DegreeLinearity {
  readonly degrees: readonly MergedDegree[];
  /** Everything above the highest degree told apart, likewise; null where nothing is. */
  readonly remainder: Omit<MergedDegree, "degree"> | null;
  /** The same of `T`, all degrees together; shares are 1. */
  readonly total: Omit<MergedDegree, "degree">;
  /** `‖Σ terms + remainder − T‖ / ‖T‖` of each expansion; null where `T` is next to nothing. */
  readonly relativeError: {
    readonly first: number | null;
    readonly second: number | null;
    readonly merge: number | null;
  };
}

/**
 * At which path degrees a merge is the merge of its parts: `D_k` of the merge against `(1−α) D_k(first) + α D_k(second)`,
 * each model frozen at its own run. With all gates frozen, the default, these are the terms of the path expansion; with
 * `freeze: []` those of the truncated tree. Norms are Frobenius, over all positions of all rows.
 *
 * @param tokens one row, or several of one length
 * @throws InputError `merge/alpha`, `merge/shapes-differ`, and what `degreeTerms` of `@resolvent/expansion` throws; the
 * signal's reason where it is aborted
 */
export async function degreeLinearity<T extends Shaped>(
  engine: Engine<T>,
  { first, second, merge, alpha }: Merged<T>,
  tokens: readonly number[] | readonly (readonly number[])[],
  options: Omit<TermsOptions, "reference"> & Pick<MeasureOptions, "signal"> = {},
): Promise<DegreeLinearity> {
  checkAlpha(alpha);
  checkSameShape(first, second, merge);
  options.signal?.throwIfAborted();
  const models = { first, second, merge };
  return using(
    engine,
    () => spectraOf(engine, { ...models, alpha }, tokenIds(tokens), options),
    async ({ levels, whole, errors, shares, rest }) => {
      const products = [levels, whole].flatMap((one) => [
        ...[one.mm, one.me, one.ee, one.off, one.aa, one.ab, one.bb],
      ]);
      const read = await readTogether(engine, [...products, ...errors]);
      const logits = [];
      for (const one of shares) logits.push(await readShares(engine, one));
      const [ofFirst, ofSecond, ofMerge] = logits as [SharesOf, SharesOf, SharesOf]; // of each
      const size = read[7]?.[0] ?? Number.NaN; // ‖T(merge)‖²
      const at = (start: number, degree: number): Norms => {
        const [mm, me, ee, off, aa, ab, bb] = read
          .slice(start, start + 7)
          .map((numbers) => numbers[degree] ?? Number.NaN) as SevenNumbers; // as `products` lists them
        return {
          relativeDifference: ratio(Math.sqrt(off), Math.sqrt(size)),
          cosine: cosineOf(mm, me, ee),
          between: cosineOf(aa, ab, bb),
          norm: Math.sqrt(mm),
          expectedNorm: Math.sqrt(ee),
          firstNorm: Math.sqrt(aa),
          secondNorm: Math.sqrt(bb),
        };
      };
      const shared = (of: (shares: SharesOf) => number | null): Shares => ({
        firstShare: of(ofFirst),
        secondShare: of(ofSecond),
        share: of(ofMerge),
      });
      const total = { ...at(7, 0), ...shared(({ all }) => all) };
      const count = (read[0]?.length ?? 0) - (rest ? 1 : 0);
      const level = (k: number) => ({ ...at(0, k), ...shared(({ of }) => of(k)) });
      const error = (i: number, norm: number): number | null =>
        ratio(Math.sqrt(read[14 + i]?.[0] ?? Number.NaN), norm);
      return {
        degrees: Array.from({ length: count }, (_, degree) => ({ degree, ...level(degree) })),
        remainder: rest ? level(count) : null,
        total,
        relativeError: {
          first: error(0, total.firstNorm),
          second: error(1, total.secondNorm),
          merge: error(2, total.norm),
        },
      };
    },
  );
}

type Shares = Pick<MergedDegree, "firstShare" | "secondShare" | "share">;
type Norms = Omit<MergedDegree, "degree" | keyof Shares>;
type SevenNumbers = [number, number, number, number, number, number, number];

/** Shares of the logits of one model: of a level, and of all of them. */
interface SharesOf {
  readonly of: (level: number) => number | null;
  readonly all: number | null;
}

async function readShares<T extends Shaped>(
  engine: Engine<T>,
  { terms, remainder, energy, uncentred }: LogitShares<T>,
): Promise<SharesOf> {
  const read = await readTogether(engine, [terms, energy, uncentred, remainder] as const);
  const [parts, [size = Number.NaN], [before = Number.NaN], rest] = read;
  const nothing = isNothing(Math.sqrt(size), Math.sqrt(before), engine.precision);
  const levels = [...parts, ...rest];
  return {
    of: (level) => (nothing ? null : (levels[level] ?? Number.NaN) / size),
    all: nothing ? null : 1,
  };
}

/** What is read of the spectra of two models and their merge. */
interface Spectra<T> {
  /** By degree; with a remainder that is one more level. */
  readonly levels: Alignment<T>;
  readonly whole: Alignment<T>;
  /** `‖Σ terms + remainder − T‖²` of the first, the second and the merge, and the logit shares of their levels. */
  readonly errors: readonly T[];
  readonly shares: readonly LogitShares<T>[];
  readonly rest: boolean;
}

/** The expansions of both models and the merge, and their inner products; freed but for these. */
export function spectraOf<T extends Shaped>(
  ops: Ops<T>,
  { first, second, merge, alpha }: Merged<T>,
  ids: Ids,
  options: Omit<TermsOptions, "reference">,
): Spectra<T> {
  return ops.scope(() => {
    const of = (model: Model<T>) => {
      const sum = degreeTerms(ops, model, ids, options);
      const { terms, remainder, residual } = sum;
      // The remainder is one more level of the stack: then there is one kind of sum.
      const rest = remainder && ops.broadcast(remainder, { degree: 1 });
      const levels = rest === undefined ? terms : ops.concat([terms, rest], "degree");
      const error = ops.sub(ops.sum(levels, ["degree"]), residual);
      return { levels, residual, error, rest, shares: logitShares(ops, model, sum) };
    };
    const [a, b, m] = [of(first), of(second), of(merge)];
    const axes = axesOf(m.residual.shape);
    const levels = { first: a.levels, second: b.levels, merge: m.levels };
    const whole = { first: a.residual, second: b.residual, merge: m.residual };
    return {
      levels: alignmentOf(ops, levels, alpha, axes),
      whole: alignmentOf(ops, whole, alpha, axes),
      errors: [a, b, m].map(({ error }) => ops.sum(ops.mul(error, error), axes)),
      shares: [a, b, m].map(({ shares }) => shares),
      rest: m.rest !== undefined,
    };
  });
}
