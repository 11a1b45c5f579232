import {
  type TokenName,
  tokenNotation,
  tokensParameter,
  type Vocabulary,
} from "@resolvent/analysis";
import {
  InputError,
  inOrder,
  type Ops,
  type Shaped,
  sizeAlong,
  type Tensor,
  tensor,
} from "@resolvent/tensor";
import { type Model, mapWeights, unembed } from "@resolvent/transformer";
import type { z } from "zod";
import { type AffineReadout, affineReadout } from "./affine.ts";
import { argmax, finalSigma, withFinalSigma } from "./prediction.ts";

/** What is asked of a run: at the last position, `logit(a) − logit(b)`, or `logit(a)` where `b` is null. */
export interface Target {
  readonly a: number;
  readonly b: number | null;
}

/** The parameter `target` of analyses: one token or two. */
export const targetParameter: z.ZodOptional<z.ZodType<readonly TokenName[], readonly TokenName[]>> =
  tokensParameter("")
    .refine(
      ({ length }) => length === 1 || length === 2,
      "Expected one token, or two: the logit of the first minus that of the second",
    )
    .optional()
    .meta({
      title: "a,b",
      description:
        "tokens (text or id:N) whose logit difference at the last position is explained, or one for its logit; default: the two likeliest",
    });

/**
 * The target that tokens make.
 *
 * @throws InputError what the vocabulary throws; `expansion/bad-target` for a token less itself, or a token that
 * the model does not have
 */
export function namedTarget<T extends Shaped>(
  model: Model<T>,
  names: readonly TokenName[],
  vocabulary: Pick<Vocabulary, "tokenId">,
): Target {
  const [a, b, ...more] = names.map((name) => vocabulary.tokenId(name));
  const { vocab } = model.architecture;
  const odd = [a, b].find((id) => id !== undefined && id >= vocab);
  if (a === undefined || a === b || more.length > 0 || odd !== undefined) {
    throw new InputError({
      code: "expansion/bad-target",
      message:
        odd !== undefined
          ? `Token ids of ${model.name} are 0 to ${vocab - 1}, got ${odd}.`
          : `A target is one token or two different ones, got ${names.map((name) => (typeof name === "number" ? `id:${name}` : tokenNotation(name))).join(", ") || "none"}.`,
      remedy: "Name the token whose logit is explained, and the one to compare it with.",
      details: { got: names, vocab },
    });
  }
  return { a, b: b ?? null };
}

/** The two likeliest tokens at the last position; of a vocabulary of one, that one alone. */
export function likeliestTarget(logits: Tensor): Target {
  const vocab = sizeAlong(logits.shape, "vocab", "likeliestTarget");
  const last = inOrder(logits, ["pos", "vocab"]).data.slice(-vocab);
  const best = (): number => argmax(tensor({ pos: 1, vocab }, last), { pos: 1 })[0] ?? 0;
  const a = best();
  last[a] = Number.NEGATIVE_INFINITY;
  return { a, b: vocab === 1 ? null : best() };
}

/** What the logits say of a target: the axes of `logits` but `pos` and `vocab`. */
export function targetValue<T extends Shaped>(ops: Ops<T>, logits: T, target: Target): T {
  return ops.scope(() => {
    const pos = sizeAlong(logits.shape, "pos", "targetValue");
    const last = ops.sum(ops.slice(logits, "pos", pos - 1, pos), ["pos"]);
    return difference(ops, last, target);
  });
}

/**
 * A target as a linear function of the last position's stream, the final norm's σ held: with `P` centring for
 * LayerNorm, `P(γ_f (W_U[:,a] − W_U[:,b])) / σ_f[last]`, and `β_f · (W_U[:,a] − W_U[:,b]) + b_U[a] − b_U[b]`.
 *
 * @param residual `T` of the run, before the final norm: `pos, d_model`
 * @returns a covector `d_model`
 */
export function targetReadout<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  residual: T,
  { a, b }: Target,
): AffineReadout<T> {
  return ops.scope(() => {
    const { W_U, b_U } = model.final;
    const two = Int32Array.from(b === null ? [a] : [a, b]);
    const tokens = { shape: { vocab: two.length }, data: two };
    const ofTokens = (x: T): T => ops.take(x, "vocab", tokens);
    const final = { ...model.final, W_U: ofTokens(W_U), ...(b_U && { b_U: ofTokens(b_U) }) };
    const pos = sizeAlong(residual.shape, "pos", "targetReadout");
    const last = ops.sum(ops.slice(residual, "pos", pos - 1, pos), ["pos"]);
    const sigma = finalSigma(ops, model, last);
    const direction = ops.constant(tokens.shape, b === null ? [1] : [1, -1]);
    return affineReadout(ops, last.shape, direction, (on, fixed, x) => {
      const end = mapWeights({ ...model, stages: [], final }, fixed);
      return unembed(on, end, x, withFinalSigma(sigma && fixed(sigma)));
    });
  });
}

/** A target in words: `logit " Mary" − " John"`. */
export function targetText({ a, b }: Target, text: (id: number) => string): string {
  const first = `logit ${tokenNotation(text(a))}`;
  return b === null ? first : `${first} − ${tokenNotation(text(b))}`;
}

/** Entry `a` less entry `b` along `vocab`, which is dropped. */
function difference<T extends Shaped>(ops: Ops<T>, x: T, { a, b }: Target): T {
  const ids = b === null ? [a] : [a, b];
  const shape = { token: ids.length };
  const rows = ops.take(x, "vocab", { shape, data: Int32Array.from(ids) });
  return ops.matmul(rows, ops.constant(shape, b === null ? [1] : [1, -1]), ["token"]);
}
