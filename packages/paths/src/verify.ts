import {
  type Engine,
  InputError,
  type Ops,
  readTogether,
  type Shaped,
  sizeAlong,
  sumOf,
} from "@resolvent/tensor";
import {
  finalSigma,
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
  uncappedLogits,
  withFinalSigma,
} from "@resolvent/transformer";
import { type Answer, answersOf } from "./answer.ts";
import { type FrozenRun, stagesOf } from "./frozen-run.ts";
import { type Covectors, only, pullBack, spread } from "./pull.ts";
import { logitReadout } from "./readout.ts";
import { type SourceId, type Sources, sourcePlace, sourceValue } from "./sources.ts";
import { type Step, stepCalled, stepNamed } from "./step.ts";
import {
  atOne,
  checkOrder,
  lookingAnew,
  lost,
  type PathClaim,
  streamBefore,
  takenPath,
} from "./taken-path.ts";

/**
 * What is checked by taking it away.
 *
 * - A **path**: each node on it receives its stream minus the contribution that came along the path, and only the
 *   next node (at the end, the target) receives the difference: everything else stays as it was (path patching).
 *   With `positions`, the one at which each node writes, a single route of it: the source has a position then.
 * - An **edge**: the node `to` receives its stream minus what `from` wrote; everything after `to` sees its new
 *   output. `to` may be `final`, the target's own reading of the stream.
 * - A **source**: it is missing from the stream from where it enters, for everyone.
 * - A **node**: what it wrote, at all positions or at one, is missing for everyone after it.
 *
 * Of sources and nodes `times` is what is left of them: 0 takes them away, the default; 2 doubles them, and the effect is
 * that of what is missing, so that it turns over.
 */
export type Claim =
  | PathClaim
  | { readonly kind: "edge"; readonly from: SourceId | string; readonly to: string }
  | { readonly kind: "source"; readonly source: SourceId; readonly times?: number }
  | {
      readonly kind: "node";
      readonly node: string;
      readonly position?: number;
      readonly times?: number;
    };

export interface VerifyOptions<T extends Shaped> {
  /** Of one's own, for the names of its nodes; blocks, heads and neurons are known without. */
  readonly level?: Level | undefined;
  /** One's own, with their sites; those of the run are known without. */
  readonly sources?: readonly Sources<T>[];
  /** The model that is run anew for `live`, where it is another: of blocks that the model holds as they were. */
  readonly live?: Model<T>;
}

/** What taking something away does to a target: its value in the run less its value without. */
export interface Verdict {
  /** By the frozen expansion, an inner product. */
  readonly predicted: number;
  /** Measured on the model with all gates at the run's values: equal to the prediction but for rounding. */
  readonly frozen: number;
  /** Measured on the model itself, every gate recomputed, the final norm too: the difference is what freezing hid. */
  readonly live: number;
  /**
   * Of a path, its part through queries and keys, which no frozen effect has: what it does with the attention patterns
   * on its way recomputed, and all else, the final norm too, at the run's values, less `frozen`. What `live` has beyond
   * both are norms, activations, and gates together. Absent of what is no path.
   */
  readonly throughPatterns?: number;
  /** What is left to say without it: with all gates at the run's values, and by the model itself. */
  readonly without: { readonly frozen: Answer; readonly live: Answer };
}

/**
 * Checks a path, an edge or a source by intervention.
 *
 * @throws InputError `paths/no-node`, `paths/no-source`, `paths/bad-path` where nodes are out of order, or positions are
 * not those of its nodes, `paths/bad-position`
 */
export async function verify<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  target: Target,
  claim: Claim,
  options: VerifyOptions<T> = {},
): Promise<Verdict> {
  const made = engine.scope(() => verdict(engine, model, run, target, claim, options));
  try {
    const { frozen: held, live: anew, looking } = made;
    const [[predicted = Number.NaN], [frozen = Number.NaN], [live = Number.NaN], [looked]] =
      await readTogether(engine, [made.predicted, held.effect, anew.effect, looking]);
    const answers = await answersOf(engine, model, [held.logits, anew.logits], target);
    const [ofFrozen, ofLive] = answers as [Answer, Answer]; // of both
    return {
      ...{ predicted, frozen, live },
      ...(looked !== undefined && { throughPatterns: looked - frozen }),
      without: { frozen: ofFrozen, live: ofLive },
    };
  } finally {
    engine.free(made);
  }
}

/** What is measured without something: the change of the target, and the uncapped logits at the last position, `pos, vocab`. */
interface Measured<T> {
  readonly effect: T;
  readonly logits: T;
}

/** A verdict in an interpreter. */
export function verdict<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  target: Target,
  claim: Claim,
  { level = levelOf("head"), sources, live = model }: VerifyOptions<T> = {},
): {
  readonly predicted: T;
  readonly frozen: Measured<T>;
  readonly live: Measured<T>;
  /** The change of the target with patterns recomputed alone; absent of what is no path. */
  readonly looking?: T;
} {
  const node = (name: string): Step<T> => stepCalled(model, name, level);
  const enteringAt = (source: SourceId) => sourcePlace(model, source.name, level, sources);
  const sourceAt = (source: SourceId): T => sourceValue(ops, model, run, source, level, sources);
  const heldEffect = (stream: T): T => {
    const value = (of: T): T => frozenValue(ops, model, run, target, of);
    return ops.sub(value(run.residual), value(stream));
  };
  const frozenPart = (stream: T): Measured<T> => {
    const sigma = finalSigma(ops, model, lastOf(ops, run.residual));
    return {
      effect: heldEffect(stream),
      logits: uncappedLogits(ops, model, lastOf(ops, stream), withFinalSigma(sigma)),
    };
  };
  const livePart = (stream: T): Measured<T> => {
    const [before, after] = [run.residual, stream].map((of) =>
      uncappedLogits(ops, model, of, plainSites()),
    ) as [T, T]; // of two
    const value = (logits: T): T => targetValue(ops, logits, target);
    return { effect: ops.sub(value(before), value(after)), logits: lastOf(ops, after) };
  };
  const both = (
    changed: (sites: Sites<T>, on: Model<T>) => T,
  ): { frozen: Measured<T>; live: Measured<T> } => ({
    frozen: ops.scope(() => frozenPart(changed(frozenAt(run.gates), model))),
    live: ops.scope(() => livePart(changed(plainSites<T>(), live))),
  });
  const readout = logitReadout(ops, model, run, target);
  const predict = (covectors: Covectors<T>, value: T): T =>
    ops.sum(ops.mul(spread(ops, covectors, run.positions), value), ["pos", "d_model"]);

  if (claim.kind === "path") {
    const taken = takenPath(ops, model, run, claim, { level, sources, readout });
    const without = (sites: Sites<T>, on: Model<T>): T =>
      ops.sub(run.residual, taken.missing(sites, on));
    const looking = (): T => heldEffect(without(lookingAnew(run), model));
    return { predicted: taken.predicted, ...both(without), looking: ops.scope(looking) };
  }
  if (claim.kind === "source") {
    const { source, times = 0 } = claim;
    const value = ops.scale(sourceAt(source), 1 - times);
    const { enters = 0, site = "embed" } = enteringAt(source) ?? {};
    return {
      predicted: predict(pullBackAll(ops, model, run, readout.covector, enters), value),
      ...both((sites, on) =>
        rerun(ops, on, run, sites, {
          [site]: (entering) => ops.sub(entering, value),
        }),
      ),
    };
  }
  if (claim.kind === "node") {
    const { times = 0, position } = claim;
    checkPosition(position, run.positions);
    const step = node(claim.node);
    const whole = ops.scale(written(ops, model, run, step), 1 - times);
    const value = atOne(ops, whole, position, run.positions);
    const after = pullBackAll(ops, model, run, readout.covector, step.stage + 1);
    return {
      predicted: predict(after, value),
      ...both((sites, on) =>
        rerun(ops, on, run, sites, {
          [`${step.weights.name}.write`]: (write) => ops.sub(write, value),
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
    ...both((sites, on) => {
      const missing = lost(ops, on, run, stepCalled(on, to.name, level), value, sites);
      return rerun(ops, on, run, sites, {
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

/** The last position alone: `pos, …`. */
function lastOf<T extends Shaped>(ops: Ops<T>, x: T): T {
  const end = sizeAlong(x.shape, "pos", "verify");
  return ops.slice(x, "pos", end - 1, end);
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

/** A node's position, where one is said, is one of the run. */
function checkPosition(position: number | undefined, positions: number): void {
  if (position === undefined) return;
  if (Number.isInteger(position) && position >= 0 && position < positions) return;
  throw new InputError({
    code: "paths/bad-position",
    message: `The run has positions 0 to ${positions - 1}; got ${position}.`,
    remedy: "Name one of them, or none for all.",
    details: { got: position, positions },
  });
}
