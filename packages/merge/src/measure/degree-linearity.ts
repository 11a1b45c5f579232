import { ratio } from "@resolvent/analysis";
import { degreeTerms, type TermsOptions } from "@resolvent/expansion";
import { axesOf, type Engine, readTogether, type Shaped, using } from "@resolvent/tensor";
import { tokenIds } from "@resolvent/transformer";
import { alignmentOf, cosineOf } from "./alignment.ts";
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
}

/** The degree spectrum of a merge against the merge of the degree spectra. */
export interface DegreeLinearity {
  readonly degrees: readonly MergedDegree[];
  /** Everything above the highest degree told apart, likewise; null where nothing is. */
  readonly remainder: Omit<MergedDegree, "degree"> | null;
  /** The same of `T`, all degrees together. */
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
  const ids = tokenIds(tokens);
  return using(
    engine,
    () => {
      const [a, b, m] = [first, second, merge].map((model) => {
        const { terms, remainder, residual } = degreeTerms(engine, model, ids, options);
        // The remainder is one more level of the stack: then there is one kind of sum.
        const rest = remainder && engine.broadcast(remainder, { degree: 1 });
        const levels = rest === undefined ? terms : engine.concat([terms, rest], "degree");
        return {
          levels,
          residual,
          error: engine.sub(engine.sum(levels, ["degree"]), residual),
          rest,
        };
      }) as [Spectrum<T>, Spectrum<T>, Spectrum<T>]; // one for each model
      const axes = axesOf(m.residual.shape);
      const levels = { first: a.levels, second: b.levels, merge: m.levels };
      const whole = { first: a.residual, second: b.residual, merge: m.residual };
      return {
        levels: alignmentOf(engine, levels, alpha, axes),
        whole: alignmentOf(engine, whole, alpha, axes),
        errors: [a, b, m].map(({ error }) => engine.sum(engine.mul(error, error), axes)),
        rest: m.rest !== undefined,
      };
    },
    async ({ levels, whole, errors, rest }) => {
      const products = [levels, whole].flatMap(({ mm, me, ee, off, aa, ab, bb }) => [
        ...[mm, me, ee, off, aa, ab, bb],
      ]);
      const read = await readTogether(engine, [...products, ...errors]);
      const size = read[7]?.[0] ?? Number.NaN; // ‖T(merge)‖²
      const at = (start: number, degree: number): Omit<MergedDegree, "degree"> => {
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
      const total = at(7, 0);
      const count = (read[0]?.length ?? 0) - (rest ? 1 : 0);
      const error = (i: number, norm: number): number | null =>
        ratio(Math.sqrt(read[14 + i]?.[0] ?? Number.NaN), norm);
      return {
        degrees: Array.from({ length: count }, (_, degree) => ({ degree, ...at(0, degree) })),
        remainder: rest ? at(0, count) : null,
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

interface Spectrum<T> {
  readonly levels: T;
  readonly residual: T;
  readonly error: T;
  readonly rest: T | undefined;
}

type SevenNumbers = [number, number, number, number, number, number, number];
