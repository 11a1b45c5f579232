import { adjoint, type Ops, type Shaped, sizeOf } from "@resolvent/tensor";
import {
  logProbabilities,
  type Model,
  mapWeights,
  plainSites,
  unembed,
} from "@resolvent/transformer";
import { applied, type MapTensors } from "./score.ts";

/** An affine map of a lens while it is trained, with Adam's two moments of each part. */
export interface Lens<T> {
  readonly A: T;
  readonly b: T;
  readonly moments: readonly [mA: T, vA: T, mb: T, vb: T];
}

/** A lens that starts at a map, of which it has a copy. */
export function startLens<T extends Shaped>(
  ops: Ops<T>,
  { A, b }: Pick<MapTensors<T>, "A" | "b">,
): Lens<T> {
  const zero = (like: T): T => ops.fill(like.shape, 0);
  return { A: ops.scale(A, 1), b: ops.scale(b, 1), moments: [zero(A), zero(A), zero(b), zero(b)] };
}

/** Adam's decay of the moments and what keeps it from dividing by zero (Kingma & Ba 2015). */
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/**
 * One step of Adam on the mean KL divergence from the model's predictions to those read from `x + x A + b` through the
 * final norm and the unembedding (the tuned lens, Belrose et al. 2023).
 *
 * @param x the stream, `batch, pos, d_model`
 * @param p the model's log-probabilities, `batch, pos, vocab`
 * @param step counted from 1
 */
export function trainLens<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  lens: Lens<T>,
  x: T,
  p: T,
  { step, rate }: { readonly step: number; readonly rate: number },
): Lens<T> {
  return ops.scope(() => {
    const tape = adjoint(ops);
    const [A, b] = [tape.variable(lens.A), tape.variable(lens.b)];
    const from = tape.fixed(x);
    const stream = tape.add(from, applied(tape, { A, b }, from));
    const still = mapWeights({ ...model, stages: [] }, tape.fixed);
    const logits = unembed(tape, still, stream, plainSites());
    const log = logProbabilities(tape, logits);
    const probabilities = ops.exp(p);
    const positions = sizeOf(log.shape) / model.architecture.vocab;
    // Of the divergence only −Σ p log q depends on the lens.
    const cotangent = ops.scale(probabilities, -1 / positions);
    const [gA, gb] = tape.gradients(log, cotangent, [A, b]) as [T, T]; // two variables, two gradients
    const [mA, vA, mb, vb] = lens.moments;
    const first = adam(ops, lens.A, inLike(ops, gA, lens.A), mA, vA, step, rate);
    const second = adam(ops, lens.b, gb, mb, vb, step, rate);
    return {
      A: first.value,
      b: second.value,
      moments: [first.m, first.v, second.m, second.v],
    };
  });
}

function adam<T extends Shaped>(
  ops: Ops<T>,
  value: T,
  gradient: T,
  m: T,
  v: T,
  step: number,
  rate: number,
): { readonly value: T; readonly m: T; readonly v: T } {
  const mean = ops.add(ops.scale(m, BETA1), ops.scale(gradient, 1 - BETA1));
  const square = ops.scale(ops.mul(gradient, gradient), 1 - BETA2);
  const variance = ops.add(ops.scale(v, BETA2), square);
  const size = ops.sqrt(ops.scale(variance, 1 / (1 - BETA2 ** step)));
  const move = ops.div(mean, ops.add(size, ops.fill({}, EPSILON)));
  const moved = ops.scale(move, -rate / (1 - BETA1 ** step));
  return { value: ops.add(value, moved), m: mean, v: variance };
}

/** The same entries in another tensor's memory order. */
function inLike<T extends Shaped>(ops: Ops<T>, a: T, like: T): T {
  return ops.arrange(a, Object.keys(like.shape));
}
