import { InputError, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import { type Model, rotaryTable } from "@resolvent/transformer";
import { type Target, targetReadout, targetText } from "../target.ts";
import type { Covectors } from "./pull.ts";
import { only, throughNorm } from "./pull.ts";
import { type FrozenRun, gateOf, stagesOf } from "./run.ts";

/** A linear function of the stream at one point of a frozen run, `⟨covector, r⟩ + constant`: what paths end in. */
export interface Readout<T> {
  /** In words: `logit " Mary" − " John"`. */
  readonly name: string;
  /** How many stages of the model lie before the point: all of them for the final stream. */
  readonly before: number;
  /** `d_model` at a position, or `pos, d_model`. */
  readonly covector: Covectors<T>;
  /** A scalar. */
  readonly constant: T;
}

/** A logit, or the difference of two, at the last position, the final norm's σ held. */
export function logitReadout<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  target: Target,
  text: (id: number) => string = String,
): Readout<T> {
  const { covector, constant } = targetReadout(ops, model, run.residual, target);
  return {
    name: targetText(target, text),
    before: model.stages.length,
    covector: { values: covector, at: run.positions - 1 },
    constant,
  };
}

/**
 * Any direction of the stream, at one position or as `pos, d_model` at several.
 *
 * @param before how many stages of the model lie before it: 0 for `x0`, all for the final stream
 */
export function directionReadout<T extends Shaped>(
  ops: Ops<T>,
  name: string,
  before: number,
  covector: Covectors<T>,
): Readout<T> {
  return { name, before, covector, constant: ops.fill({}, 0) };
}

/** Which side of which head, and where. */
export interface HeadSide {
  readonly layer: number;
  /** The head; for `key`, any head that shares the keys. */
  readonly head: number;
  readonly side: "query" | "key";
  readonly position: number;
}

/**
 * A direction of a head's queries or keys at a position, as scores see them: rotated by the position, the norm's σ
 * (and a query-key norm's) held. With the key of another position times `scoreScale` as the direction of the query,
 * it reads the pre-softmax score.
 *
 * @param direction `d_head`
 * @throws InputError `expansion/no-head`
 */
export function headReadout<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  which: HeadSide,
  direction: T,
): Readout<T> {
  const { layer, head, side, position } = which;
  const stages = stagesOf(model);
  const before = stages.findIndex((blocks) =>
    blocks.some((block) => block.kind === "attn" && block.layer === layer),
  );
  const block = stages[before]?.find((one) => one.kind === "attn");
  const { heads } = model.architecture;
  if (block?.kind !== "attn" || head < 0 || head >= heads || position >= run.positions) {
    throw new InputError({
      code: "expansion/no-head",
      message: `There is no ${side} of L${layer}.H${head} at position ${position}.`,
      remedy: `${model.name} has ${model.architecture.layers} layers of ${heads} heads, the input ${run.positions} tokens.`,
      details: { ...which, heads, positions: run.positions },
    });
  }
  const groups = sizeAlong(block.W_Q.shape, "group", block.name);
  const isQuery = side === "query";
  const kv = Math.floor(head / groups);
  const ofHead = (x: T | undefined): T | undefined => {
    if (x === undefined) return undefined;
    const one = only(ops, x, "kv_head", kv);
    return isQuery ? only(ops, one, "group", head % groups) : one;
  };
  return ops.scope(() => {
    const table = block.rotary && rotaryTable(block.rotary, run.positions);
    const turned =
      table === undefined
        ? direction
        : ops.sum(
            ops.rotary(ops.broadcast(direction, { pos: 1 }), "d_head", "pos", table, {
              start: position,
              transpose: true,
            }),
            ["pos"],
          );
    const innerNorm = isQuery ? block.queryNorm : block.keyNorm;
    const innerGate = gateOf(run, block.name, isQuery ? "query_norm" : "key_norm");
    const innerSigma =
      innerGate &&
      only(
        ops,
        only(ops, innerGate, isQuery ? "head" : "kv_head", isQuery ? head : kv),
        isQuery ? "pos" : "key_pos",
        position,
      );
    const projected = throughNorm(ops, innerNorm, turned, "d_head", innerSigma);
    const W = ofHead(isQuery ? block.W_Q : block.W_K) as T; // it has the weight
    const normed = ops.matmul(projected, W, ["d_head"]);
    const gate = gateOf(run, block.name, "norm");
    const sigma = gate && only(ops, gate, "pos", position);
    const bias = ofHead(isQuery ? block.b_Q : block.b_K);
    const shifts = [
      innerNorm?.bias && ops.matmul(turned, innerNorm.bias, ["d_head"]),
      bias && ops.matmul(projected, bias, ["d_head"]),
      block.norm?.bias && ops.matmul(normed, block.norm.bias, ["d_model"]),
    ].flatMap((shift) => shift ?? []);
    return {
      name: `${side} of L${layer}.H${head}@${position}`,
      before,
      covector: { values: throughNorm(ops, block.norm, normed, "d_model", sigma), at: position },
      constant: shifts.reduce((sum, shift) => ops.add(sum, shift), ops.fill({}, 0)),
    };
  });
}
