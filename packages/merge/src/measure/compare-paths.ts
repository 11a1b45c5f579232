import {
  allSources,
  type FrozenRun,
  frozenRun,
  logitReadout,
  type PathEffect,
  pathText,
  type Readout,
  type Sources,
  stepNamed,
  topPaths,
} from "@resolvent/paths";
import { type Engine, type Ops, readTogether, type Shaped, sizeAlong } from "@resolvent/tensor";
import {
  frozenAt,
  type Level,
  type LevelName,
  levelOf,
  type Model,
  nodeWrite,
  type Target,
  tokenIds,
  withoutBiases,
} from "@resolvent/transformer";
import { refuse } from "../refuse.ts";
import type { MeasureOptions } from "./barrier.ts";
import { checkAlpha } from "./merged.ts";
import { checkSameShape } from "./same-shape.ts";

/** What became of a path: whether it is there on both sides, or on neither, with one sign; on one of them; with two signs. */
export type PathChange = "kept" | "appears" | "vanishes" | "flips";

/** One path in two models, and in their merge. */
export interface ComparedPath {
  readonly source: string;
  /** From the source to the target. */
  readonly nodes: readonly string[];
  readonly degree: number;
  /** How it reads: `embed → L1.mlp → logit " Mary" − " John"`. */
  readonly text: string;
  /** What it contributes to the target. */
  readonly first: number;
  readonly second: number;
  /** From the first model to the second. */
  readonly change: PathChange;
  /** The merge's, what would be if it were linear, `(1−α)` first + `α` second, and from that to it; null without a merge. */
  readonly merge: {
    readonly effect: number;
    readonly expected: number;
    readonly change: PathChange;
  } | null;
}

/** All paths of a model. */
export interface PathSums {
  readonly name: string;
  readonly total: number;
  /** What belongs to no path. */
  readonly constant: number;
  /** Whether its largest were looked for among all. */
  readonly exhaustive: boolean;
  /** How far the paths of all sources are from the run, relative to the largest sum of a degree. */
  readonly relativeError: number;
}

/** A logit difference as a sum of paths, in two models and their merge. */
export interface PathComparison {
  readonly first: PathSums;
  readonly second: PathSums;
  readonly merge: PathSums | null;
  /** The largest of each model, together: by the largest |effect| in any of them. */
  readonly paths: readonly ComparedPath[];
}

export interface ComparePathsOptions<T extends Shaped> extends MeasureOptions {
  readonly target: Target;
  /** A merge of the two, with how much of the second is in it; default none. */
  readonly merge?: { readonly model: Model<T>; readonly alpha: number };
  /** What paths go through; default `block`. */
  readonly level?: LevelName | Level;
  /** How many of the largest paths of each model are taken; default 20. */
  readonly top?: number;
  /** A path is there where |effect| is at least this share of the largest |effect| in that model; default 0.01. */
  readonly threshold?: number;
  /** The text of a token; default its id. */
  readonly text?: (id: number) => string;
}

/**
 * The same paths in two models of one shape, and in a merge of them, every model frozen at its own run: the union of the
 * largest paths of each, with the effect in all of them, and which appear, vanish or change their sign.
 *
 * @throws InputError `merge/threshold`, `merge/alpha`, `merge/shapes-differ`, what `topPaths` of `@resolvent/paths`
 * throws; the signal's reason where it is aborted
 */
export async function comparePaths<T extends Shaped>(
  engine: Engine<T>,
  first: Model<T>,
  second: Model<T>,
  tokens: readonly number[],
  options: ComparePathsOptions<T>,
): Promise<PathComparison> {
  const { target, merge, top = 20, threshold = 0.01, signal, onProgress } = options;
  const { text = String } = options;
  const level = levelOf(options.level ?? "block");
  checkThreshold(threshold);
  if (merge !== undefined) checkAlpha(merge.alpha);
  const models = [first, second, ...(merge === undefined ? [] : [merge.model])];
  checkSameShape(...models);
  const opened: Opened<T>[] = [];
  try {
    const sums: PathSums[] = [];
    const union = new Map<string, PathEffect>();
    for (const model of models) {
      signal?.throwIfAborted();
      const one = open(engine, model, tokens, target, level, text);
      opened.push(one);
      const found = await topPaths(engine, model, one.run, one.readout, {
        ...{ level, top },
        ...(signal && { signal }),
      });
      const { total, constant, exhaustive, relativeError } = found;
      sums.push({ name: model.name, total, constant, exhaustive, relativeError });
      for (const path of found.shown) union.set(pathText(path, ""), path);
      onProgress?.({ done: sums.length, total: models.length });
    }
    const paths = [...union.values()];
    const effects: number[][] = [];
    for (const one of opened) effects.push(await effectsOf(engine, one, paths, level, signal));
    const [ofFirst = [], ofSecond = [], ofMerge = []] = effects;
    const alpha = merge?.alpha ?? 0;
    const ofMean = paths.map((_, i) => (1 - alpha) * at(ofFirst, i) + alpha * at(ofSecond, i));
    const change = changes(ofFirst, ofSecond, threshold);
    const mergeChange = changes(ofMean, ofMerge, threshold);
    const readout = opened[0]?.readout.name ?? "";
    const compared = paths.map(({ source, nodes, degree }, i): ComparedPath => {
      const own = { effect: at(ofMerge, i), expected: at(ofMean, i), change: mergeChange(i) };
      return {
        ...{ source: source.name, nodes, degree, text: pathText({ source, nodes }, readout) },
        ...{ first: at(ofFirst, i), second: at(ofSecond, i), change: change(i) },
        merge: merge === undefined ? null : own,
      };
    });
    const size = (path: ComparedPath): number =>
      Math.max(...[path.first, path.second, path.merge?.effect ?? 0].map(Math.abs));
    return {
      first: sums[0] as PathSums, // one for each model
      second: sums[1] as PathSums,
      merge: sums[2] ?? null,
      paths: compared.sort((a, b) => size(b) - size(a)),
    };
  } finally {
    engine.free(opened.map(({ run, readout, sources }) => [run, readout, sources]));
  }
}

function checkThreshold(threshold: number): void {
  if (threshold >= 0 && threshold < 1) return;
  throw refuse(
    "threshold",
    `threshold should be from 0 to below 1, got ${threshold}.`,
    "0.01 is a hundredth of the largest effect.",
    { got: threshold },
  );
}

function at(effects: readonly number[], i: number): number {
  return effects[i] ?? Number.NaN; // one for each path
}

/** What becomes of each path from one side to the other. */
function changes(
  before: readonly number[],
  after: readonly number[],
  threshold: number,
): (i: number) => PathChange {
  const least = (effects: readonly number[]): number =>
    threshold * effects.reduce((most, effect) => Math.max(most, Math.abs(effect)), 0);
  const [leastBefore, leastAfter] = [least(before), least(after)];
  return (i) => {
    const [from, to] = [at(before, i), at(after, i)];
    const was = from !== 0 && Math.abs(from) >= leastBefore;
    const is = to !== 0 && Math.abs(to) >= leastAfter;
    if (was !== is) return is ? "appears" : "vanishes";
    return is && from * to < 0 ? "flips" : "kept";
  };
}

/** A model's run, with both ends of its paths. */
interface Opened<T extends Shaped> {
  readonly model: Model<T>;
  readonly run: FrozenRun<T>;
  readonly readout: Readout<T>;
  readonly sources: readonly Sources<T>[];
}

function open<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  target: Target,
  level: Level,
  text: (id: number) => string,
): Opened<T> {
  const made = engine.scope(() => {
    const run = frozenRun(engine, model, tokenIds(tokens));
    const readout = logitReadout(engine, model, run, target, text);
    return { run, readout, sources: allSources(engine, model, run, { level }) };
  });
  return { model, ...made };
}

/** What each path contributes in a model: it need not be among that model's largest. */
async function effectsOf<T extends Shaped>(
  engine: Engine<T>,
  one: Opened<T>,
  paths: readonly PathEffect[],
  level: Level,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const effects: number[] = [];
  for (const path of paths) {
    signal?.throwIfAborted();
    const effect = engine.scope(() => effectOf(engine, one, path, level));
    const [[value = 0]] = await readTogether(engine, [effect]);
    engine.free(effect);
    effects.push(value);
  }
  return effects;
}

/** `⟨w, A_n … A_1 source⟩`: the source, carried through the frozen nodes one after the other. A scalar. */
function effectOf<T extends Shaped>(
  ops: Ops<T>,
  { model, run, readout, sources }: Opened<T>,
  { source, nodes }: PathEffect,
  level: Level,
): T {
  const group = sources.find(({ names }) => names.includes(source.name));
  if (group === undefined) return ops.fill({}, 0); // a model without that bias has no such path
  const at = group.names.indexOf(source.name);
  const start = ops.sum(ops.slice(group.values, "source", at, at + 1), ["source"]);
  const sites = frozenAt(run.gates);
  const written = nodes.reduce((value, name) => {
    const step = stepNamed(model, name, level);
    if (step === undefined) return ops.scale(value, 0); // models of one shape have the same nodes
    return nodeWrite(ops, step, withoutBiases(step.weights), value, sites);
  }, start);
  const { values, at: position } = readout.covector;
  const from = position ?? 0;
  const to = position === undefined ? sizeAlong(written.shape, "pos", "effectOf") : from + 1;
  const read = ops.slice(written, "pos", from, to);
  return ops.sum(ops.mul(read, values), ["pos", "d_model"]);
}
