import {
  adjoint,
  axesOf,
  type Engine,
  type Ids,
  inOrder,
  type Ops,
  type Shape,
  type Shaped,
  sizeAlong,
  sizeOf,
  type Tensor,
} from "@resolvent/tensor";
import {
  type Model,
  mapWeights,
  nextTokenLoss,
  normalize,
  plainSites,
  recording,
  replacing,
  type Site,
  type Sites,
  unembed,
} from "@resolvent/transformer";
import type { DegreeTerms } from "./terms.ts";

/** Logits of several degrees are computed together up to this many numbers (64 MiB in float32). */
const LOGITS_AT_ONCE = 2 ** 24;

/** How a partial sum's prediction compares with the model's. */
export interface Prediction {
  /** `KL(model ‖ partial sum)`, mean over positions, nats. */
  readonly kl: number;
  /** Share of positions with the same likeliest token. */
  readonly top1: number;
  /** Mean next-token loss of the partial sum, nats; null for a single token, which has no next. */
  readonly loss: number | null;
}

/** One degree: its term and the partial sum up to it. */
export interface DegreeMeasures {
  /** `‖D_k‖`, Frobenius over all positions. */
  readonly norm: number;
  /** `⟨u_k, z⟩ / ⟨z, z⟩` on vocabulary-centred logits without constants. */
  readonly logitShare: number;
  /** With the final norm's σ of the model's run. */
  readonly frozenNorm: Prediction;
  /** With σ recomputed from the partial sum. */
  readonly recomputedNorm: Prediction;
}

/** Measures of every degree, those of the run, and the certificate's numerator. */
export interface Measures {
  readonly degrees: readonly DegreeMeasures[];
  /** `‖T‖` */
  readonly residualNorm: number;
  /** `‖remainder‖` */
  readonly remainderNorm: number;
  /** `‖Σ terms + remainder − T‖ / ‖T‖` */
  readonly relativeError: number;
  /** Loss of the model itself. */
  readonly loss: number | null;
  /** Norm of the vocabulary-centred constant `W_U β + b_U`, which is a term of its own. */
  readonly constantNorm: number;
}

/** Measures a sum over degrees. Reads from the engine; everything else is a few large operations. */
export async function measureTerms<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  ids: Ids,
  sum: DegreeTerms<T>,
  onDegree: (done: number) => void = () => {},
): Promise<Measures> {
  const certificate = engine.scope(() => termNorms(engine, sum));
  const shares = engine.scope(() => logitShares(engine, model, sum));
  const full = engine.scope(() => truth(engine, model, ids, sum.residual));
  const numbers = async (t: T): Promise<number[]> => Array.from((await engine.read(t)).data);
  const one = async (t: T): Promise<number> => (await numbers(t))[0] ?? Number.NaN;

  const likeliest = argmax(await engine.read(full.logits), ids.shape);
  const frozen: Prediction[] = [];
  const recomputed: Prediction[] = [];
  const size = sizeAlong(sum.partials.shape, "degree", "measure");
  const perDegree = sizeOf(ids.shape) * model.architecture.vocab;
  const chunk = Math.max(1, Math.floor(LOGITS_AT_ONCE / perDegree));
  for (let from = 0; from < size; from += chunk) {
    const to = Math.min(size, from + chunk);
    const partial = engine.scope(() => engine.slice(sum.partials, "degree", from, to));
    for (const [list, sites] of [
      [frozen, full.frozen],
      [recomputed, full.live],
    ] as const) {
      if (list === recomputed && model.final.norm === undefined) break;
      const compared = engine.scope(() => compare(engine, model, ids, partial, full, sites));
      const kl = await numbers(compared.kl);
      const loss = compared.loss && (await numbers(compared.loss));
      const best = argmax(await engine.read(compared.logits), { degree: to - from, ...ids.shape });
      kl.forEach((value, i) => {
        const mine = best.slice(i * likeliest.length, (i + 1) * likeliest.length);
        const same = mine.filter((id, n) => id === likeliest[n]).length;
        list.push({ kl: value, top1: same / likeliest.length, loss: loss?.[i] ?? null });
      });
      engine.free(compared);
    }
    engine.free(partial);
    onDegree(to);
  }
  const norm = await numbers(certificate.terms);
  const share = await numbers(shares.share);
  const residualNorm = await one(certificate.residual);
  const result: Measures = {
    residualNorm,
    remainderNorm: certificate.remainder === undefined ? 0 : await one(certificate.remainder),
    relativeError: (await one(certificate.error)) / residualNorm,
    loss: full.loss === undefined ? null : await one(full.loss),
    constantNorm: shares.constant === undefined ? 0 : await one(shares.constant),
    degrees: frozen.map((prediction, k) => ({
      norm: norm[k] ?? Number.NaN,
      logitShare: share[k] ?? Number.NaN,
      frozenNorm: prediction,
      recomputedNorm: recomputed[k] ?? prediction,
    })),
  };
  engine.free([certificate, shares, full.logits, full.logProbabilities, full.loss, full.sigma]);
  return result;
}

/** Frobenius norm over all axes but `kept`. */
function norm<T extends Shaped>(ops: Ops<T>, x: T, kept: readonly string[] = []): T {
  return ops.sqrt(
    ops.sum(
      ops.mul(x, x),
      axesOf(x.shape).filter((axis) => !kept.includes(axis)),
    ),
  );
}

/** Norms of the terms, of the run, of the remainder, and of what is missing between them: the certificate. */
export function termNorms<T extends Shaped>(
  ops: Ops<T>,
  sum: DegreeTerms<T>,
): { terms: T; residual: T; remainder: T | undefined; error: T } {
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
 * Logit shares without a product per degree: with the final norm's σ frozen, logits are linear in the residual,
 * so `⟨u_k, z⟩ = ⟨D_k, Jᵀ z⟩` for the vocabulary-centred logits `z` of the run.
 */
function logitShares<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  sum: DegreeTerms<T>,
): { share: T; constant: T | undefined } {
  const { norm: finalNorm, W_U, b_U } = model.final;
  const { bias, ...scaleOnly } = finalNorm ?? { bias: undefined };
  const linear: Model<T> = {
    ...model,
    final: {
      W_U,
      ...(finalNorm && { norm: { ...scaleOnly, kind: finalNorm.kind, eps: finalNorm.eps } }),
    },
  };
  const tape = adjoint(ops);
  const x = tape.variable(sum.residual);
  const sigma = finalSigma(ops, model, sum.residual);
  const held = sigma === undefined ? plainSites<typeof x>() : fixed(tape.fixed(sigma));
  const logits = unembed(tape, mapWeights({ ...linear, stages: [] }, tape.fixed), x, held);
  const z = ops.center(logits.primal, "vocab");
  const [pulled] = tape.gradients(logits, z, [x]);
  const inner = axesOf(sum.residual.shape);
  const share = ops.div(
    ops.sum(ops.mul(sum.terms, pulled as T), inner), // one variable, one gradient
    ops.sum(ops.mul(z, z), axesOf(z.shape)),
  );
  if (bias === undefined && b_U === undefined) return { share, constant: undefined };
  const zero = ops.fill(sum.residual.shape, 0);
  const constants = unembed(ops, model, zero, fixed(ops.fill({}, 1)));
  return { share, constant: norm(ops, ops.center(constants, "vocab")) };
}

/** The final norm's denominator at a residual stream. */
function finalSigma<T extends Shaped>(ops: Ops<T>, model: Model<T>, residual: T): T | undefined {
  const trace = new Map<Site, T>();
  const sites = recording(plainSites<T>(), () => true, trace);
  normalize(ops, model.final.norm, residual, "d_model", sites, "final.norm");
  return trace.get("final.norm");
}

const fixed = <T extends object>(sigma: T): Sites<T> =>
  replacing(plainSites<T>(), { "final.norm": sigma });

interface Truth<T> {
  readonly logits: T;
  readonly logProbabilities: T;
  readonly loss: T | undefined;
  readonly sigma: T | undefined;
  readonly frozen: Sites<T>;
  readonly live: Sites<T>;
}

/** What the model itself says. */
function truth<T extends Shaped>(ops: Ops<T>, model: Model<T>, ids: Ids, residual: T): Truth<T> {
  const sigma = finalSigma(ops, model, residual);
  const logits = unembed(ops, model, residual, plainSites<T>());
  return {
    logits,
    logProbabilities: ops.sub(logits, ops.logsumexp(logits, "vocab")),
    loss: lossOf(ops, logits, ids),
    sigma,
    frozen: sigma === undefined ? plainSites() : fixed(sigma),
    live: plainSites(),
  };
}

function compare<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  partial: T,
  full: Truth<T>,
  sites: Sites<T>,
): { logits: T; kl: T; loss: T | undefined } {
  const logits = unembed(ops, model, partial, sites);
  const log = ops.sub(logits, ops.logsumexp(logits, "vocab"));
  const gap = ops.sub(full.logProbabilities, log);
  const kl = ops.sum(ops.mul(ops.exp(full.logProbabilities), gap), [...axesOf(ids.shape), "vocab"]);
  return { logits, kl: ops.scale(kl, 1 / sizeOf(ids.shape)), loss: lossOf(ops, logits, ids) };
}

function lossOf<T extends Shaped>(ops: Ops<T>, logits: T, ids: Ids): T | undefined {
  return sizeAlong(ids.shape, "pos", "loss") < 2 ? undefined : nextTokenLoss(ops, logits, ids);
}

/** The likeliest token of each row, the first where several are equal. */
function argmax(logits: Tensor, rows: Shape): Int32Array {
  const { data } = inOrder(logits, [...axesOf(rows), "vocab"]);
  const vocab = sizeAlong(logits.shape, "vocab", "argmax");
  const best = new Int32Array(data.length / vocab);
  for (let row = 0; row < best.length; row++) {
    let most = Number.NEGATIVE_INFINITY;
    for (let id = 0; id < vocab; id++) {
      const logit = data[row * vocab + id] as number; // within the row
      if (logit > most) {
        most = logit;
        best[row] = id;
      }
    }
  }
  return best;
}
