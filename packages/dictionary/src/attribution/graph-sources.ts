import { type Ops, type Shaped, sumOf } from "@resolvent/tensor";
import type { ActiveFeature } from "./active-features.ts";
import type { ReplacedRun, Replacement } from "./replaced-run.ts";

/** Features that are multiplied at once, at one position: a position with fewer is filled up with zeros. */
const TILE = 32;

/** Features of a layer in tiles, each of one position. */
export interface Tiles<T> {
  /** The position of each tile. */
  readonly positions: readonly number[];
  readonly width: number;
  /** Which of the features that were given each place has; −1 of a place that was filled up. */
  readonly of: Int32Array;
  /** `tile, unit, d_model`: what they write. */
  readonly values: T;
}

/** What enters the stream behind a stage. */
export interface Entering<T> {
  /** How many stages lie before the point. */
  readonly enters: number;
  /** The layer whose MLP has been replaced; undefined of a stage that has none, and of the start. */
  readonly layer: number | undefined;
  readonly tiles: Tiles<T> | undefined;
  /** `pos, d_model`: errors, or tokens; each position is a node. */
  readonly single: T | undefined;
  /** `pos, d_model`: what is in no node. */
  readonly constant: T | undefined;
  /** `pos, d_model`: features that were not chosen. */
  readonly rest: T | undefined;
}

/** Which features of a run are nodes. */
export interface Choice {
  /** By layer, position and feature. */
  readonly features: readonly ActiveFeature[];
  /** Those that are none, and count in the remainder of each row. */
  readonly others: readonly ActiveFeature[];
  /** Positions whose features and errors are no nodes: they count in the constant of each row. */
  readonly constantPositions: ReadonlySet<number>;
}

/** What nodes of a graph write, by where it enters; the start first. */
export function graphSources<T extends Shaped>(
  ops: Ops<T>,
  replaced: ReplacedRun<T>,
  { features, others, constantPositions }: Choice,
): Entering<T>[] {
  const { replacements, biases, tokens, model, run } = replaced;
  const start: Entering<T> = {
    ...{ enters: 0, layer: undefined, tiles: undefined, single: tokens },
    ...{ constant: undefined, rest: undefined },
  };
  const stages = Array.from({ length: model.stages.length }, (_, stage): Entering<T>[] => {
    const own = replacements.find((one) => one.stage === stage);
    const bias = biases.get(stage);
    if (own === undefined && bias === undefined) return [];
    const { layer } = own ?? {};
    const of = (list: readonly ActiveFeature[]): ActiveFeature[] =>
      list.filter((one) => one.layer === layer);
    const written = (list: readonly ActiveFeature[]): T | undefined =>
      own && writtenBy(ops, own, list, run.positions);
    const isConstant = (one: ActiveFeature): boolean => constantPositions.has(one.position);
    const left = of(others);
    const constants = [bias, own?.constant, written(left.filter(isConstant))];
    const here = Array.from({ length: run.positions }, (_, at) =>
      constantPositions.has(at) ? 0 : 1,
    );
    const kept = ops.constant({ pos: run.positions }, here);
    if (own !== undefined && constantPositions.size > 0) {
      constants.push(ops.sub(own.error, ops.mul(own.error, kept)));
    }
    const parts = constants.flatMap((part) => (part === undefined ? [] : [part]));
    return [
      {
        enters: stage + 1,
        layer,
        tiles: own && tilesOf(ops, own, of(features)),
        single: own && (constantPositions.size > 0 ? ops.mul(own.error, kept) : own.error),
        constant: ops.arrange(sumOf(ops, parts), ["pos", "d_model"]), // there is one
        rest: written(left.filter((one) => !isConstant(one))),
      },
    ];
  });
  return [start, ...stages.flat()];
}

/** Features in tiles; undefined where there are none. */
export function tilesOf<T extends Shaped>(
  ops: Ops<T>,
  { block }: Pick<Replacement<T>, "block">,
  features: readonly ActiveFeature[],
): Tiles<T> | undefined {
  if (features.length === 0) return undefined;
  const byPosition = new Map<number, number[]>();
  features.forEach(({ position }, i) => {
    const known = byPosition.get(position);
    if (known === undefined) byPosition.set(position, [i]);
    else known.push(i);
  });
  const most = Math.max(...[...byPosition.values()].map(({ length }) => length));
  const width = Math.min(TILE, most);
  const tiles = [...byPosition].flatMap(([position, list]) =>
    Array.from({ length: Math.ceil(list.length / width) }, (_, i) => ({
      position,
      list: list.slice(i * width, (i + 1) * width),
    })),
  );
  const of = new Int32Array(tiles.length * width).fill(-1);
  tiles.forEach(({ list }, tile) => {
    of.set(list, tile * width);
  });
  const shape = { tile: tiles.length, unit: width };
  const ids = { shape, data: of.map((i) => features[i]?.feature ?? 0) };
  const values = ops.scope(() => {
    const amounts = ops.constant(
      shape,
      Array.from(of, (i) => features[i]?.activation ?? 0),
    );
    return ops.arrange(ops.mul(ops.take(block.W_out, "d_mlp", ids), amounts), [
      "tile",
      "unit",
      "d_model",
    ]);
  });
  return { positions: tiles.map(({ position }) => position), width, of, values };
}

/** What features write together, `pos, d_model`; undefined of none. */
function writtenBy<T extends Shaped>(
  ops: Ops<T>,
  { block }: Replacement<T>,
  features: readonly ActiveFeature[],
  positions: number,
): T | undefined {
  const tiles = tilesOf(ops, { block }, features);
  if (tiles === undefined) return undefined;
  return ops.scope(() => {
    const at = { shape: { tile: tiles.positions.length }, data: Int32Array.from(tiles.positions) };
    return ops.arrange(ops.put(ops.sum(tiles.values, ["unit"]), at, "pos", positions), [
      "pos",
      "d_model",
    ]);
  });
}
