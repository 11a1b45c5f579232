import {
  type Engine,
  InputError,
  type Ops,
  readTogether,
  type Shaped,
  sumOf,
} from "@resolvent/tensor";
import {
  frozenAt,
  type Level,
  levelOf,
  type Model,
  nodeWrite,
  plainSites,
  type Replacements,
  replacing,
  residualStream,
  type Sites,
  type Target,
  targetReadout,
  targetValue,
  unembed,
} from "@resolvent/transformer";
import { type FrozenRun, stagesOf } from "./frozen-run.ts";
import { type Covectors, only, pullBack, spread } from "./pull.ts";
import { logitReadout } from "./readout.ts";
import { type SourceId, sourcePlace, sourceValue } from "./sources.ts";
import { type Step, stepNamed, stepsOf } from "./step.ts";

/**
 * What is checked by taking it away.
 *
 * - A **path**: each node on it receives its stream minus the contribution that came along the path, and only the
 *   next node (at the end, the target) receives the difference: everything else stays as it was (path patching).
 * - An **edge**: the node `to` receives its stream minus what `from` wrote; everything after `to` sees its new
 *   output. `to` may be `final`, the target's own reading of the stream.
 * - A **source**: it is missing from the stream from where it enters, for everyone.
 */
export type Claim =
  | { readonly kind: "path"; readonly source: SourceId; readonly nodes: readonly string[] }
  | { readonly kind: "edge"; readonly from: SourceId | string; readonly to: string }
  | { readonly kind: "source"; readonly source: SourceId };

/** What taking something away does to a target: its value in the run less its value without. */
export interface Verdict {
  /** By the frozen expansion, an inner product. */
  readonly predicted: number;
  /** Measured on the model with all gates at the run's values: equal to the prediction but for rounding. */
  readonly frozen: number;
  /** Measured on the model itself, every gate recomputed, the final norm too: the difference is what freezing hid. */
  readonly live: number;
}

/**
 * Checks a path, an edge or a source by intervention.
 *
 * @param level of one's own, for the names of its nodes; blocks, heads and neurons are known without
 * @throws InputError `paths/no-node`, `paths/no-source`, `paths/bad-path` where nodes are out of order
 */
export async function verify<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  target: Target,
  claim: Claim,
  level?: Level,
): Promise<Verdict> {
  const made = engine.scope(() => verdict(engine, model, run, target, claim, level));
  try {
    const [[predicted = Number.NaN], [frozen = Number.NaN], [live = Number.NaN]] =
      await readTogether(engine, [made.predicted, made.frozen, made.live]);
    return { predicted, frozen, live };
  } finally {
    engine.free(made);
  }
}

/** The three numbers of a verdict as scalars of an interpreter. */
export function verdict<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  target: Target,
  claim: Claim,
  level: Level = levelOf("head"),
): { readonly predicted: T; readonly frozen: T; readonly live: T } {
  const node = (name: string): Step<T> => {
    const found = stepNamed(model, name, level);
    if (found === undefined) throw noNode(model, name);
    return found;
  };
  const enteringAt = (source: SourceId) => sourcePlace(model, source.name, level);
  const sourceAt = (source: SourceId): T => sourceValue(ops, model, run, source, level);
  const gates = frozenAt(run.gates);
  const measured = (sites: Sites<T>, changed: (sites: Sites<T>) => T): T => {
    const value = (stream: T): T =>
      sites === gates
        ? frozenValue(ops, model, run, target, stream)
        : targetValue(ops, unembed(ops, model, stream, plainSites()), target);
    return ops.sub(value(run.residual), value(changed(sites)));
  };
  const both = (changed: (sites: Sites<T>) => T): { frozen: T; live: T } => ({
    frozen: ops.scope(() => measured(gates, changed)),
    live: ops.scope(() => measured(plainSites<T>(), changed)),
  });
  const readout = logitReadout(ops, model, run, target);
  const predict = (covectors: Covectors<T>, value: T): T =>
    ops.sum(ops.mul(spread(ops, covectors, run.positions), value), ["pos", "d_model"]);

  if (claim.kind === "path") {
    const source = sourceAt(claim.source);
    const along = claim.nodes.map(node);
    checkOrder(claim, along, enteringAt(claim.source)?.enters ?? 0);
    const back = along.reduceRight((c, n) => pullBack(ops, run, n, c), readout.covector);
    return {
      predicted: predict(back, source),
      ...both((sites) => {
        const last = along.reduce((came, n) => lost(ops, model, run, n, came, sites), source);
        return ops.sub(run.residual, last);
      }),
    };
  }
  if (claim.kind === "source") {
    const { source } = claim;
    const value = sourceAt(source);
    const { enters = 0, site = "embed" } = enteringAt(source) ?? {};
    return {
      predicted: predict(pullBackAll(ops, model, run, readout.covector, enters), value),
      ...both((sites) =>
        rerun(ops, model, run, sites, {
          [site]: (entering) => ops.sub(entering, value),
        }),
      ),
    };
  }
  const from = typeof claim.from === "string" ? stepNamed(model, claim.from, level) : undefined;
  const id = typeof claim.from === "string" ? { name: claim.from, position: null } : claim.from;
  const value = from ? written(ops, model, run, from) : sourceAt(id);
  const start = from ? from.stage + 1 : (enteringAt(id)?.enters ?? 0);
  if (claim.to === "final") {
    return {
      predicted: predict(readout.covector, value),
      ...both(() => ops.sub(run.residual, value)),
    };
  }
  const to = node(claim.to);
  checkOrder(claim, [to], start);
  const after = pullBackAll(ops, model, run, readout.covector, to.stage + 1);
  return {
    predicted: predict(pullBack(ops, run, to, after), value),
    ...both((sites) => {
      const missing = lost(ops, model, run, to, value, sites);
      return rerun(ops, model, run, sites, {
        [`${to.weights.name}.write`]: ops.sub(run.writes.get(to.weights.name) as T, missing), // it writes
      });
    }),
  };
}

/** The covectors before a point, all ways to the end together: `(I + A)ᵀ … (I + A)ᵀ w`. */
function pullBackAll<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  covectors: Covectors<T>,
  before: number,
): Covectors<T> {
  return stagesOf(model)
    .slice(before)
    .reduceRight<Covectors<T>>((after, stage) => {
      const values = ops.scope(() => {
        const pulled = stage.map((block) =>
          pullBack(ops, run, { weights: block, part: undefined }, after),
        );
        return sumOf(
          ops,
          [after, ...pulled].map((one) => spread(ops, one, run.positions)),
        );
      });
      return { values, at: undefined };
    }, covectors);
}

/** What a node no longer writes when `came` is missing from what it reads. */
function lost<T extends Shaped>(
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

/** What a node has written in the run. */
function written<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  node: Step<T>,
): T {
  const read = streamBefore(ops, model, run, node.stage);
  return nodeWrite(ops, node, node.weights, read, frozenAt(run.gates));
}

/** The stream of the run that a stage reads. */
function streamBefore<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  stage: number,
): T {
  const earlier = stagesOf(model).slice(0, stage).flat();
  return sumOf(ops, [run.embedding, ...earlier.map(({ name }) => run.writes.get(name) as T)]); // all write
}

/** The final stream with new values at some sites, gates as `sites` has them. */
function rerun<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  sites: Sites<T>,
  replace: Replacements<T>,
): T {
  return residualStream(ops, model, run.ids, replacing(sites, replace));
}

/** The target on the frozen model: linear in the final stream. */
function frozenValue<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  target: Target,
  stream: T,
): T {
  const { covector } = targetReadout(ops, model, run.residual, target);
  return ops.matmul(only(ops, stream, "pos", run.positions - 1), covector, ["d_model"]);
}

function noNode<T extends Shaped>(model: Model<T>, name: string): InputError {
  const known = stepsOf(model, "block").flatMap((stage) => stage.map((step) => step.name));
  return new InputError({
    code: "paths/no-node",
    message: `${model.name} has no node "${name}".`,
    remedy: `Nodes are blocks (${known.slice(0, 2).join(", ")}, …), heads (L0.H0) and neurons (L0.N0), and final at the end of an edge.`,
    details: { got: name, blocks: known },
  });
}

/** Every node has to read after what comes before it was written. */
function checkOrder<T>(claim: Claim, along: readonly Step<T>[], start: number): void {
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
