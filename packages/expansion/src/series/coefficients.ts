import {
  type Ids,
  InputError,
  type Ops,
  type Series,
  type Shaped,
  series,
  sumOf,
} from "@resolvent/tensor";
import { blockWrite, frozenAt, type Model, mapWeights, type Sites } from "@resolvent/transformer";
import { anatomyOf } from "../anatomy.ts";
import { checkGates, type Gate } from "../gates.ts";

/** Powers of ε beyond which no float64 number holds a coefficient of a trained model. */
export const ORDER_LIMIT = 64;

export interface EpsilonOptions {
  /** The highest power of ε; default 6. */
  readonly order?: number;
  /** `ε₀`, about which is expanded; default 0. At 1 the model itself. */
  readonly about?: number;
  /** The gates that are held at the run's values; default none. With all of them blocks are affine. */
  readonly freeze?: readonly Gate[];
}

/** `T(ε₀ + δ) = Σ_k δ^k T_k`, as tensors. */
export interface EpsilonTerms<T> {
  /** `T_k` for `k = 0 … order`, each `pos, d_model`. */
  readonly coefficients: readonly T[];
  /** `T` of the real run, `ε = 1`. */
  readonly residual: T;
  /** What every ReLU reads, as `z_0 + δ z_1`; empty where the model has none, or its gates are frozen. */
  readonly kinks: readonly { readonly z0: T; readonly z1: T }[];
}

/**
 * The coefficients of the ε-series (MATHS 2.3), `h_i = h_{i−1} + ε f_i(h_{i−1})`, by Taylor-mode arithmetic through
 * all blocks. About 0, `ε f` needs its block to one order less. Blocks of a parallel layer read the same point.
 * A ReLU is expanded on the side of its value at `ε₀`.
 *
 * @throws InputError `expansion/bad-order`, `expansion/bad-epsilon`, `expansion/unknown-gate`, and for bad tokens
 */
export function epsilonTerms<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  options: EpsilonOptions = {},
): EpsilonTerms<T> {
  const { order, about, freeze } = checkEpsilon(options);
  return ops.scope(() => {
    const { embedding, residual, gates } = anatomyOf(ops, model, ids, freeze);
    const whole = series(ops, order);
    // At least one order: the nearest kink of a ReLU needs it.
    const inner = series(ops, Math.max(1, about === 0 ? order - 1 : order));
    const still = new Map([...gates].map(([site, gate]) => [site, inner.still(gate)]));
    const sites = frozenAt(still);
    let kinks: EpsilonTerms<T>["kinks"] = [];
    const watching: typeof inner = {
      ...inner,
      gate: (z, kind) => {
        if (kind === "relu" && z.orders > 1) {
          kinks = [...kinks, { z0: inner.coefficient(z, 0), z1: inner.coefficient(z, 1) }];
        }
        return inner.gate(z, kind);
      },
    };
    let stream: Series<T> = whole.still(embedding);
    for (const stage of order === 0 && about === 0 ? [] : model.stages) {
      const before = stream;
      const after = ops.scope(() => {
        const [blocks = []] = mapWeights({ ...model, stages: [stage] }, inner.still).stages;
        const read = upTo(ops, before, inner.order);
        const writes = blocks.map((block) => blockWrite(watching, block, read, sites));
        const written = upTo(ops, sumOf(inner, writes), order);
        const raised = whole.add(before, whole.raise(written));
        const next = about === 0 ? raised : whole.add(raised, whole.scale(written, about));
        return { next, kinks };
      });
      stream = after.next;
    }
    const coefficients = Array.from({ length: order + 1 }, (_, k) => whole.coefficient(stream, k));
    return { coefficients, residual, kinks };
  });
}

/** `T(ε)` itself, at one ε: `pos, d_model`. */
export function streamAt<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  epsilon: number,
  freeze: readonly Gate[],
): T {
  return ops.scope(() => {
    const { embedding, gates } = anatomyOf(ops, model, ids, freeze);
    const sites: Sites<T> = frozenAt(gates);
    let stream = embedding;
    for (const stage of model.stages) {
      const before = stream;
      stream = ops.scope(() => {
        const writes = stage.map((block) => blockWrite(ops, block, before, sites));
        return ops.add(before, ops.scale(sumOf(ops, writes), epsilon));
      });
    }
    return stream;
  });
}

/** The options, checked, with their defaults. */
export function checkEpsilon(options: EpsilonOptions): Required<EpsilonOptions> {
  const { order = 6, about = 0, freeze = [] } = options;
  if (!Number.isInteger(order) || order < 0 || order > ORDER_LIMIT) {
    throw new InputError({
      code: "expansion/bad-order",
      message: `The order of a series should be a whole number from 0 to ${ORDER_LIMIT}, got ${order}.`,
      remedy: "Six tells how it goes on; coefficients of high orders leave the range of numbers.",
      details: { got: order, limit: ORDER_LIMIT },
    });
  }
  if (!Number.isFinite(about)) {
    throw new InputError({
      code: "expansion/bad-epsilon",
      message: `A series is about a finite ε, got ${about}.`,
      remedy: "0 is the model without blocks, 1 the model itself.",
      details: { got: about },
    });
  }
  return { order, about, freeze: checkGates(freeze) };
}

/** The series without its powers beyond `order`. */
function upTo<T extends Shaped>(ops: Ops<T>, a: Series<T>, order: number): Series<T> {
  if (a.orders <= order + 1) return a;
  const first = ops.slice(a.coefficients, "order", 0, order + 1);
  const coefficients = order === 0 ? ops.sum(first, ["order"]) : first;
  return { shape: a.shape, orders: order + 1, coefficients };
}
