import { type Engine, InternalError, type Ops, type Shaped } from "@resolvent/tensor";
import type { Encoder, Normalization } from "./dictionary.ts";

/** Input vectors as the encoder reads them, and how the decoder's output goes back. */
export interface Normalised<T> {
  readonly input: T;
  /** From `…, d_out` to `…, d_out`. */
  restore(output: T): T;
}

/** Added to the deviation, once: SAELens. */
export const DEVIATION_EPS = 1e-5;

/** `x~`, and how its inverse is applied. */
export function normalise<T extends Shaped>(
  ops: Ops<T>,
  { d_in, normalization }: Pick<Encoder<T>, "d_in" | "normalization">,
  x: T,
): Normalised<T> {
  return normalisers[normalization.kind](ops, x, d_in, normalization);
}

type Normaliser = <T extends Shaped>(
  ops: Ops<T>,
  x: T,
  d_in: number,
  normalization: Normalization,
) => Normalised<T>;

const normalisers: Readonly<Record<Normalization["kind"], Normaliser>> = {
  none: (_ops, x) => ({ input: x, restore: (y) => y }),
  expected_average_only_in: (ops, x, _d, normalization) => {
    const factor = "factor" in normalization ? normalization.factor : 1; // this kind has one
    return { input: ops.scale(x, factor), restore: (y) => ops.scale(y, 1 / factor) };
  },
  constant_norm_rescale: (ops, x) => {
    const rms = ops.rms(x, "d_in", 0); // ‖x‖/√d
    return { input: ops.div(x, rms), restore: (y) => ops.mul(y, rms) };
  },
  layer_norm: (ops, x, d_in) => {
    const mean = ops.scale(ops.sum(x, ["d_in"]), 1 / d_in);
    const centred = ops.center(x, "d_in");
    const deviation = ops.scale(ops.rms(centred, "d_in", 0), Math.sqrt(d_in / (d_in - 1)));
    const divisor = ops.add(deviation, ops.fill({}, DEVIATION_EPS));
    return {
      input: ops.div(centred, divisor),
      restore: (y) => ops.add(ops.mul(y, deviation), mean),
    };
  },
};

/** What decides whether a feature is active, and its activation if it is. */
export interface PreActivations<T> {
  /** `z`, or `π` of a gated dictionary. */
  readonly deciding: T;
  /** `z`, or `m`. */
  readonly size: T;
}

/**
 * Pre-activations `…, feature` of input vectors `…, d_in` that are normalised already; multiplied by `norms`, where the
 * encoder has them.
 */
export function preActivations<T extends Shaped>(
  ops: Ops<T>,
  encoder: Encoder<T>,
  input: T,
): PreActivations<T> {
  const { W_enc, b_enc, subtracted, norms, activation } = encoder;
  return ops.scope(() => {
    const shifted = subtracted === undefined ? input : ops.sub(input, subtracted);
    const product = ops.matmul(shifted, W_enc, ["d_in"], ["feature"]);
    if (activation.kind === "gated") {
      const { b_gate, b_mag, r_mag } = activation;
      return {
        deciding: ops.add(product, b_gate),
        size: ops.add(ops.mul(product, ops.exp(r_mag)), b_mag),
      };
    }
    const biased = b_enc === undefined ? product : ops.add(product, b_enc);
    const z = norms === undefined ? biased : ops.mul(biased, norms);
    return { deciding: z, size: z };
  });
}

/**
 * The active set: 1 for active features, else 0, `…, feature`. Where a choice is among the features of a row, as in
 * topk, `activeSet` makes it.
 */
function gateOf<T extends Shaped>(
  ops: Ops<T>,
  { activation }: Encoder<T>,
  { deciding, size }: PreActivations<T>,
): T {
  const positive = (z: T): T => ops.gate(z, "relu");
  switch (activation.kind) {
    case "relu":
    case "tanh-relu":
      return positive(deciding);
    case "jumprelu": {
      const open = positive(ops.sub(deciding, activation.threshold));
      return activation.rectified ? ops.mul(open, positive(size)) : open;
    }
    case "gated":
      return ops.mul(positive(deciding), positive(size));
    case "topk":
    case "groupmax":
      throw new InternalError({
        code: "dictionary/chosen-set",
        message: `The active set of ${activation.kind} is chosen by an engine.`,
      });
  }
}

/**
 * Activations `…, feature`, all of them, zeros included. Frozen where a gate is given: the active set stays, whatever
 * the pre-activations are.
 *
 * @param gate 1 for active features, else 0; default: what the activation says
 */
export function activations<T extends Shaped>(
  ops: Ops<T>,
  encoder: Encoder<T>,
  pre: PreActivations<T>,
  gate?: T,
): T {
  return ops.scope(() => {
    const open = ops.mul(pre.size, gate ?? gateOf(ops, encoder, pre));
    if (encoder.activation.kind !== "tanh-relu") return open;
    // tanh u = 2σ(2u) − 1, which is 0 at 0 exactly
    const doubled = ops.scale(ops.gate(ops.scale(open, 2), "silu"), 2);
    return ops.sub(doubled, ops.fill({}, 1));
  });
}

/** The entries of each row that are chosen among its features, where the activation does that: `row, choice`. */
export interface Chosen {
  readonly indices: Int32Array;
  readonly values: ArrayLike<number>;
  /** How many a row. */
  readonly each: number;
  /** Only those above 0 are active. */
  readonly rectified: boolean;
}

/**
 * What topk and groupmax choose of pre-activations `row, feature`, without reading the others back; undefined where each
 * feature is decided by itself.
 */
export async function chosen<T extends Shaped>(
  engine: Engine<T>,
  { activation, features }: Encoder<T>,
  { size }: PreActivations<T>,
): Promise<Chosen | undefined> {
  if (activation.kind === "topk") {
    const { k, rectified } = activation;
    const { indices, values } = await engine.top(size, "feature", k);
    return { indices: indices.data, values: values.data, each: k, rectified };
  }
  if (activation.kind !== "groupmax") return undefined;
  const { groups } = activation;
  const members = features / groups;
  const grouped = engine.split(size, "feature", { group: groups, member: members });
  const { indices, values } = await engine.top(grouped, "member", 1);
  return {
    indices: indices.data.map((member, i) => (i % groups) * members + member),
    values: values.data,
    each: groups,
    rectified: true,
  };
}
