import { isNothing, ratio } from "@resolvent/analysis";
import {
  axesOf,
  type Engine,
  type Ids,
  type Ops,
  type Precision,
  readTogether,
  type Shaped,
  sizeAlong,
  sizeOf,
  using,
} from "@resolvent/tensor";
import {
  likeliestTokens,
  type Model,
  plainSites,
  type Sites,
  withFinalSigma,
} from "@resolvent/transformer";
import { type Balance, balanceOf } from "./balance.ts";
import {
  type Compared,
  compare,
  type Prediction,
  readPredictions,
  type Truth,
  truthOf,
} from "./prediction.ts";
import { type LogitShares, logitShares } from "./shares.ts";
import type { DegreeTerms } from "./terms.ts";

/** Logits of several degrees are computed together up to this many numbers (64 MiB in float32). */
const LOGITS_AT_ONCE = 2 ** 24;

/** One degree: its term and the partial sum up to it. */
export interface DegreeMeasures {
  /** `‖D_k‖`, Frobenius over all positions. */
  readonly norm: number;
  /** `⟨u_k, z⟩ / ⟨z, z⟩` on vocabulary-centred logits without constants; null where these are next to nothing. */
  readonly logitShare: number | null;
  /** With the final norm's σ of the model's run. */
  readonly frozenNorm: Prediction;
  /** With σ recomputed from the partial sum. */
  readonly recomputedNorm: Prediction;
}

/** Measures of every degree, those of the run, and the certificate. */
export interface Measures {
  readonly degrees: readonly DegreeMeasures[];
  /** `‖T‖` */
  readonly residualNorm: number;
  /** `‖remainder‖`; 0 where there is none. */
  readonly remainderNorm: number;
  /** The remainder's share of the logits; 0 where there is none, null as above. */
  readonly remainderShare: number | null;
  /** `‖Σ terms + remainder − T‖ / ‖T‖`; null where `T` is 0. */
  readonly relativeError: number | null;
  /** Loss of the model itself; null for a single token. */
  readonly loss: number | null;
  /** `‖z‖`, norm of the vocabulary-centred logits without constants, over all positions. */
  readonly logitNorm: number;
  /** Norm of the vocabulary-centred constant `W_U β + b_U`, a term of its own, over all positions. */
  readonly constantNorm: number;
}

export interface MeasureOptions {
  /** How many logits are held at once, at least those of one degree; default 2²⁴. */
  readonly logitsAtOnce?: number;
  /** Called after each piece of the work with the number of degrees that are done; awaited. */
  readonly onDegree?: (done: number) => void | Promise<void>;
}

/** Measures a sum over degrees. Reads from the engine; everything else is a few large operations. */
export async function measureTerms<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  ids: Ids,
  sum: DegreeTerms<T>,
  options: MeasureOptions = {},
): Promise<Measures> {
  const subject = { model, ids, sum };
  return using(
    engine,
    () => ofWhole(engine, subject),
    async ({ balance, shares, truth }) => {
      // Asked for at once, so that an engine that answers later does so once.
      const [likeliest, measures] = await Promise.all([
        likeliestTokens(engine, truth.logits, axesOf(ids.shape)),
        readTogether(engine, [
          ...([balance.terms, shares.terms, balance.residual, shares.energy] as const),
          ...([shares.uncentred, balance.remainder, shares.remainder, balance.error] as const),
          ...([truth.loss, shares.constant] as const),
        ]),
      ]);
      const found: Record<Variant, Prediction[]> = { frozenNorm: [], recomputedNorm: [] };
      for (const piece of piecesOf(subject, options.logitsAtOnce)) {
        for (const variant of piece.variants) {
          const predictions = await using(
            engine,
            () => ofPiece(engine, subject, truth, piece, variant),
            (compared) => readPredictions(engine, compared, ids, likeliest),
          );
          found[variant].push(...predictions);
        }
        await options.onDegree?.(piece.to);
      }
      const [norms, parts, [residualNorm = 0], [energy = 0], [uncentred = 0], ...others] = measures;
      const [[remainderNorm = 0], [remainder = 0], [error = 0], [loss = null], [constant = 0]] =
        others;
      const logitNorm = Math.sqrt(energy);
      const shareOf = ratioTo(logitNorm, Math.sqrt(uncentred), engine);
      return {
        degrees: found.frozenNorm.map((frozenNorm, k) => ({
          norm: norms[k] ?? Number.NaN,
          logitShare: shareOf(parts[k] ?? Number.NaN),
          frozenNorm,
          recomputedNorm: found.recomputedNorm[k] ?? frozenNorm,
        })),
        residualNorm,
        remainderNorm,
        remainderShare: sum.remainder === undefined ? 0 : shareOf(remainder),
        relativeError: ratio(error, residualNorm),
        loss,
        logitNorm,
        constantNorm: constant,
      };
    },
  );
}

/** The operations of `measureTerms` without their numbers, to know what they take. */
export function outlineMeasures<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  sum: DegreeTerms<T>,
): void {
  const subject = { model, ids, sum };
  ops.scope(() => {
    const { truth } = ops.scope(() => ofWhole(ops, subject));
    for (const piece of piecesOf(subject)) {
      for (const variant of piece.variants) {
        ops.scope(() => void ofPiece(ops, subject, truth, piece, variant));
      }
    }
  });
}

/** Parts of `⟨z, z⟩`; null where `z` is what rounding left of larger numbers when they were centred. */
function ratioTo(
  norm: number,
  uncentred: number,
  { precision }: { readonly precision: Precision },
): (part: number) => number | null {
  const nothing = isNothing(norm, uncentred, precision);
  return (part) => (nothing ? null : part / norm ** 2);
}

/** What is measured. */
interface Subject<T extends Shaped> {
  readonly model: Model<T>;
  readonly ids: Ids;
  readonly sum: DegreeTerms<T>;
}

type Variant = "frozenNorm" | "recomputedNorm";

/** Degrees `from ≤ k < to`, measured together in each variant. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly variants: readonly Variant[];
}

function piecesOf<T extends Shaped>(
  { model, ids, sum }: Subject<T>,
  logitsAtOnce: number = LOGITS_AT_ONCE,
): Piece[] {
  const size = sizeAlong(sum.partials.shape, "degree", "measureTerms");
  const perDegree = sizeOf(ids.shape) * model.architecture.vocab;
  const step = Math.max(1, Math.floor(logitsAtOnce / perDegree));
  // Without a final norm there is no σ to recompute.
  const variants: readonly Variant[] =
    model.final.norm === undefined ? ["frozenNorm"] : ["frozenNorm", "recomputedNorm"];
  return Array.from({ length: Math.ceil(size / step) }, (_, i) => ({
    from: i * step,
    to: Math.min(size, (i + 1) * step),
    variants,
  }));
}

function ofWhole<T extends Shaped>(
  ops: Ops<T>,
  { model, ids, sum }: Subject<T>,
): { balance: Balance<T>; shares: LogitShares<T>; truth: Truth<T> } {
  return {
    balance: ops.scope(() => balanceOf(ops, sum)),
    shares: ops.scope(() => logitShares(ops, model, sum)),
    truth: ops.scope(() => truthOf(ops, model, ids, sum.residual)),
  };
}

function ofPiece<T extends Shaped>(
  ops: Ops<T>,
  { model, ids, sum }: Subject<T>,
  truth: Truth<T>,
  { from, to }: Piece,
  variant: Variant,
): Compared<T> {
  const sites: Sites<T> = variant === "frozenNorm" ? withFinalSigma(truth.sigma) : plainSites();
  const partials = ops.slice(sum.partials, "degree", from, to);
  return compare(ops, model, partials, sites, { ids, truth });
}
