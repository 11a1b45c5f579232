import { ratio } from "@resolvent/analysis";
import { axesOf, type Engine, type Ops, readTogether, type Shaped, using } from "@resolvent/tensor";
import { type Model, tokenIds } from "@resolvent/transformer";
import { type DegreeTerms, degreeTerms, type TermsOptions } from "./terms.ts";

/** Norms of the terms, of the run, of the remainder, and of what is missing between them: the certificate. */
export interface Balance<T> {
  /** `‖D_k‖`: `degree`. */
  readonly terms: T;
  /** `‖T‖` */
  readonly residual: T;
  /** `‖remainder‖`; undefined where there is none. */
  readonly remainder: T | undefined;
  /** `‖Σ terms + remainder − T‖` */
  readonly error: T;
}

export function balanceOf<T extends Shaped>(ops: Ops<T>, sum: DegreeTerms<T>): Balance<T> {
  const total = ops.sum(sum.terms, ["degree"]);
  const balanced = sum.remainder === undefined ? total : ops.add(total, sum.remainder);
  return {
    terms: norm(ops, sum.terms, ["degree"]),
    residual: norm(ops, sum.residual),
    remainder: sum.remainder && norm(ops, sum.remainder),
    error: norm(ops, ops.sub(balanced, sum.residual)),
  };
}

/**
 * `‖Σ terms + remainder − T‖ / ‖T‖` on an engine, without any other measure; null where `T` is 0.
 *
 * @throws InputError what `degreeTerms` throws
 */
export async function balanceError<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: TermsOptions = {},
): Promise<number | null> {
  return using(
    engine,
    () => balanceOf(engine, degreeTerms(engine, model, tokenIds(tokens), options)),
    async (balance) => {
      const [[error = Number.NaN], [residual = Number.NaN]] = await readTogether(engine, [
        balance.error,
        balance.residual,
      ]);
      return ratio(error, residual);
    },
  );
}

/** Frobenius norm over all axes but `kept`. */
export function norm<T extends Shaped>(ops: Ops<T>, x: T, kept: readonly string[] = []): T {
  const over = axesOf(x.shape).filter((axis) => !kept.includes(axis));
  return ops.sqrt(ops.sum(ops.mul(x, x), over));
}
