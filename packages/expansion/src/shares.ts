import {
  adjoint,
  axesOf,
  type Ops,
  type Shaped,
  sizeAlong,
  sizeOf,
  sumOf,
  withoutAxes,
} from "@resolvent/tensor";
import {
  finalSigma,
  type Model,
  mapWeights,
  plainSites,
  uncappedLogits,
  withFinalSigma,
} from "@resolvent/transformer";
import { norm } from "./balance.ts";
import { atPositions, positionBlocks } from "./position-blocks.ts";
import type { DegreeTerms } from "./terms.ts";

/** How the logits of a run, before a cap, divide among the terms of a sum: what a term has of them is divided by `energy`. */
export interface LogitShares<T> {
  /** `⟨u_k, z⟩` of each term: `degree`. */
  readonly terms: T;
  /** The same of the remainder; undefined where there is none. */
  readonly remainder: T | undefined;
  /** `⟨z, z⟩` of the vocabulary-centred logits `z` without constants. */
  readonly energy: T;
  /** The same of the logits before they were centred: `z` is hidden by rounding where it is far smaller. */
  readonly uncentred: T;
  /** Norm of the vocabulary-centred constant at all positions; undefined where the model has none. */
  readonly constant: T | undefined;
}

/**
 * Logit shares `⟨u_k, z⟩ / ⟨z, z⟩` without a product per degree: with the final norm's σ frozen, logits without
 * constants are linear in the residual, `u_k = J D_k`, so that `⟨u_k, z⟩ = ⟨D_k, Jᵀ z⟩`.
 */
export function logitShares<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  sum: DegreeTerms<T>,
): LogitShares<T> {
  const axes = axesOf(sum.residual.shape);
  const rows = withoutAxes(sum.residual.shape, ["d_model"]);
  const blocks = positionBlocks(rows, model.architecture.vocab).map((block) =>
    ops.scope(() => pulledAt(ops, model, atPositions(ops, sum.residual, block))),
  );
  const pulled = blocks.map((block) => block.pulled);
  const [first, ...others] = pulled as [T, ...T[]]; // there is a position
  const all = others.length === 0 ? first : ops.concat(pulled, "pos");
  const partOf = (part: T): T => ops.scope(() => ops.sum(ops.mul(part, all), axes));
  return {
    terms: partOf(sum.terms),
    remainder: sum.remainder && partOf(sum.remainder),
    energy: sumOf(
      ops,
      blocks.map(({ energy }) => energy),
    ),
    uncentred: sumOf(
      ops,
      blocks.map(({ uncentred }) => uncentred),
    ),
    constant: constantNorm(ops, model, sum.residual),
  };
}

/** `Jᵀ z` of some positions, `…, pos, d_model`, and what they add to the energies. */
function pulledAt<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  residual: T,
): { readonly pulled: T; readonly energy: T; readonly uncentred: T } {
  const tape = adjoint(ops);
  const x = tape.variable(residual);
  const sigma = finalSigma(ops, model, residual);
  const sites = withFinalSigma(sigma && tape.fixed(sigma));
  const linear = mapWeights({ ...withoutConstants(model), stages: [] }, tape.fixed);
  const logits = uncappedLogits(tape, linear, x, sites);
  const z = ops.center(logits.primal, "vocab");
  const [pulled] = tape.gradients(logits, z, [x]) as [T]; // one variable, one gradient
  const square = (a: T): T => ops.scope(() => ops.sum(ops.mul(a, a), axesOf(a.shape)));
  return { pulled, energy: square(z), uncentred: square(logits.primal) };
}

function withoutConstants<T extends Shaped>(model: Model<T>): Model<T> {
  const { norm: finalNorm, W_U } = model.final;
  if (finalNorm === undefined) return { ...model, final: { W_U } };
  const { bias, ...scaleOnly } = finalNorm;
  return { ...model, final: { W_U, norm: scaleOnly } };
}

/** `W_U β + b_U` is the same at every position. */
function constantNorm<T extends Shaped>(ops: Ops<T>, model: Model<T>, residual: T): T | undefined {
  if (model.final.norm?.bias === undefined && model.final.b_U === undefined) return undefined;
  const d_model = sizeAlong(residual.shape, "d_model", "constantNorm");
  const positions = sizeOf(residual.shape) / d_model;
  const logits = uncappedLogits(
    ops,
    model,
    ops.fill({ d_model }, 0),
    model.final.norm ? withFinalSigma(ops.fill({}, 1)) : plainSites(),
  );
  return ops.scale(norm(ops, ops.center(logits, "vocab")), Math.sqrt(positions));
}
