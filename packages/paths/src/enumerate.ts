import { type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import { everyPart, type Level, type Model } from "@resolvent/transformer";
import { type FrozenRun, stagesOf } from "./frozen-run.ts";
import { before, type Suffix } from "./largest.ts";
import { type Covectors, pullBack, spread } from "./pull.ts";
import type { Readout } from "./readout.ts";
import { dotSources, type SourceId, type Sources, sourceIds } from "./sources.ts";
import { stepsOf } from "./step.ts";
import { stepWrites } from "./step-writes.ts";

/** The beginning of a path. */
interface Prefix {
  readonly source: SourceId;
  readonly nodes: readonly string[];
  readonly degree: number;
}

/**
 * All paths of a readout as one product: every prefix up to a point of the model with every suffix from there, and,
 * for sources that enter later, these with the suffixes from where they enter.
 */
export interface Enumeration<T> {
  readonly prefixes: readonly Prefix[];
  /** `path, pos, d_model` */
  readonly streams: T;
  /** None for the empty suffix. */
  readonly suffixes: readonly (Suffix | undefined)[];
  /** `suffix, …` */
  readonly covectors: Covectors<T>;
  readonly late: readonly {
    readonly sources: readonly SourceId[];
    readonly degree: number;
    readonly suffixes: readonly (Suffix | undefined)[];
    /** `suffix, source` */
    readonly effects: T;
  }[];
}

/** How an enumeration would be made, and what it takes. */
export interface EnumerationPlan {
  /** The point where prefixes and suffixes meet: how many stages lie before it. */
  readonly meet: number;
  readonly prefixes: number;
  readonly suffixes: number;
}

/** Where prefixes and suffixes are fewest together. */
export function planEnumeration(
  sizes: readonly number[],
  sources: readonly { readonly enters: number; readonly count: number }[],
  end: number,
): EnumerationPlan {
  const plans = Array.from({ length: end + 1 }, (_, meet): EnumerationPlan => {
    const ways = (from: number, to: number): number =>
      sizes.slice(from, to).reduce((product, size) => product * (1 + size), 1);
    const prefixes = sources.reduce(
      (sum, { enters, count }) => sum + (enters <= meet ? count * ways(enters, meet) : 0),
      0,
    );
    return { meet, prefixes, suffixes: ways(meet, end) };
  });
  return plans.reduce((best, plan) =>
    plan.prefixes + plan.suffixes < best.prefixes + best.suffixes ? plan : best,
  );
}

/** Makes the two sides of an enumeration. */
export function enumeration<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  options: {
    readonly level: Level;
    readonly sources: readonly Sources<T>[];
    readonly readout: Readout<T>;
    readonly meet: number;
  },
): Enumeration<T> {
  const { level, sources, readout, meet } = options;
  const steps = stepsOf(model, level);
  const late: Enumeration<T>["late"][number][] = [];

  let suffixes: readonly (Suffix | undefined)[] = [undefined];
  const { covector } = readout;
  let covectors: Covectors<T> = {
    values: ops.broadcast(covector.values, { suffix: 1 }),
    at: covector.at,
  };
  const meetSources = (boundary: number): void => {
    if (boundary <= meet) return;
    for (const group of sources) {
      if (group.enters !== boundary) continue;
      const effects = ops.arrange(dotSources(ops, group, covectors), ["suffix", "source"]);
      late.push({ sources: sourceIds(group), degree: group.degree, suffixes, effects });
    }
  };
  meetSources(readout.before);
  for (let stage = readout.before - 1; stage >= meet; stage--) {
    const [later, follow] = [covectors, suffixes];
    covectors = ops.scope(() => {
      const pulled = (steps[stage] ?? []).map((node) => pullBack(ops, run, node, later));
      const all = [later, ...pulled];
      const at = all.every((one) => one.at === later.at) ? later.at : undefined;
      const values = all.map((one) =>
        at === undefined ? spread(ops, one, run.positions) : one.values,
      );
      return { values: ops.concat(values, "suffix"), at };
    });
    suffixes = [
      ...follow,
      ...(steps[stage] ?? []).flatMap((node) => follow.map((next) => before(node, next))),
    ];
    meetSources(stage);
  }

  const start = sources.filter(({ enters }) => enters === 0);
  let prefixes: Prefix[] = start.flatMap(prefixesOf);
  let streams = joinStreams(
    ops,
    start.map((group) => sourceStreams(ops, group)),
  );
  for (const [stage, blocks] of stagesOf(model).slice(0, meet).entries()) {
    const read = streams;
    const fresh = sources.filter(({ enters }) => enters === stage + 1);
    streams = ops.scope(() => {
      const own = fresh.map((group) => sourceStreams(ops, group));
      if (read === undefined) return joinStreams(ops, own);
      const written = stepWrites(ops, run, blocks, level, read).map((made) => {
        const each = ops.arrange(everyPart(ops, made), ["node", "path", "pos", "d_model"]);
        return ops.join(each, ["node", "path"], "path");
      });
      return joinStreams(ops, [read, ...written, ...own]);
    });
    prefixes = [
      ...prefixes,
      ...(steps[stage] ?? []).flatMap(({ name }) =>
        prefixes.map((prefix) => ({
          source: prefix.source,
          nodes: [...prefix.nodes, name],
          degree: prefix.degree + 1,
        })),
      ),
      ...fresh.flatMap(prefixesOf),
    ];
  }
  const none = { path: 0, ...run.embedding.shape };
  return {
    ...{ prefixes, suffixes, covectors, late },
    streams: streams ?? ops.fill(none, 0),
  };
}

/** The effects of some prefixes with all suffixes: `path, suffix`. */
export function prefixEffects<T extends Shaped>(
  ops: Ops<T>,
  { streams, covectors }: Pick<Enumeration<T>, "streams" | "covectors">,
  start: number,
  end: number,
): T {
  return ops.scope(() => {
    const some = ops.slice(streams, "path", start, end);
    const { values, at } = covectors;
    const read = at === undefined ? some : ops.sum(ops.slice(some, "pos", at, at + 1), ["pos"]);
    const over = at === undefined ? ["pos", "d_model"] : ["d_model"];
    return ops.matmul(read, values, over, ["path", "suffix"]);
  });
}

function prefixesOf<T extends Shaped>(group: Sources<T>): Prefix[] {
  return sourceIds(group).map((source) => ({ source, nodes: [], degree: group.degree }));
}

/** Sources as streams: `path, pos, d_model`; one of a single position is zero elsewhere. */
function sourceStreams<T extends Shaped>(ops: Ops<T>, { values, byPosition }: Sources<T>): T {
  if (!byPosition) return ops.rename(values, { source: "path" });
  const positions = sizeAlong(values.shape, "pos", "sourceStreams");
  const unit = ops.constant(
    { origin: positions, pos: positions },
    Array.from({ length: positions ** 2 }, (_, i) => (i % (positions + 1) === 0 ? 1 : 0)),
  );
  const each = ops.arrange(ops.mul(values, unit), ["source", "origin", "pos", "d_model"]);
  return ops.join(each, ["source", "origin"], "path");
}

function joinStreams<T extends Shaped>(ops: Ops<T>, parts: readonly T[]): T | undefined {
  return parts.length <= 1 ? parts[0] : ops.concat(parts, "path");
}
