import {
  type ComputedResult,
  computedResult,
  isNothing,
  pause,
  short,
  type Warning,
} from "@resolvent/analysis";
import {
  type Engine,
  InputError,
  inChunks,
  priced,
  readNumbers,
  type Shaped,
  STACK_MEMORY,
  using,
} from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { shapesOf } from "@resolvent/transformer";
import { type Circuit, circuitTargets } from "./circuit-run.ts";
import { edgesOf, type PatchEdge, type PatchGraph, patchGraph } from "./graph.ts";
import { type Asked, mapAsked, measuredSize } from "./measure.ts";
import { endsOf } from "./pair-ends.ts";
import type { PromptPair } from "./pairs.ts";
import {
  PAIR_NUMBERS,
  type PatchedPair,
  type PatchOptions,
  type PatchResult,
  patchEffects,
} from "./patch.ts";
import { meanWrites, preparePair } from "./prepared.ts";
import { modelOf, type PromptModels } from "./prompt-models.ts";
import { type Interval, ratioInterval } from "./ratio-spread.ts";
import type { EffectMethod, PatchSetting, SettingFacts } from "./setting.ts";

/** Shares of the edges that circuits keep: those of MIB (Mueller et al. 2025). */
export const CIRCUIT_SIZES: readonly number[] = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1,
];

/** An edge and its score. */
export interface ScoredEdge {
  readonly source: string;
  readonly receiver: string;
  /** Its effect, by the method of the result: the mean over pairs. */
  readonly score: number;
  /** The 95 % interval of that mean by Student's t; absent for a single pair, which has none. */
  readonly interval?: Interval;
}

/** A circuit of one size. */
export interface CircuitSize {
  /** Share of all edges. */
  readonly share: number;
  /** How many are kept, `⌊share · all⌋`: the first of `edges`. */
  readonly edges: number;
  /** Mean value of the target in the circuit, `m(C)`. */
  readonly value: number;
  /** `(m(C) − m(∅)) / (m(M) − m(∅))`; null where the model and no circuit at all are next to the same. */
  readonly faithfulness: number | null;
  /**
   * The 95 % interval of faithfulness, a quotient of means over pairs, by the linearised variance of such a quotient
   * and Student's t; null for a single pair, and where there is no faithfulness.
   */
  readonly interval: Interval | null;
}

/** How much of a behaviour circuits of several sizes keep: plain data. */
export interface CircuitResult extends ComputedResult<"circuit"> {
  readonly level: string;
  /** How edges were scored, and what edges outside a circuit carry. */
  readonly setting: SettingFacts;
  readonly method: EffectMethod;
  readonly steps: number | null;
  readonly edgeCount: number;
  readonly sizes: readonly CircuitSize[];
  /** `∫ f dk` over the share `k` of kept edges, from the least size to the largest, by trapezoids: as MIB does. Null as above. */
  readonly cpr: number | null;
  /** `∫ |1 − f| dk`, likewise. */
  readonly cmd: number | null;
  /** Their 95 % intervals, made like those of faithfulness; null likewise. */
  readonly intervals: { readonly cpr: Interval; readonly cmd: Interval } | null;
  /** Mean target of the whole model, `m(M)`. */
  readonly targetModel: number;
  /** Mean target where every edge carries the reference, `m(∅)`. */
  readonly targetEmpty: number;
  /** The largest logit, in size, that targets are differences of: their rounding goes by it. */
  readonly logitSize: number;
  /** All edges by falling `|score|`, at most 100,000. */
  readonly edges: readonly ScoredEdge[];
  readonly pairs: readonly (Omit<PatchedPair, "effect"> & {
    readonly targetEmpty: number;
    /** Its target at each size. */
    readonly targets: readonly number[];
    /** Its own faithfulness at each size; null where its runs with all edges and with none are next to the same. */
    readonly faithfulness: readonly (number | null)[];
    /** Its own scores, in the order of `edges`; null where they were not asked for. */
    readonly scores: readonly number[] | null;
  })[];
}

export interface CircuitOptions extends Omit<PatchOptions, "positions" | "compare"> {
  /** Ascending shares above 0, at most 1; default those of MIB. */
  readonly sizes?: readonly number[];
  /** Keeps the scores of each pair; default false. */
  readonly each?: boolean;
}

/** Where the model and no circuit differ by less than this part of the targets, quotients by it are not given. */
const LEAST_GAP = 1e-3;

/** Edges that a result lists at most. */
const EDGES_LISTED = 100_000;

/**
 * Ranks all edges by |score|, keeps the first of them, and measures what is left of the target when every other edge
 * carries the reference.
 *
 * ```ts
 * const setting = patchSetting({ kind: "edge", level: "head", reference: { kind: "run" }, direction: "noise" });
 * const { sizes, cpr, cmd } = await findCircuit(cpu, model, pairs, setting, { method: "eap-ig" });
 * ```
 *
 * Scores are means over pairs, and so are the targets before faithfulness is taken of them. All sizes run as one
 * stack. Nodes without a way to the output are not pruned.
 *
 * @throws InputError what `patchEffects` throws; `patching/circuit-of-edges`, `patching/bad-sizes`,
 * `patching/no-difference` where the model with all edges cut says the same; `patching/too-many-scores` where the
 * scores of each pair are asked for and are more than a million together
 */
export async function findCircuit<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T> | PromptModels<T>,
  pairs: readonly PromptPair[],
  setting: PatchSetting,
  options: CircuitOptions = {},
): Promise<CircuitResult> {
  const { sizes = CIRCUIT_SIZES, each = false, ...rest } = options;
  checkCircuit(setting, sizes);
  const graph = patchGraph(model.architecture, setting.level);
  if (each) checkScores(pairs.length, graph);
  const scored = await patchEffects(engine, model, pairs, setting, { method: "eap", ...rest });
  const ranked = rankEdges(graph, scored.effect);
  const counts = sizes.map((share) => Math.floor(share * ranked.length));
  const place = new Map(
    ranked.map(({ source, receiver }, i) => [source * graph.receivers.length + receiver, i]),
  );
  const circuits = [0, ...counts].map((count): Circuit => {
    return (source, receiver) =>
      (place.get(source * graph.receivers.length + receiver) ?? count) < count;
  });
  const targets = await targetsOfCircuits(engine, model, { graph, pairs, circuits, setting }, rest);
  const { logitSize } = scored;
  const means = circuits.map((_, i) => mean(targets.map((own) => own[i] ?? Number.NaN)));
  const [targetEmpty = Number.NaN, ...kept] = means;
  const gap = scored.targetClean - targetEmpty;
  if (gap === 0) {
    throw new InputError({
      code: "patching/no-difference",
      message: `The target is ${targetEmpty} with every edge and with none: there is nothing to be faithful to.`,
      remedy: "Choose another corrupt prompt, or another target.",
      details: { target: targetEmpty },
    });
  }
  const ends = scored.pairs.flatMap(({ target }, i) => [target.value, targets[i]?.[0] ?? 0]);
  const largest = [...ends, ...kept].reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  // Hidden by the rounding of the logits that targets are made of, or far smaller than the targets themselves.
  const isNext = (own: number, most: number): boolean =>
    isNothing(own, measuredSize(setting.measure, logitSize, [most]), engine.precision) ||
    Math.abs(own) < LEAST_GAP * most;
  const nothing = isNext(gap, largest);
  // Of each pair: how far it is from the model with every edge cut, with the edges of each size and with all.
  const gaps = scored.pairs.map(({ target }, i) => target.value - (targets[i]?.[0] ?? 0));
  const gained = targets.map(([empty = Number.NaN, ...own]) => own.map((value) => value - empty));
  const measuredSizes = sizes.map((share, i): CircuitSize => {
    const value = kept[i] ?? Number.NaN;
    const faithfulness = nothing ? null : (value - targetEmpty) / gap;
    const own = gained.map((values) => values[i] ?? Number.NaN);
    const interval = nothing ? null : ratioInterval(own, gaps);
    return { share, edges: counts[i] ?? 0, value, faithfulness, interval };
  });
  const areaOf = (height: (faithfulness: number) => number): number | null =>
    nothing
      ? null
      : areaUnder(
          measuredSizes.map(({ share, faithfulness }) => [
            share,
            height(faithfulness ?? Number.NaN),
          ]),
        );
  const listed = ranked.slice(0, EDGES_LISTED);
  return {
    ...computedResult("circuit", engine, model, {
      reference: scored.reference,
      warnings: nothing ? [noFaithfulness(gap, largest, logitSize)] : [],
    }),
    level: scored.level,
    setting: scored.setting,
    method: scored.method,
    steps: scored.steps,
    edgeCount: ranked.length,
    sizes: measuredSizes,
    cpr: areaOf((faithfulness) => faithfulness),
    cmd: areaOf((faithfulness) => Math.abs(1 - faithfulness)),
    intervals: nothing ? null : areaIntervals(measuredSizes, gained, gaps),
    targetModel: scored.targetClean,
    targetEmpty,
    logitSize,
    edges: listed.map(({ source, receiver, score }) => ({
      source: graph.sources[source]?.name ?? "",
      receiver: graph.receivers[receiver]?.name ?? "",
      score,
      ...(scored.interval !== null && {
        interval: {
          low: scored.interval.low[source]?.[receiver] ?? Number.NaN,
          high: scored.interval.high[source]?.[receiver] ?? Number.NaN,
        },
      }),
    })),
    pairs: scored.pairs.map(({ effect, ...pair }, i) => {
      const [empty = Number.NaN, ...own] = targets[i] ?? [];
      const apart = gaps[i] ?? Number.NaN;
      const none = isNext(apart, Math.max(Math.abs(pair.target.value), Math.abs(empty)));
      const score = ({ source, receiver }: PatchEdge): number =>
        effect?.[source]?.[receiver] ?? Number.NaN;
      return {
        ...pair,
        ...{ targetEmpty: empty, targets: own },
        faithfulness: own.map((value) => (none ? null : (value - empty) / apart)),
        scores: each ? listed.map(score) : null,
      };
    }),
  };
}

function noFaithfulness(gap: number, largest: number, logitSize: number): Warning {
  return {
    code: "no-faithfulness",
    message: `The model and the model with every edge cut differ by ${short(gap)} in the target, next to nothing beside targets of up to ${short(largest)} and logits of about ${short(logitSize)}: faithfulness, CPR and CMD, which divide by that, are not given. Choose another corrupt prompt, or another target.`,
  };
}

/**
 * Intervals of CPR and CMD over pairs. Areas are sums over sizes, so that they are quotients of means over pairs as
 * faithfulness is; of CMD with the signs of `1 − f` held.
 */
function areaIntervals(
  sizes: readonly CircuitSize[],
  gained: readonly (readonly number[])[],
  gaps: readonly number[],
): CircuitResult["intervals"] {
  const areas = (height: (gain: number, gap: number, faithfulness: number) => number): number[] =>
    gained.map((own, pair) =>
      areaUnder(
        sizes.map(({ share, faithfulness }, i) => [
          share,
          height(own[i] ?? Number.NaN, gaps[pair] ?? Number.NaN, faithfulness ?? Number.NaN),
        ]),
      ),
    );
  const cpr = ratioInterval(
    areas((gain) => gain),
    gaps,
  );
  const cmd = ratioInterval(
    areas((gain, gap, faithfulness) => (gap - gain) * Math.sign(1 - faithfulness)),
    gaps,
  );
  return cpr === null || cmd === null ? null : { cpr, cmd };
}

/** The area under points by trapezoids, their first coordinates ascending. */
export function areaUnder(points: readonly (readonly [number, number])[]): number {
  return points.slice(1).reduce((area, [x, y], i) => {
    const [before, height] = points[i] ?? [x, y];
    return area + ((x - before) * (y + height)) / 2;
  }, 0);
}

/** All edges by falling |score|; of equal ones the earlier first. */
function rankEdges(
  graph: PatchGraph,
  effect: PatchResult["effect"],
): (PatchEdge & { readonly score: number })[] {
  const edges = edgesOf(graph).map(({ source, receiver }) => {
    return { source, receiver, score: effect[source]?.[receiver] ?? 0 };
  });
  return edges.sort((x, y) => Math.abs(y.score) - Math.abs(x.score));
}

/** The target of each circuit, by pair. */
async function targetsOfCircuits<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T> | PromptModels<T>,
  {
    graph,
    pairs,
    circuits,
    setting: { reference, measure },
  }: {
    readonly graph: PatchGraph;
    readonly pairs: readonly PromptPair[];
    readonly circuits: readonly Circuit[];
    readonly setting: PatchSetting;
  },
  { memory = STACK_MEMORY, signal }: Pick<PatchOptions, "memory" | "signal">,
): Promise<readonly number[][]> {
  const sizes = shapesOf(model);
  const means =
    reference.kind === "mean"
      ? engine.scope(() => meanWrites(engine, model, graph, reference.prompts))
      : undefined;
  try {
    const all: number[][] = [];
    for (const pair of pairs) {
      // A circuit keeps parts of the clean run, however its edges were scored.
      const noise = { reference, direction: "noise" } as const;
      const prepared = engine.scope(() => preparePair(engine, model, graph, pair, noise, means));
      let held: Asked<T> | undefined;
      try {
        const { asked } = await endsOf(engine, model, pair, prepared, measure);
        held = asked;
        const x0 = prepared.clean.streams[0] as T; // what the first stage reads
        const own = modelOf(model, pair.clean);
        const subject = { model: own, graph, x0, reference: prepared.reference, ...asked };
        const chunks = inChunks(
          circuits,
          memory,
          (some) =>
            priced(engine.precision, (ops) => {
              const given = ({ shape }: T) => ({ shape, bytes: 0 }); // costs nothing itself
              const shapes = { model: sizes, x0: given(x0), reference: given(subject.reference) };
              return circuitTargets(ops, { ...mapAsked(asked, given), graph, ...shapes }, some);
            }).peakBytes,
          1,
        );
        const targets: number[] = [];
        for (const some of chunks) {
          const values = await using(
            engine,
            () => circuitTargets(engine, subject, some),
            (tensor) => readNumbers(engine, tensor),
          );
          targets.push(...values);
          await pause(signal);
        }
        all.push(targets);
      } finally {
        engine.free([prepared, held]);
      }
    }
    return all;
  } finally {
    if (means !== undefined) engine.free(means);
  }
}

function checkScores(pairs: number, graph: PatchGraph): void {
  const numbers = pairs * graph.sources.length * graph.receivers.length;
  if (numbers <= PAIR_NUMBERS) return;
  throw new InputError({
    code: "patching/too-many-scores",
    message: `The scores of each pair are kept up to ${PAIR_NUMBERS} of them together, got ${numbers} of ${pairs} pairs.`,
    remedy: "Take fewer pairs, blocks in place of heads, or means alone.",
    details: { limit: PAIR_NUMBERS, got: numbers },
  });
}

function checkCircuit({ kind }: PatchSetting, sizes: readonly number[]): void {
  if (kind !== "edge") {
    throw new InputError({
      code: "patching/circuit-of-edges",
      message: `A circuit is a set of edges, got the setting of a ${kind}.`,
      remedy: "Score edges.",
      details: { kind },
    });
  }
  const ascending = sizes.every((share, i) => share > (sizes[i - 1] ?? 0) && share <= 1);
  if (sizes.length > 0 && ascending) return;
  throw new InputError({
    code: "patching/bad-sizes",
    message: `Sizes are ascending shares of all edges, above 0 and at most 1; got ${sizes.join(", ") || "none"}.`,
    details: { sizes },
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
