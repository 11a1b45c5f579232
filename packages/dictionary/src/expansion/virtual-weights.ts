import type { Ids, Ops, Shaped } from "@resolvent/tensor";
import {
  checkHead,
  type HeadPlace,
  type Model,
  type NormWeights,
  onlyHead,
  withAttention,
} from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import { inputOf } from "../place.ts";
import type { SiteForm } from "../site.ts";
import { alongStream } from "./along-stream.ts";

/** What writes: a dictionary, or as much of one. */
export type Writes<T extends Shaped> = Pick<Dictionary<T>, "output" | "W_dec" | "scale" | "norms">;

/** What reads, likewise. */
export type Reads<T extends Shaped> = Pick<Dictionary<T>, "name" | "input" | "W_enc">;

export interface VirtualWeightsOptions {
  /** The features that write; default all. */
  readonly features?: readonly number[];
  /** A head between them: `W_dec · W_V W_O · W_enc`; default none, straight along the stream. */
  readonly through?: HeadPlace;
}

/**
 * What features of one dictionary write along what features of a later one read, without data: `from, to`.
 *
 *     W_dec[f] γ · W_enc[:, g]        W_dec[f] γ' W_V W_O γ · W_enc[:, g] through a head
 *
 * of what heads mix (hook_z) with `W_O` first, of what an MLP makes with γ of the norm behind it; with γ of the norm that `to` reads through, γ' of the head's; of a LayerNorm centred first. No σ, which is a run's. A
 * feature that is never active when the other reads has a weight all the same.
 *
 * @throws InputError `dictionary/no-site`, `transformer/no-head`
 */
export function virtualWeights<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  from: Writes<T>,
  to: Reads<T>,
  { features, through }: VirtualWeightsOptions = {},
): T {
  const input = inputOf(model, to);
  return ops.scope(() => {
    const written = alongStream(ops, model, from.output, directionsOf(ops, from, features));
    const moved = through === undefined ? written : throughHead(ops, model, through, written);
    const read = scaledBy(ops, readNorm(model, input.site, input.form), moved);
    const weights = ops.matmul(
      ops.rename(read, { d_model: "d_in" }),
      to.W_enc,
      ["d_in"],
      ["feature"],
    );
    return ops.rename(weights, { feature: "to" });
  });
}

/**
 * What features write along the unembedding, less the mean over the vocabulary: `from, vocab`. Which tokens a feature
 * promotes and suppresses, by itself and without data.
 *
 * @param options `features`: default all
 */
export function virtualLogits<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  from: Writes<T>,
  { features }: Pick<VirtualWeightsOptions, "features"> = {},
): T {
  return ops.scope(() => {
    const own = alongStream(ops, model, from.output, directionsOf(ops, from, features));
    const written = scaledBy(ops, model.final.norm, own);
    return ops.center(ops.matmul(written, model.final.W_U, ["d_model"], ["vocab"]), "vocab");
  });
}

/** What features write, an activation of 1 each: `from, d_model`. */
function directionsOf<T extends Shaped>(
  ops: Ops<T>,
  { W_dec, scale, norms }: Writes<T>,
  features: readonly number[] | undefined,
): T {
  const some = (x: T): T => {
    if (features === undefined) return x;
    const ids: Ids = { shape: { feature: features.length }, data: Int32Array.from(features) };
    return ops.take(x, "feature", ids);
  };
  const scaled = scale === undefined ? some(W_dec) : ops.mul(some(W_dec), some(scale));
  const own = norms === undefined ? scaled : ops.div(scaled, some(norms));
  return ops.rename(own, { feature: "from", d_out: "d_model" });
}

function throughHead<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  place: HeadPlace,
  written: T,
): T {
  checkHead(model.architecture, place);
  return withAttention(model, place.layer, (block) => {
    const { norm, W_V, W_O } = onlyHead(ops, block, place.head);
    const value = ops.matmul(scaledBy(ops, norm, written), W_V, ["d_model"]);
    const moved = ops.matmul(value, W_O, ["kv_head", "d_head"]);
    return ops.sum(moved, ["group"]); // of one head
  });
}

/** A norm without its denominator. */
function scaledBy<T extends Shaped>(ops: Ops<T>, norm: NormWeights<T> | undefined, x: T): T {
  if (norm === undefined) return x;
  const centred = norm.kind === "layer" ? ops.center(x, "d_model") : x;
  return norm.scale === undefined ? centred : ops.mul(centred, norm.scale);
}

/** The norm through which a dictionary reads the stream; undefined where it reads the stream itself. */
function readNorm<T extends Shaped>(
  model: Model<T>,
  site: string,
  form: SiteForm,
): NormWeights<T> | undefined {
  if (form === "value") return undefined;
  for (const stage of model.stages) {
    for (const { name, norm } of stage) {
      if (`${name}.read` !== site || norm === undefined) continue;
      return form === "normed" ? norm : { kind: norm.kind, eps: norm.eps };
    }
  }
  return undefined;
}
