import {
  type Agreement,
  agreement,
  type Certificate,
  type ComputedResult,
  certificateFor,
  computedResult,
  type PairFacts,
  pause,
  spreadOf,
  tokenFacts,
} from "@resolvent/analysis";
import {
  type Engine,
  InputError,
  inOrder,
  type Shaped,
  STACK_MEMORY,
  using,
} from "@resolvent/tensor";
import { type Model, shapesOf } from "@resolvent/transformer";
import { gradientEffects } from "./gradients.ts";
import { levelName, type PatchGraph, patchGraph } from "./graph.ts";
import { type Asked, measuredFacts } from "./measure.ts";
import { endsOf, type PairEnds } from "./pair-ends.ts";
import { checkPairs, type PromptPair } from "./pairs.ts";
import type { Patched } from "./patched.ts";
import { meanWrites, preparePair } from "./prepared.ts";
import { checkPromptModels, modelOf, type PromptModels } from "./prompt-models.ts";
import {
  type EffectMethod,
  type PatchMethod,
  type PatchSetting,
  referenceFacts,
  type SettingFacts,
  settingFacts,
} from "./setting.ts";
import { allTargets, type PatchWork, patchWork, workChunks } from "./work.ts";

/** Effects by source and receiver, in units of the measure; null where the source is not before the receiver. */
export type EffectMatrix = readonly (readonly (number | null)[])[];

/** What patching did to the target: plain data, the same object in API, JSON and app. */
export interface PatchResult extends ComputedResult<"patch"> {
  /** `block`, `head`, `neuron`, `stream`, or the name of another level. */
  readonly level: string;
  readonly setting: SettingFacts;
  readonly method: EffectMethod;
  /** Points of integrated gradients; null for other methods. */
  readonly steps: number | null;
  readonly sources: readonly string[];
  /** Readers of the stream; for nodes `all`, or each position of the prompt: `0`, `1`, … */
  readonly receivers: readonly string[];
  /** Mean over pairs of `target(patched) − target(run)`, or what a gradient says of it. */
  readonly effect: EffectMatrix;
  /** Ends of the 95 % intervals of these means by Student's t; null for a single pair, which has none. */
  readonly interval: { readonly low: EffectMatrix; readonly high: EffectMatrix } | null;
  /** Means over pairs of the measure: of KL from the clean run, 0 by definition. */
  readonly targetClean: number;
  /** Null where a pair has no corrupt prompt. */
  readonly targetCorrupt: number | null;
  /** The largest logit, in size, that targets are made of: their rounding goes by it. */
  readonly logitSize: number;
  readonly pairs: readonly PatchedPair[];
  /** How a gradient method compares with patching exactly; null where that was not asked for. */
  readonly comparison: (Agreement & { readonly exact: EffectMatrix }) | null;
  /**
   * Whether the effects on `final` add up, the worst of all pairs:
   * `|Σ_s effect[s][final] − ⟨∂target/∂T, T_ref − T_run⟩| / Σ_s |effect[s][final]|`. Of `eap` and `eap-ig` on edges,
   * with the reference run; null for others, which are no decompositions.
   */
  readonly certificate: Certificate | null;
}

/** One pair of prompts and its effects. */
export interface PatchedPair extends PairFacts {
  /** Null where all pairs together would have more than a million numbers. */
  readonly effect: EffectMatrix | null;
}

export interface PatchOptions {
  /** Default `exact`. */
  readonly method?: PatchMethod;
  /** Points of integrated gradients; default 5, as Hanna et al. 2024. */
  readonly steps?: number;
  /** Nodes position by position; default all positions together. */
  readonly positions?: boolean;
  /** Also patches exactly, and says how a gradient method compares; default false. */
  readonly compare?: boolean;
  /** Effects from elsewhere, such as `mibScores`, by source and receiver: they are taken as they are, nothing is patched. */
  readonly given?: EffectMatrix | undefined;
  /** Bytes for one stack of patched runs; default 512 MiB. At least one goes through, whatever it takes. */
  readonly memory?: number;
  /** The text of a token, for the result; default none. */
  readonly text?: (id: number) => string;
  readonly signal?: AbortSignal;
  /** Interventions done, and all of them; for gradients pairs of prompts. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** Numbers of single pairs that a result holds at most. */
export const PAIR_NUMBERS = 1_000_000;

/**
 * The effects of all nodes, edges or branches of a model on a measure, exactly or by gradients.
 *
 * ```ts
 * const setting = patchSetting({ kind: "edge", level: "block", reference: { kind: "run" }, direction: "noise" });
 * const { sources, receivers, effect } = await patchEffects(cpu, model, [{ clean, corrupt }], setting);
 * ```
 *
 * Exact edges of `n` blocks take about `n²/6` forward passes, in stacks; gradients about 4.
 *
 * @throws InputError `patching/no-pairs`, `patching/too-many-pairs`, `patching/no-corrupt`,
 * `patching/pair-length`, `patching/streamed-model`, `patching/one-prompt`, `patching/no-mean`; the signal's reason where it is aborted
 */
export async function patchEffects<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T> | PromptModels<T>,
  pairs: readonly PromptPair[],
  setting: PatchSetting,
  options: PatchOptions = {},
): Promise<PatchResult> {
  const { given, steps = 5, compare = false, positions = false, signal } = options;
  const method = given === undefined ? (options.method ?? "exact") : "exact";
  const { reference, measure } = setting;
  checkPairs(pairs, reference.kind === "run", options.text);
  checkPromptModels(model, reference);
  checkMethod(setting, { method, steps, positions }, pairs);
  const graph = patchGraph(model.architecture, setting.level);
  const work = patchWork(graph, setting.kind, positions ? (pairs[0]?.clean.length ?? 0) : 0);
  const first = given === undefined ? method : "given";
  const methods: EffectMethod[] = compare && method !== "exact" ? [first, "exact"] : [first];
  const steppedBy = (each: EffectMethod): number => (each === "exact" ? work.cells.length : 1);
  const total = pairs.length * methods.reduce((n, each) => n + steppedBy(each), 0);
  let done = 0;
  const onDone = async (count: number): Promise<void> => {
    done += count;
    options.onProgress?.({ done, total });
    await pause(signal);
  };
  signal?.throwIfAborted();
  const sizes = shapesOf(model);
  const means =
    reference.kind === "mean"
      ? engine.scope(() => meanWrites(engine, model, graph, reference.prompts))
      : undefined;
  try {
    const found: PairEffects[] = [];
    for (const pair of pairs) {
      const prepared = engine.scope(() => preparePair(engine, model, graph, pair, setting, means));
      let held: Asked<T> | undefined;
      try {
        const { run, deltas } = prepared;
        const { asked, ...ends } = await endsOf(engine, model, pair, prepared, measure);
        held = asked;
        const { clean, corrupt = clean } = pair; // denoising has both
        const of = modelOf(model, setting.direction === "noise" ? clean : corrupt);
        const patched: Patched<T> = { model: of, graph, run, deltas, ...asked };
        const effects: number[][] = [];
        let certificate: number | null = null;
        for (const each of methods) {
          if (each === "given") {
            effects.push(work.cells.map(({ source, column }) => given?.[source]?.[column] ?? 0));
            await onDone(1);
          } else if (each === "exact") {
            const { precision } = engine;
            const limits = { memory: options.memory ?? STACK_MEMORY, precision };
            const chunks = workChunks(sizes, patched, work, limits);
            const base = setting.direction === "noise" ? ends.targetClean : ends.targetCorrupt;
            const targets = await allTargets(engine, patched, work, { chunks, onDone });
            effects.push(targets.map((value) => value - (base ?? Number.NaN))); // denoising has a corrupt run
          } else {
            const how = { method: each, steps };
            const found = await gradientNumbers(engine, patched, prepared.shift, how);
            effects.push(ofWork(work, found));
            if (work.kind === "edge") certificate = found.certificate;
            await onDone(1);
          }
        }
        found.push({ ...ends, pair, effects, certificate });
      } finally {
        engine.free([prepared, held]);
      }
    }
    const [own = [], exact] = methods.map((_, i) => meanOf(found.map(({ effects }) => effects[i])));
    const inMatrix = (values: readonly number[]): EffectMatrix => matrixOf(graph, work, values);
    const errors = found.flatMap(({ certificate }) => certificate ?? []);
    const perPair = found.length * graph.sources.length * work.columns.length <= PAIR_NUMBERS;
    const corrupts = found.flatMap(({ targetCorrupt }) => targetCorrupt ?? []);
    const text = options.text ?? (() => "");
    return {
      ...computedResult("patch", engine, model, {
        reference: referenceFacts(reference),
        certificate:
          errors.length === 0 ? null : certificateFor(engine.precision, Math.max(...errors)),
      }),
      level: levelName(setting.level),
      setting: settingFacts(setting),
      method: first,
      steps: first.startsWith("eap-ig") ? steps : null,
      sources: graph.sources.map(({ name }) => name),
      receivers: work.columns,
      effect: inMatrix(own),
      interval: given === undefined ? intervalOf(found, inMatrix) : null,
      targetClean: mean(found.map(({ targetClean }) => targetClean)),
      targetCorrupt: corrupts.length < found.length ? null : mean(corrupts),
      logitSize: Math.max(...found.map(({ logitSize }) => logitSize)),
      pairs: found.map(({ pair, target, targetClean, targetCorrupt, effects }) => ({
        clean: tokenFacts(pair.clean, { text }),
        corrupt: pair.corrupt === undefined ? null : tokenFacts(pair.corrupt, { text }),
        target: measuredFacts(measure, target, { value: targetClean, text }),
        targetCorrupt,
        effect: perPair ? inMatrix(effects[0] ?? []) : null,
      })),
      comparison: exact === undefined ? null : { ...agreement(own, exact), exact: inMatrix(exact) },
    };
  } finally {
    if (means !== undefined) engine.free(means);
  }
}

function intervalOf(
  found: readonly PairEffects[],
  inMatrix: (values: readonly number[]) => EffectMatrix,
): PatchResult["interval"] {
  if (found.length < 2) return null;
  const cells = found[0]?.effects[0]?.map((_, i) =>
    spreadOf(found.map(({ effects }) => effects[0]?.[i] ?? Number.NaN)),
  );
  const end = (of: "low" | "high"): EffectMatrix =>
    inMatrix(cells?.map((spread) => spread[of] ?? Number.NaN) ?? []);
  return { low: end("low"), high: end("high") };
}

interface PairEffects extends PairEnds {
  readonly pair: PromptPair;
  /** By method, in the order of the work's cells. */
  readonly effects: readonly (readonly number[])[];
  readonly certificate: number | null;
}

/** First-order effects on the host. */
interface GradientNumbers {
  /** By source, then receiver. */
  readonly edges: readonly (readonly number[])[];
  /** By source, then position. */
  readonly nodes: readonly (readonly number[])[];
  readonly certificate: number | null;
}

async function gradientNumbers<T extends Shaped>(
  engine: Engine<T>,
  patched: Patched<T>,
  shift: T | undefined,
  options: { readonly method: Exclude<PatchMethod, "exact">; readonly steps: number },
): Promise<GradientNumbers> {
  const rowsOf = async (x: T, axes: readonly string[]): Promise<number[][]> => {
    const { shape, data } = inOrder(await engine.read(x), axes);
    const width = shape[axes[1] ?? ""] ?? 0;
    return Array.from({ length: data.length / width }, (_, row) =>
      Array.from(data.subarray(row * width, (row + 1) * width)),
    );
  };
  const { graph, deltas } = patched;
  // The difference of the two runs goes along as one more source: its effect on `final` is the sum of all. Streams at
  // several points are no parts of a sum.
  const summed = shift !== undefined && options.method !== "eap-ig-activations" && !graph.ofStream;
  return using(
    engine,
    () => {
      const all = summed
        ? engine.concat([deltas, engine.broadcast(shift, { source: 1 })], "source")
        : deltas;
      return gradientEffects(engine, { ...patched, deltas: all }, options);
    },
    async ({ edges, nodes }) => {
      const reads = [rowsOf(edges, ["source", "receiver"]), rowsOf(nodes, ["source", "pos"])];
      const [found = [], ofNodes = []] = await Promise.all(reads);
      const own = found.slice(0, graph.sources.length);
      const final = own.map((row) => row.at(-1) ?? Number.NaN);
      const size = final.reduce((sum, effect) => sum + Math.abs(effect), 0);
      const missing = Math.abs(
        final.reduce((sum, effect) => sum + effect, 0) - (found.at(-1)?.at(-1) ?? Number.NaN),
      );
      const certificate = summed ? (missing === 0 ? 0 : missing / size) : null;
      return { edges: own, nodes: ofNodes, certificate };
    },
  );
}

/** First-order effects in the order of a work's cells. */
function ofWork(work: PatchWork, { edges, nodes }: GradientNumbers): number[] {
  return work.cells.map(({ source, column }) => {
    if (work.kind === "edge") return edges[source]?.[column] ?? Number.NaN;
    const row = nodes[source] ?? [];
    return work.columns[0] === "all" ? row.reduce((sum, x) => sum + x, 0) : (row[column] ?? 0);
  });
}

function matrixOf(graph: PatchGraph, work: PatchWork, values: readonly number[]): EffectMatrix {
  const matrix = graph.sources.map(() => work.columns.map((): number | null => null));
  work.cells.forEach(({ source, column }, i) => {
    const row = matrix[source];
    if (row !== undefined) row[column] = values[i] ?? Number.NaN;
  });
  return matrix;
}

function meanOf(lists: readonly (readonly number[] | undefined)[]): number[] {
  const length = lists[0]?.length ?? 0;
  return Array.from({ length }, (_, i) => mean(lists.map((list) => list?.[i] ?? Number.NaN)));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Throws where a method, or positions, do not go with what is patched, or measured. */
export function checkMethod(
  { kind, measure, direction }: PatchSetting,
  { method, steps, positions }: Required<Pick<PatchOptions, "method" | "steps" | "positions">>,
  pairs: readonly PromptPair[],
): void {
  const atRun = method === "eap" || (method !== "exact" && steps === 1);
  if (measure === "kl" && direction === "noise" && atRun) {
    throw new InputError({
      code: "patching/flat-measure",
      message: `KL from the clean run is least, 0, at the clean run itself: its gradient there, which ${method} takes${method === "eap" ? "" : " with 1 step"}, is zero whatever is patched.`,
      remedy:
        "Take gradients on the way to the reference (--method eap-ig, steps 2 or more), denoise (--direction denoise), or patch exactly.",
      details: { method, steps },
    });
  }
  if (kind === "branch" && method !== "exact") {
    throw new InputError({
      code: "patching/branch-gradient",
      message: `Branches are patched exactly, got the method ${method}.`,
      remedy: "Their first-order effects are path effects of the frozen model: see topPaths.",
      details: { method },
    });
  }
  if (positions && kind !== "node") {
    throw new InputError({
      code: "patching/positions-of-nodes",
      message: `Only nodes are patched position by position, got ${kind}.`,
      remedy: "Patch nodes, or all positions together.",
      details: { kind },
    });
  }
  const lengths = new Set(pairs.map(({ clean }) => clean.length));
  if (positions && lengths.size > 1) {
    throw new InputError({
      code: "patching/positions-length",
      message: `Positions are averaged over pairs of one length, got ${[...lengths].join(", ")} tokens.`,
      remedy: "Take pairs of one length, or all positions together.",
      details: { lengths: [...lengths] },
    });
  }
}
