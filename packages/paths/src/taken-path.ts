import { gateAt } from "@resolvent/expansion";
import { InputError, type Ops, type Shaped, sumOf } from "@resolvent/tensor";
import { frozenAt, type Level, type Model, nodeWrite, type Sites } from "@resolvent/transformer";
import { type FrozenRun, stagesOf } from "./frozen-run.ts";
import { pullBack, spread } from "./pull.ts";
import type { Readout } from "./readout.ts";
import { oneAt, type SourceId, type Sources, sourcePlace, sourceValue } from "./sources.ts";
import { type Step, stepCalled } from "./step.ts";

/** A path that is taken away; with `positions`, the one at which each node writes, a single route of it. */
export interface PathClaim {
  readonly kind: "path";
  readonly source: SourceId;
  readonly nodes: readonly string[];
  readonly positions?: readonly number[];
}

/** What a path brings to where it is read. */
export interface TakenPath<T extends Shaped> {
  /** What it contributes to the readout, by the frozen expansion. */
  readonly predicted: T;
  /** What the stream at the readout's point lacks without it, gates as `sites` has them: `pos, d_model`. */
  missing(sites: Sites<T>, on: Model<T>): T;
}

/**
 * Takes a path away: each node on it reads its stream minus what came along the path, and only the next node receives
 * the difference.
 *
 * @throws InputError `paths/no-node`, `paths/no-source`, `paths/bad-path`
 */
export function takenPath<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  claim: PathClaim,
  {
    level,
    sources,
    readout,
  }: {
    readonly level: Level;
    readonly sources?: readonly Sources<T>[] | undefined;
    readonly readout: Readout<T>;
  },
): TakenPath<T> {
  const source = sourceValue(ops, model, run, claim.source, level, sources);
  const along = claim.nodes.map((name) => stepCalled(model, name, level));
  const { enters = 0 } = sourcePlace(model, claim.source.name, level, sources) ?? {};
  checkOrder(claim, along, enters);
  checkEnd(claim, along, enters, readout);
  checkPositions(claim, run.positions);
  const { positions = [] } = claim;
  const back = along.reduceRight((c, n, i) => {
    const at = positions[i];
    if (at === undefined) return pullBack(ops, run, n, c);
    const values = atOne(ops, spread(ops, c, run.positions), at, run.positions);
    return pullBack(ops, run, n, { values, at: undefined });
  }, readout.covector);
  const over = ["pos", "d_model"];
  return {
    predicted: ops.sum(ops.mul(spread(ops, back, run.positions), source), over),
    missing: (sites, on) =>
      along.reduce((came, n, i) => {
        const less = lost(ops, on, run, stepCalled(on, n.name, level), came, sites);
        return atOne(ops, less, positions[i], run.positions);
      }, source),
  };
}

/** What a node no longer writes when `came` is missing from what it reads. */
export function lost<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  node: Step<T>,
  came: T,
  sites: Sites<T>,
): T {
  return ops.scope(() => {
    const read = streamBefore(ops, model, run, node.stage);
    const write = (stream: T): T => nodeWrite(ops, node, node.weights, stream, sites);
    return ops.sub(write(read), write(ops.sub(read, came)));
  });
}

/** The stream of the run that a stage reads. */
export function streamBefore<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  stage: number,
): T {
  const earlier = stagesOf(model).slice(0, stage).flat();
  return sumOf(ops, [run.embedding, ...earlier.map(({ name }) => run.writes.get(name) as T)]); // all write
}

/** Gates as in the run, but for patterns, which are recomputed. */
export function lookingAnew<T extends Shaped>({ gates }: Pick<FrozenRun<T>, "gates">): Sites<T> {
  return frozenAt(new Map([...gates].filter(([site]) => gateAt(site) !== "pattern")));
}

/** The same at one position, zero at all others; the whole where no position is said. */
export function atOne<T extends Shaped>(
  ops: Ops<T>,
  x: T,
  position: number | undefined,
  positions: number,
): T {
  return position === undefined ? x : ops.mul(x, oneAt(ops, positions, position));
}

/** Every node has to read after what comes before it was written. */
export function checkOrder<T>(claim: unknown, along: readonly Step<T>[], start: number): void {
  let from = start;
  for (const { name, stage } of along) {
    if (stage < from) {
      throw new InputError({
        code: "paths/bad-path",
        message: `${name} reads the stream before what should reach it is written.`,
        remedy: "Name nodes in the order in which the model runs them, at most one of a stage.",
        details: { claim, node: name },
      });
    }
    from = stage + 1;
  }
}

/** What is read has to be written before. */
function checkEnd<T>(
  claim: PathClaim,
  along: readonly Step<T>[],
  enters: number,
  { name, before }: Readout<T>,
): void {
  const last = along.at(-1);
  const after = last === undefined ? enters : last.stage + 1;
  if (after <= before) return;
  throw new InputError({
    code: "paths/bad-path",
    message: `${last?.name ?? claim.source.name} writes after the stream is read by ${name}.`,
    remedy: "Name nodes that come before what is read.",
    details: { claim, before },
  });
}

/** A route has a position of the run for its source and for each of its nodes. */
function checkPositions(claim: PathClaim, positions: number): void {
  const { source, nodes, positions: own } = claim;
  if (own === undefined) return;
  const odd = own.find((at) => !(Number.isInteger(at) && at >= 0 && at < positions));
  if (source.position !== null && own.length === nodes.length && odd === undefined) return;
  const got = source.position === null ? "a source at all positions" : own.join(", ") || "none";
  throw new InputError({
    code: "paths/bad-path",
    message: `A route has a position of its source and one for each of its ${nodes.length} nodes, from 0 to ${positions - 1}; got ${got}.`,
    remedy:
      "Name the position of the source, and the one at which each node writes; or leave positions out for the whole path.",
    details: { claim, positions },
  });
}
