import { ratio } from "@resolvent/analysis";
import {
  type Engine,
  type Ops,
  type Precision,
  type Shaped,
  sizeAlong,
  tangent,
} from "@resolvent/tensor";
import {
  type Block,
  blockWrite,
  type Model,
  mapWeights,
  plainSites,
  type Site,
} from "@resolvent/transformer";
import { valueAt } from "./pairs.ts";
import { type Sums, type Tallying, tallyBatch } from "./tally.ts";

/** How a block answers to sums and to steps, as squared norms over positions. */
export interface LocalSquares<T> {
  /** `‖f(a+b) − f(a) − f(b) + f(0)‖²` with `a = x0`, `a + b = r`, and `‖f(a+b)‖²`. */
  readonly defect: T;
  readonly written: T;
  /** `‖f(r+δ) − f(r) − Jδ‖²` and `‖f(r+δ) − f(r)‖²`: axis `step`, the entries in the order of `STEPS`. */
  readonly curved: T;
  readonly moved: T;
}

/** Natural steps from a stream: to the mean stream, and to the stream half a sequence further on. */
export const STEPS = ["mean", "token"] as const;

/** The superposition defect of a block at a stream: see `LocalSquares`. */
export function superposition<T extends Shaped>(
  ops: Ops<T>,
  block: Block<T>,
  embedding: T,
  read: T,
): Pick<LocalSquares<T>, "defect" | "written"> {
  return ops.scope(() => {
    const points = [read, embedding, ops.sub(read, embedding), ops.scale(read, 0)];
    const values = blockWrite(ops, block, stacked(ops, points, "point"), plainSites());
    const signs = ops.constant({ point: 4 }, [1, -1, -1, 1]);
    const defect = ops.matmul(values, signs, ["point"]);
    const written = ops.sum(ops.slice(values, "point", 0, 1), ["point"]);
    return { defect: squares(ops, defect), written: squares(ops, written) };
  });
}

/**
 * How far a block is from its own derivative: what is left of its answer to a step once the derivative's part is
 * taken away, `f(r+δ) − f(r) − Jδ` (the local linearity of Qin et al. 2019, for steps that occur).
 *
 * @param mean where the first step goes, `d_model`
 */
export function curvature<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  block: Block<T>,
  read: T,
  mean: T,
): Pick<LocalSquares<T>, "curved" | "moved"> {
  return ops.scope(() => {
    const size = sizeAlong(read.shape, "pos", "curvature");
    const half = Math.floor(size / 2);
    const turned =
      half === 0
        ? read
        : ops.concat([ops.slice(read, "pos", half, size), ops.slice(read, "pos", 0, half)], "pos");
    const steps = stacked(ops, [ops.sub(mean, read), ops.sub(turned, read)], "step");
    const ahead = ops.add(steps, read);
    const value = blockWrite(ops, block, read, plainSites());
    const moved = ops.sub(blockWrite(ops, block, ahead, plainSites()), value);
    const duals = tangent(ops);
    const weights = mapWeights({ ...model, stages: [[block]] }, (weight) => duals.dual(weight));
    const [lifted] = [...weights.stages].flat();
    const from = duals.dual(ops.broadcast(read, { step: STEPS.length }), steps);
    // One block went in, so one came out; without a tangent it does not move at all.
    const derived = lifted && blockWrite(duals, lifted, from, plainSites()).tangent;
    const curved = derived === undefined ? moved : ops.sub(moved, derived);
    return { curved: squares(ops, curved), moved: squares(ops, moved) };
  });
}

/** Adds the local measures of every block, by sequence. */
export async function localBatch<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  values: ReadonlyMap<Site, T>,
  into: Tallying,
  {
    before,
    mean,
  }: {
    /** The site of what a block reads. */
    readonly before: (block: string) => Site;
    /** Its mean. */
    readonly mean: (block: string) => T;
  },
): Promise<void> {
  for (const stage of model.stages) {
    for (const block of stage) {
      const read = valueAt(values, before(block.name));
      const squaresOf = () => ({
        ...superposition(engine, block, valueAt(values, "embed"), read),
        ...curvature(engine, model, block, read, mean(block.name)),
      });
      await tallyBatch(engine, squaresOf, `${block.name} `, into);
    }
  }
}

/** `√(Σ‖f(a+b) − f(a) − f(b) + f(0)‖² / Σ‖f(a+b)‖²)` over all tokens. */
export const defectOf =
  (block: string) =>
  (sums: Sums): number | null =>
    ratio(root(sums(`${block} defect`)[0]), root(sums(`${block} written`)[0]));

/** `√(Σ‖f(r+δ) − f(r) − Jδ‖² / Σ‖f(r+δ) − f(r)‖²)` over all tokens, of one kind of step. */
export const curvatureOf =
  (block: string, step: (typeof STEPS)[number], precision: Precision) =>
  (sums: Sums): number | null => {
    const at = STEPS.indexOf(step);
    // A block that the step does not move is moved by the rounding of what it writes.
    const scale = root(sums(`${block} written`)[0]);
    const moved = root(sums(`${block} moved`)[at]);
    return ratio(root(sums(`${block} curved`)[at]), moved, { scale, precision });
  };

const root = (square = 0): number => Math.sqrt(square);

/** Tensors over a new leading axis. */
export function stacked<T extends Shaped>(ops: Ops<T>, parts: readonly T[], axis: string): T {
  return ops.concat(
    parts.map((part) => ops.broadcast(part, { [axis]: 1 })),
    axis,
  );
}

function squares<T extends Shaped>(ops: Ops<T>, a: T): T {
  return ops.sum(ops.mul(a, a), ["pos", "d_model"]);
}
