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
  atPositions,
  LOGITS_AT_ONCE,
  type PositionBlock,
  positionBlocks,
} from "./position-blocks.ts";
import {
  type Compared,
  compare,
  hasNext,
  type Prediction,
  type PredictionPart,
  predictionOf,
  readPredictions,
  type Truth,
  truthOf,
} from "./prediction.ts";
import { type LogitShares, logitShares } from "./shares.ts";
import type { DegreeTerms } from "./terms.ts";

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
  /** How many logits are held at once, at least those of one degree at one position; default 2²⁴. */
  readonly logitsAtOnce?: number;
  /** Called with the number of degrees that the work so far is worth, each time it has grown; awaited. */
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
    async ({ balance, shares }) => {
      // Asked for at once, so that an engine that answers later does so once.
      const [{ degrees, loss }, measures] = await Promise.all([
        predictions(engine, subject, options),
        readTogether(engine, [
          ...([balance.terms, shares.terms, balance.residual, shares.energy] as const),
          ...([shares.uncentred, balance.remainder, shares.remainder, balance.error] as const),
          shares.constant,
        ]),
      ]);
      const [norms, parts, [residualNorm = 0], [energy = 0], [uncentred = 0], ...others] = measures;
      const [[remainderNorm = 0], [remainder = 0], [error = 0], [constant = 0]] = others;
      const logitNorm = Math.sqrt(energy);
      const shareOf = ratioTo(logitNorm, Math.sqrt(uncentred), engine);
      return {
        degrees: degrees.map((predicted, k) => ({
          norm: norms[k] ?? Number.NaN,
          logitShare: shareOf(parts[k] ?? Number.NaN),
          ...predicted,
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

/** What the partial sums predict, block by block of positions, and the loss of the model itself. */
async function predictions<T extends Shaped>(
  engine: Engine<T>,
  subject: Subject<T>,
  { logitsAtOnce = LOGITS_AT_ONCE, onDegree }: MeasureOptions,
): Promise<{
  readonly degrees: readonly Pick<DegreeMeasures, Variant>[];
  readonly loss: number | null;
}> {
  const { ids } = subject;
  const size = degreesOf(subject);
  const found = Array.from({ length: size }, (): Record<Variant, PredictionPart[]> => {
    return { frozenNorm: [], recomputedNorm: [] };
  });
  let [loss, done] = [0, 0];
  const blocks = blocksOf(subject, logitsAtOnce);
  for (const [i, block] of blocks.entries()) {
    await using(
      engine,
      () => truthAt(engine, subject, block),
      async (truth) => {
        const [likeliest, [[part = 0]]] = await Promise.all([
          likeliestTokens(engine, truth.logits, axesOf(ids.shape)),
          readTogether(engine, [truth.loss]),
        ]);
        loss += part;
        for (const piece of piecesOf(subject, block, logitsAtOnce)) {
          for (const variant of piece.variants) {
            const parts = await using(
              engine,
              () => ofPiece(engine, subject, truth, piece, variant),
              (compared) => readPredictions(engine, compared, ids, likeliest),
            );
            for (const [k, one] of parts.entries()) found[piece.from + k]?.[variant].push(one);
          }
          const now = Math.floor((i * size + piece.to) / blocks.length);
          if (now > done) await onDegree?.(now);
          done = now;
        }
      },
    );
  }
  return {
    degrees: found.map(({ frozenNorm, recomputedNorm }) => {
      const frozen = predictionOf(frozenNorm, ids);
      // Without a final norm there is no σ to recompute.
      const own = recomputedNorm.length === 0 ? frozen : predictionOf(recomputedNorm, ids);
      return { frozenNorm: frozen, recomputedNorm: own };
    }),
    loss: hasNext(ids.shape) ? loss : null,
  };
}

/** The operations of `measureTerms` without their numbers, to know what they take. */
export function outlineMeasures<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  sum: DegreeTerms<T>,
): void {
  const subject = { model, ids, sum };
  ops.scope(() => void ofWhole(ops, subject));
  for (const block of blocksOf(subject, LOGITS_AT_ONCE)) {
    ops.scope(() => {
      const truth = ops.scope(() => truthAt(ops, subject, block));
      for (const piece of piecesOf(subject, block, LOGITS_AT_ONCE)) {
        for (const variant of piece.variants) {
          ops.scope(() => void ofPiece(ops, subject, truth, piece, variant));
        }
      }
    });
  }
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

/** Degrees `from ≤ k < to`, measured together in each variant, at the positions of a block. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly block: PositionBlock;
  readonly variants: readonly Variant[];
}

function degreesOf<T extends Shaped>({ sum }: Subject<T>): number {
  return sizeAlong(sum.partials.shape, "degree", "measureTerms");
}

function blocksOf<T extends Shaped>(
  { model, ids }: Subject<T>,
  logitsAtOnce: number,
): PositionBlock[] {
  return positionBlocks(ids.shape, model.architecture.vocab, logitsAtOnce);
}

function piecesOf<T extends Shaped>(
  subject: Subject<T>,
  block: PositionBlock,
  logitsAtOnce: number,
): Piece[] {
  const { model, ids } = subject;
  const size = degreesOf(subject);
  const length = sizeAlong(ids.shape, "pos", "measureTerms");
  const rows = (sizeOf(ids.shape) / length) * (block.to - block.from);
  const perDegree = rows * model.architecture.vocab;
  const step = Math.max(1, Math.floor(logitsAtOnce / perDegree));
  const variants: readonly Variant[] =
    model.final.norm === undefined ? ["frozenNorm"] : ["frozenNorm", "recomputedNorm"];
  return Array.from({ length: Math.ceil(size / step) }, (_, i) => ({
    from: i * step,
    to: Math.min(size, (i + 1) * step),
    ...{ block, variants },
  }));
}

function ofWhole<T extends Shaped>(
  ops: Ops<T>,
  { model, sum }: Subject<T>,
): { balance: Balance<T>; shares: LogitShares<T> } {
  return {
    balance: ops.scope(() => balanceOf(ops, sum)),
    shares: ops.scope(() => logitShares(ops, model, sum)),
  };
}

function truthAt<T extends Shaped>(
  ops: Ops<T>,
  { model, ids, sum }: Subject<T>,
  block: PositionBlock,
): Truth<T> {
  const place = { ids, from: block.from };
  return truthOf(ops, model, place, atPositions(ops, sum.residual, block));
}

function ofPiece<T extends Shaped>(
  ops: Ops<T>,
  { model, ids, sum }: Subject<T>,
  truth: Truth<T>,
  { from, to, block }: Piece,
  variant: Variant,
): Compared<T> {
  const sites: Sites<T> = variant === "frozenNorm" ? withFinalSigma(truth.sigma) : plainSites();
  const partials = atPositions(ops, ops.slice(sum.partials, "degree", from, to), block);
  return compare(ops, model, partials, sites, { place: { ids, from: block.from }, truth });
}
