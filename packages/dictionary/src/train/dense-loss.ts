import {
  type AdjointOps,
  InternalError,
  type Ops,
  type Recorded,
  type Shaped,
  sizeAlong,
} from "@resolvent/tensor";
import type { ChoosingLoss } from "./choice.ts";
import { type LossParts, meanSquare, withoutFeatures } from "./loss-parts.ts";
import type { Loss } from "./objective.ts";
import { affineEncoded } from "./pre-activations.ts";
import type { TrainedWeights, TrainingRows } from "./weights.ts";

/** The losses in which each feature is decided by itself. */
type DenseLoss = Exclude<Loss, ChoosingLoss>;

/** Activations on the tape, and what is added to the error for them. */
interface Encoded<T extends Shaped> {
  /** `row, feature` */
  readonly a: Recorded<T>;
  /** 1 where active. */
  readonly open: T;
  readonly parts: Readonly<Record<string, Recorded<T>>>;
}

/** Under the root of a decoder row's norm: its gradient at a row of zeros is 0, and no other norm changes. */
const TINY = 1e-30;

/** SAELens'; the paper has 0.001, of inputs whose mean square is 1. */
const BANDWIDTH = 0.05;

/** The loss of ReLU, JumpReLU and gated dictionaries. */
export function denseLoss<T extends Shaped>(
  tape: AdjointOps<T>,
  ops: Ops<T>,
  weights: TrainedWeights<Recorded<T>>,
  { loss, subtractsBias }: { readonly loss: DenseLoss; readonly subtractsBias: boolean },
  rows: TrainingRows<Recorded<T>>,
): LossParts<T> {
  const count = sizeAlong(rows.input.shape, "row", "train");
  const encode = (bias: Recorded<T> | undefined): Recorded<T> =>
    affineEncoded(tape, weights, bias, subtractsBias, rows.input);
  const mean = (a: Recorded<T>, factor: number): Recorded<T> =>
    tape.scale(tape.sum(a, ["row", "feature"]), factor / count);
  const relu = (z: Recorded<T>): Recorded<T> => tape.mul(z, tape.gate(z, "relu")); // its gate has slope 0
  const norms = (): Recorded<T> => {
    const width = sizeAlong(weights.W_dec.shape, "d_out", "train");
    return tape.scale(tape.rms(weights.W_dec, "d_out", TINY), Math.sqrt(width));
  };

  const encoded = (): Encoded<T> => {
    switch (loss.kind) {
      case "l1": {
        const z = encode(weights.b_enc);
        const open = tape.gate(z, "relu");
        const a = tape.mul(z, open);
        const sized = loss.decoderNorms ? tape.mul(a, norms()) : a;
        return { a, open: open.primal, parts: { l1: mean(sized, loss.coefficient) } };
      }
      case "jumprelu": {
        const jump = jumpReLU(
          tape,
          ops,
          encode(weights.b_enc),
          weights,
          loss.bandwidth ?? BANDWIDTH,
        );
        return { ...jump, parts: { l0: mean(jump.step, loss.coefficient) } };
      }
      case "jumprelu-tanh": {
        const z = encode(weights.b_enc);
        const jump = jumpReLU(tape, ops, z, weights, loss.bandwidth ?? BANDWIDTH);
        const length = norms();
        const u = tape.scale(tape.mul(jump.a, length), loss.sharpness ?? 4);
        // tanh u = 2σ(2u) − 1
        const logistic = tape.gate(tape.scale(u, 2), "silu");
        const tanh = tape.sub(tape.scale(logistic, 2), tape.fill({}, 1));
        const below = tape.mul(relu(tape.sub(jump.threshold, z)), length);
        const parts = {
          tanh: mean(tanh, loss.coefficient),
          preActivation: mean(below, loss.preActivation ?? 3e-6),
        };
        return { ...jump, parts };
      }
      case "gated": {
        const { b_gate, b_mag, r_mag } = weights;
        if (b_gate === undefined || b_mag === undefined || r_mag === undefined)
          throw missing("b_gate, b_mag or r_mag");
        const product = encode(undefined);
        const deciding = tape.add(product, b_gate);
        const size = tape.add(tape.mul(product, tape.exp(r_mag)), b_mag);
        const open = ops.mul(ops.gate(deciding.primal, "relu"), ops.gate(size.primal, "relu"));
        const a = tape.mul(size, tape.fixed(open));
        const gates = relu(deciding);
        const held = {
          W_dec: tape.fixed(weights.W_dec.primal),
          b_dec: tape.fixed(weights.b_dec.primal),
        };
        const byGates = tape.add(
          tape.matmul(gates, held.W_dec, ["feature"], ["row", "d_out"]),
          held.b_dec,
        );
        const parts = {
          l1: mean(gates, loss.coefficient),
          aux: meanSquare(tape, rows.target, byGates),
        };
        return { a, open, parts };
      }
    }
  };

  const { a, open, parts } = encoded();
  const decoded = tape.matmul(a, weights.W_dec, ["feature"], ["row", "d_out"]);
  const output = tape.add(decoded, withoutFeatures(tape, weights, rows.input, count));
  return {
    parts: { mse: meanSquare(tape, rows.target, output), ...parts },
    output: output.primal,
    open,
  };
}

/**
 * JumpReLU with its pseudo-derivatives (2407.14435, eq. 11 and 12; K is 1 from −½ to ½):
 * `∂a/∂θ = −(θ/ε) K((z−θ)/ε)`, `∂H/∂θ = −(1/ε) K((z−θ)/ε)`, `∂a/∂z = H(z − θ)`, `∂H/∂z = 0`.
 *
 * Each is a value that is held, plus its slope times `θ − θ`, which is 0 and has the derivative 1.
 */
function jumpReLU<T extends Shaped>(
  tape: AdjointOps<T>,
  ops: Ops<T>,
  z: Recorded<T>,
  { log_threshold }: TrainedWeights<Recorded<T>>,
  bandwidth: number,
): {
  readonly a: Recorded<T>;
  readonly step: Recorded<T>;
  readonly open: T;
  readonly threshold: Recorded<T>;
} {
  if (log_threshold === undefined) throw missing("log_threshold");
  const threshold = tape.exp(log_threshold);
  const above = ops.sub(z.primal, threshold.primal);
  const open = ops.gate(above, "relu");
  const half = ops.fill({}, bandwidth / 2);
  const near = ops.mul(
    ops.gate(ops.add(above, half), "relu"),
    ops.gate(ops.sub(half, above), "relu"),
  );
  const slope = tape.fixed(ops.scale(near, -1 / bandwidth));
  const nothing = tape.sub(threshold, tape.fixed(threshold.primal));
  const step = tape.add(tape.fixed(open), tape.mul(slope, nothing));
  const scaled = tape.mul(nothing, tape.fixed(threshold.primal));
  const a = tape.add(tape.mul(z, tape.fixed(open)), tape.mul(slope, scaled));
  return { a, step, open, threshold };
}

function missing(name: string): InternalError {
  return new InternalError({
    code: "dictionary/missing-weight",
    message: `The loss needs ${name}, which the weights have not.`,
    details: { name },
  });
}
