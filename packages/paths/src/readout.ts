import { targetText } from "@resolvent/analysis";
import { affineReadout, InputError, type Ops, type Shaped } from "@resolvent/tensor";
import {
  type AttentionBlock,
  checkHead,
  groupOf,
  headName,
  heldAt,
  keysOf,
  type Model,
  mapBlock,
  normedRead,
  onlyHead,
  queriesOf,
  rotateHeads,
  stageOfLayer,
  type Target,
  targetReadout,
  within,
} from "@resolvent/transformer";
import { type FrozenRun, stagesOf } from "./frozen-run.ts";
import { type Covectors, cut } from "./pull.ts";

/** A linear function of the stream at one point of a frozen run, `⟨covector, r⟩ + constant`: what paths end in. */
export interface Readout<T> {
  /** In words: `logit " Mary" − " John"`. */
  readonly name: string;
  /** How many stages of the model lie before the point: all of them for the final stream. */
  readonly before: number;
  /** `d_model` at a position, or `pos, d_model`. */
  readonly covector: Covectors<T>;
  /** The positions that it looks at, where these are some of several; default that of the covector, or all. */
  readonly seen?: { readonly from: number; readonly to: number };
  /** A scalar. */
  readonly constant: T;
}

/** Whether a readout looks at a position. */
export function readsAt<T>({ covector: { at }, seen }: Readout<T>, pos: number): boolean {
  if (seen !== undefined) return pos >= seen.from && pos <= seen.to;
  return at === undefined || at === pos;
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
 * @throws InputError `transformer/no-head`, `paths/bad-position`
 */
export function headReadout<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  which: HeadSide,
  direction: T,
): Readout<T> {
  const { layer, head, side, position } = which;
  checkHead(model.architecture, { layer, head });
  const before = stageOfLayer(model.architecture, layer);
  const block = stagesOf(model)[before]?.find(({ kind }) => kind === "attn") as AttentionBlock<T>; // every layer has one
  if (!(Number.isInteger(position) && position >= 0 && position < run.positions)) {
    throw new InputError({
      code: "paths/bad-position",
      message: `There is no ${side} at position ${position}: the input has ${run.positions} tokens.`,
      remedy: "Positions count tokens from 0.",
      details: { ...which, positions: run.positions },
    });
  }
  const read = <V extends Shaped>(on: Ops<V>, fixed: (value: T) => V, stream: V): V => {
    const own = onlyHead(on, mapBlock(block, fixed), head);
    const { kv_head } = groupOf(block, head);
    const places = { pos: position, key_pos: position, head, kv_head };
    const sites = within(
      heldAt(run.gates, (gate) => fixed(cut(ops, gate, places))),
      block.name,
    );
    const normed = normedRead(on, own, stream, sites);
    if (side === "query") {
      const query = queriesOf(on, own, normed, sites);
      return on.sum(rotateHeads(on, own, query, "pos", position), ["pos", "head"]);
    }
    const key = keysOf(on, own, normed, sites);
    return on.sum(rotateHeads(on, own, key, "key_pos", position), ["key_pos", "kv_head"]);
  };
  return ops.scope(() => {
    const { d_model } = model.architecture;
    const { covector, constant } = affineReadout(ops, { pos: 1, d_model }, direction, read);
    return {
      name: `${side} of ${headName(which)}@${position}`,
      before,
      covector: { values: ops.join(covector, ["pos", "d_model"], "d_model"), at: position },
      constant,
    };
  });
}
