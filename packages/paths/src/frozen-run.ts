import { type Anatomy, anatomyOf, GATES } from "@resolvent/expansion";
import { type Ids, InputError, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import {
  type Block,
  embed,
  type Model,
  plainSites,
  recording,
  type Site,
} from "@resolvent/transformer";

/** A run with all its gates, and the parts of its start: with the gates held, every block is affine. */
export interface FrozenRun<T> extends Anatomy<T> {
  /** One row of tokens. */
  readonly ids: Ids;
  readonly positions: number;
  /** The token part of `x0`: `pos, d_model`. */
  readonly token: T;
  /** The position part of `x0`: `pos, d_model`; undefined where positions are not embedded. */
  readonly position: T | undefined;
}

/**
 * Runs a model on one row of tokens and keeps what path expansions need. Of an engine that owns memory, free it
 * with `engine.free` when it is done with; it holds nothing of the model.
 *
 * @throws InputError what a run throws
 */
export function frozenRun<T extends Shaped>(ops: Ops<T>, model: Model<T>, ids: Ids): FrozenRun<T> {
  return ops.scope(() => {
    const trace = new Map<Site, T>();
    const parts = recording(plainSites<T>(), (site) => site.startsWith("embed."), trace);
    embed(ops, model, ids, parts);
    const anatomy = anatomyOf(ops, model, ids, GATES);
    return {
      ...anatomy,
      ids,
      positions: sizeAlong(ids.shape, "pos", "frozenRun"),
      token: trace.get("embed.token") as T, // every run passes it
      position: trace.get("embed.position"),
    };
  });
}

/**
 * The blocks of a model by stage, in any order.
 *
 * @throws InputError `paths/streamed` for a model whose layers are read when they are reached
 */
export function stagesOf<T extends Shaped>(model: Model<T>): readonly (readonly Block<T>[])[] {
  if (Array.isArray(model.stages)) return model.stages;
  throw new InputError({
    code: "paths/streamed",
    message: `${model.name} is read layer by layer, and paths go through its layers in both directions.`,
    remedy: "Load it whole, without --stream.",
  });
}

/** What holds the gates of a run. */
export type Gated<T> = Pick<FrozenRun<T>, "gates" | "positions">;
