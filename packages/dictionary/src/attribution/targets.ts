import { type Ops, type Shaped, transposed } from "@resolvent/tensor";
import {
  finalSigma,
  heldAt,
  type NormWeights,
  normalize,
  plainSites,
  replacing,
  type Target,
  targetReadout,
} from "@resolvent/transformer";
import type { FeaturePlace } from "../expansion/feature-readout.ts";
import type { ReplacedRun, Replacement } from "./replaced-run.ts";

/** Linear functions of the stream at one point, each at a position of its own. */
export interface Targets<T> {
  /** How many stages of the model lie before the point. */
  readonly before: number;
  readonly positions: readonly number[];
  /** `target, d_model` */
  readonly covectors: T;
  /** `target`: what is added, from the norm's β, and biases. */
  readonly constants: T;
}

/** Features of a replaced MLP as targets: their pre-activations. */
export function featureTargets<T extends Shaped>(
  ops: Ops<T>,
  { run }: Pick<ReplacedRun<T>, "run">,
  { block, stage }: Replacement<T>,
  places: readonly FeaturePlace[],
): Targets<T> {
  const ids = {
    shape: { target: places.length },
    data: Int32Array.from(places, ({ feature }) => feature),
  };
  const positions = places.map(({ position }) => position);
  const at = { shape: ids.shape, data: Int32Array.from(positions) };
  return ops.scope(() => {
    let sigma: T | undefined;
    // The gate of this block's norm, at the position of each target.
    const held = heldAt(run.gates, (gate) => ops.take(gate, "pos", at));
    if (block.norm !== undefined) sigma = held.at(`${block.name}.norm`, () => ops.fill({}, 1));
    const directions = ops.take(block.W_in, "d_mlp", ids);
    const { covectors, constants } = throughNorm(ops, block.norm, sigma, directions);
    const { b_in } = block;
    const biased =
      b_in === undefined ? constants : ops.add(constants, ops.take(b_in, "d_mlp", ids));
    return { before: stage, positions, covectors, constants: biased };
  });
}

/** What a graph explains: the logits of tokens, each less the mean over the vocabulary, or one target as it is. */
export type Explained = { readonly tokens: readonly number[] } | { readonly target: Target };

/** Logits at the last position as targets, before a cap, the final norm's σ held. */
export function logitTargets<T extends Shaped>(
  ops: Ops<T>,
  { run, model }: Pick<ReplacedRun<T>, "run" | "model">,
  explained: Explained,
): Targets<T> {
  if ("target" in explained) return oneTarget(ops, { run, model }, explained.target);
  const { tokens } = explained;
  const { W_U, b_U, norm } = model.final;
  const ids = { shape: { target: tokens.length }, data: Int32Array.from(tokens) };
  const last = run.positions - 1;
  return ops.scope(() => {
    const { vocab } = model.architecture;
    const mean = ops.fill({ vocab }, 1 / vocab);
    const centred = (x: T): T => ops.sub(ops.take(x, "vocab", ids), ops.matmul(x, mean, ["vocab"]));
    const stream = ops.sum(ops.slice(run.residual, "pos", last, last + 1), ["pos"]);
    const sigma = finalSigma(ops, model, stream);
    const each = sigma && ops.broadcast(sigma, ids.shape);
    const { covectors, constants } = throughNorm(ops, norm, each, centred(W_U));
    return {
      before: model.stages.length,
      positions: tokens.map(() => last),
      covectors,
      constants: b_U === undefined ? constants : ops.add(constants, centred(b_U)),
    };
  });
}

function oneTarget<T extends Shaped>(
  ops: Ops<T>,
  { run, model }: Pick<ReplacedRun<T>, "run" | "model">,
  target: Target,
): Targets<T> {
  return ops.scope(() => {
    const { covector, constant } = targetReadout(ops, model, run.residual, target);
    const one = (x: T): T => ops.broadcast(x, { target: 1 });
    return {
      before: model.stages.length,
      positions: [run.positions - 1],
      covectors: ops.arrange(one(covector), ["target", "d_model"]),
      constants: one(constant),
    };
  });
}

/** Directions behind a norm as covectors before it, and what each reads of the norm's β. */
function throughNorm<T extends Shaped>(
  ops: Ops<T>,
  norm: NormWeights<T> | undefined,
  sigma: T | undefined,
  directions: T,
): { readonly covectors: T; readonly constants: T } {
  const { shape } = directions;
  const read = <V extends Shaped>(on: Ops<V>, fixed: (value: T) => V, x: V): V => {
    const plain = plainSites<V>();
    const sites = sigma === undefined ? plain : replacing(plain, { norm: fixed(sigma) });
    const own = norm && {
      ...{ kind: norm.kind, eps: norm.eps },
      ...(norm.scale && { scale: fixed(norm.scale) }),
      ...(norm.bias && { bias: fixed(norm.bias) }),
    };
    const normed = normalize(on, own, x, "d_model", sites, "norm");
    return on.sum(on.mul(normed, fixed(directions)), ["d_model"]);
  };
  const back = transposed(ops);
  const x = back.variable(shape);
  const { target = 1 } = shape;
  const covectors = back.pull(read(back, back.fixed, x), ops.fill({ target }, 1), x);
  const constants = read(ops, (value) => value, ops.fill(shape, 0));
  return { covectors: ops.arrange(covectors, ["target", "d_model"]), constants };
}
