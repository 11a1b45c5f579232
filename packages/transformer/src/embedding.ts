import { type Ids, InputError, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import { affine } from "./affine.ts";
import { softCap } from "./cap.ts";
import { openLanes, toFirstLane } from "./lanes.ts";
import type { Model } from "./model.ts";
import { normalize } from "./norm.ts";
import type { Sites } from "./sites.ts";

/**
 * Token ids as `Ids`: one row is `{pos}`, several rows of one length are `{batch, pos}`.
 *
 * @throws InputError `transformer/ragged-batch`; `transformer/bad-token` for what is no whole number
 */
export function tokenIds(tokens: ArrayLike<number> | readonly (readonly number[])[]): Ids {
  const first = tokens[0];
  if (!Array.isArray(first)) {
    const row = tokens as ArrayLike<number>; // the first entry is no array
    return { shape: { pos: row.length }, data: whole(row) };
  }
  const rows = tokens as readonly (readonly number[])[]; // the first entry is an array
  const odd = rows.find((row) => row.length !== first.length);
  if (odd !== undefined) {
    throw new InputError({
      code: "transformer/ragged-batch",
      message: `A batch needs rows of one length, got ${first.length} and ${odd.length} tokens.`,
      remedy: "Run them one by one, or cut them to one length.",
      details: { expected: first.length, got: odd.length },
    });
  }
  return { shape: { batch: rows.length, pos: first.length }, data: whole(rows.flat()) };
}

function whole(ids: ArrayLike<number>): Int32Array {
  const data = Int32Array.from(ids);
  const at = data.findIndex((id, i) => id !== ids[i]);
  if (at >= 0) {
    throw new InputError({
      code: "transformer/bad-token",
      message: `Token ids are whole numbers, got ${ids[at]}.`,
      details: { got: ids[at] },
    });
  }
  return data;
}

/**
 * `x0`: token embedding, times its scale, and, where positions are learned, position embedding. `…, pos, d_model`.
 *
 * @param start position of the first token; default 0
 * @throws InputError `transformer/no-tokens`, `transformer/bad-token`, `transformer/too-long`
 */
export function embed<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  sites: Sites<T>,
  start = 0,
): T {
  checkTokens(model, ids, start);
  return sites.at("embed", () => {
    const { W_pos, lanes } = model.embed;
    const widened = (x: T): T => toFirstLane(ops, lanes, x);
    const token = sites.at("embed.token", () => widened(tokenEmbedding(ops, model, ids)));
    if (W_pos === undefined) return token;
    const end = start + sizeAlong(ids.shape, "pos", "embed");
    const position = sites.at("embed.position", () =>
      widened(ops.rename(ops.slice(W_pos, "context", start, end), { context: "pos" })),
    );
    return ops.add(token, position);
  });
}

/** What stands for tokens at the start of the stream, positions apart: rows of W_E times the embedding's scale. */
export function tokenEmbedding<T extends Shaped>(
  ops: Ops<T>,
  { embed: { W_E, scale } }: Pick<Model<T>, "embed">,
  ids: Ids,
): T {
  const rows = ops.take(W_E, "vocab", ids);
  return scale === undefined ? rows : ops.scale(rows, scale);
}

/** What the model says, `W_U · Norm_f(T) + b_U`, capped where it has a cap: `…, pos, vocab`. */
export function unembed<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  residual: T,
  sites: Sites<T>,
): T {
  const logits = uncappedLogits(ops, model, residual, sites);
  const { cap } = model.final;
  return cap === undefined ? logits : sites.at("logits", () => softCap(ops, cap, logits));
}

/** `W_U · Norm_f(T) + b_U` without the cap that some models have, affine once σ is held: what readouts read. */
export function uncappedLogits<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  residual: T,
  sites: Sites<T>,
): T {
  const { norm, W_U, b_U, cap, lanes } = model.final;
  const end = openLanes(ops, lanes, residual);
  const normed = normalize(ops, norm, end, "d_model", sites, "final.norm");
  return sites.at(cap === undefined ? "logits" : "final.uncapped", () =>
    affine(ops, normed, { W: W_U, b: b_U }, ["d_model"]),
  );
}

/** Throws the errors of `embed`. */
export function checkTokens<T extends Shaped>(model: Model<T>, ids: Ids, start: number): void {
  const { vocab, context } = model.architecture;
  const length = sizeAlong(ids.shape, "pos", "tokens");
  if (ids.data.length === 0) {
    throw new InputError({
      code: "transformer/no-tokens",
      message: "The input has no tokens.",
      remedy: "Give at least one.",
    });
  }
  if (start + length > context) {
    throw new InputError({
      code: "transformer/too-long",
      message: `${model.name} takes at most ${context} tokens, got ${start + length}.`,
      remedy: "Shorten the input.",
      details: { context, got: start + length },
    });
  }
  checkVocabulary(`Token ids of ${model.name}`, ids, vocab);
}

/** Throws `transformer/bad-token` where an id is no token of the vocabulary; `what` the ids are called. */
export function checkVocabulary(what: string, { data }: Ids, vocab: number): void {
  const bad = data.find((id) => id < 0 || id >= vocab);
  if (bad === undefined) return;
  throw new InputError({
    code: "transformer/bad-token",
    message: `${what} are 0 to ${vocab - 1}, got ${bad}.`,
    details: { vocab, got: bad },
  });
}
