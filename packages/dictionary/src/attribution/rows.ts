import { pullBack } from "@resolvent/paths";
import { type Ops, type Shaped, sizeAlong, sumOf } from "@resolvent/tensor";
import type { Entering } from "./graph-sources.ts";
import type { ReplacedRun } from "./replaced-run.ts";
import type { Targets } from "./targets.ts";

/** What targets get from all that enters at a point; leading axes are `target, blocks`. */
export interface Products<T> {
  /** `…, tile, unit` */
  readonly tiles: T | undefined;
  /** `…, pos` */
  readonly single: T | undefined;
  readonly constant: T | undefined;
  readonly rest: T | undefined;
}

export interface RowOptions {
  /** Tell effects apart by the number of blocks that their routes pass; default only their sum. */
  readonly byBlocks?: boolean;
}

/**
 * The rows of targets: their covectors are carried back through what lies between the nodes, and meet what enters at
 * every point.
 *
 *     G = w at the targets; for each stage, backwards: G += Σ A_iᵀ G over attention, skips and MLPs that are no nodes
 *     row of a target: ⟨G, what enters⟩ at each point
 *
 * By blocks, `G[k+1] += A_iᵀ G[k]` as in the path expansion.
 *
 * @returns by `sources`; undefined of what enters behind the targets
 */
export function rowProducts<T extends Shaped>(
  ops: Ops<T>,
  { between, run, gates }: Pick<ReplacedRun<T>, "between" | "run" | "gates">,
  sources: readonly Entering<T>[],
  targets: Targets<T>,
  { byBlocks = false }: RowOptions = {},
): (Products<T> | undefined)[] {
  const products: (Products<T> | undefined)[] = sources.map(() => undefined);
  const { positions } = run;
  const meet = (state: T, boundary: number): void => {
    sources.forEach((group, i) => {
      if (group.enters === boundary) products[i] = meeting(ops, state, group);
    });
  };
  let state = covectorsOf(ops, targets, positions);
  meet(state, targets.before);
  for (let stage = targets.before - 1; stage >= 0; stage--) {
    state = behind(ops, { between, gates, positions }, stage, state, { byBlocks });
    meet(state, stage);
  }
  return products;
}

/** Covectors at the point after a stage as covectors before it: `target, blocks, pos, d_model`. */
export function behind<T extends Shaped>(
  ops: Ops<T>,
  { between, ...held }: Pick<ReplacedRun<T>, "between" | "gates"> & { readonly positions: number },
  stage: number,
  after: T,
  { byBlocks = false }: RowOptions = {},
): T {
  const blocks = between[stage] ?? [];
  if (blocks.length === 0) return after;
  return ops.scope(() => {
    const pulled = blocks.map(
      (weights) =>
        pullBack(ops, held, { weights, part: undefined }, { values: after, at: undefined }).values,
    );
    const through = sumOf(ops, pulled);
    if (!byBlocks) return ops.add(after, through);
    const levels = sizeAlong(after.shape, "blocks", "behind");
    const parts = [ops.slice(after, "blocks", 0, 1)];
    if (levels > 1) {
      const here = ops.slice(after, "blocks", 1, levels);
      parts.push(ops.add(here, ops.slice(through, "blocks", 0, levels - 1)));
    }
    parts.push(ops.slice(through, "blocks", levels - 1, levels));
    return ops.concat(parts, "blocks");
  });
}

/** Targets on all positions, with nothing passed: `target, blocks, pos, d_model`. */
export function covectorsOf<T extends Shaped>(
  ops: Ops<T>,
  { covectors, positions: at }: Targets<T>,
  positions: number,
): T {
  return ops.scope(() => {
    const here = new Float64Array(at.length * positions);
    at.forEach((position, target) => {
      here[target * positions + position] = 1;
    });
    const ones = ops.constant({ target: at.length, pos: positions }, here);
    const spread = ops.arrange(ops.mul(covectors, ones), ["target", "pos", "d_model"]);
    return ops.arrange(ops.broadcast(spread, { blocks: 1 }), [
      "target",
      "blocks",
      "pos",
      "d_model",
    ]);
  });
}

function meeting<T extends Shaped>(
  ops: Ops<T>,
  state: T,
  { tiles, single, constant, rest }: Entering<T>,
): Products<T> {
  const sum = (x: T | undefined): T | undefined =>
    x && ops.arrange(ops.matmul(state, x, ["pos", "d_model"]), ["target", "blocks"]);
  const ofTiles = ({ positions, values }: NonNullable<Entering<T>["tiles"]>): T =>
    ops.scope(() => {
      const at = { shape: { tile: positions.length }, data: Int32Array.from(positions) };
      const there = ops.take(state, "pos", at);
      return ops.matmul(there, values, ["d_model"], ["target", "blocks", "tile", "unit"]);
    });
  return {
    tiles: tiles && ofTiles(tiles),
    single: single && ops.matmul(state, single, ["d_model"], ["target", "blocks", "pos"]),
    constant: sum(constant),
    rest: sum(rest),
  };
}
