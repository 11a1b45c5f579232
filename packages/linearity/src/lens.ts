import { adjoint, type Ops, type Shaped, sizeOf } from "@resolvent/tensor";
import {
  adamStep,
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

/**
 * One step of Adam on the mean KL divergence from the model's predictions to those read from `x + x A + b` through the
 * final norm and the unembedding (the tuned lens, Belrose et al. 2023).
 *
 * @param lesson the stream `x`, `batch, pos, d_model`; the model's log-probabilities `p`, `batch, pos, vocab`; the
 * step, counted from 1, and its rate
 */
export function trainLens<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  lens: Lens<T>,
  lesson: { readonly x: T; readonly p: T; readonly step: number; readonly rate: number },
): Lens<T> {
  const { x, p, step, rate } = lesson;
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
    const ofA = adamStep(ops, { first: mA, second: vA }, inLike(ops, gA, lens.A), { step, rate });
    const ofb = adamStep(ops, { first: mb, second: vb }, gb, { step, rate });
    return {
      A: ops.sub(lens.A, ofA.move),
      b: ops.sub(lens.b, ofb.move),
      moments: [ofA.first, ofA.second, ofb.first, ofb.second],
    };
  });
}

/** The same entries in another tensor's memory order. */
function inLike<T extends Shaped>(ops: Ops<T>, a: T, like: T): T {
  return ops.arrange(a, Object.keys(like.shape));
}
