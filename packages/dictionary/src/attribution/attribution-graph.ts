import type { Engine, Shaped } from "@resolvent/tensor";
import type { DictionaryRun } from "../expansion/expansion.ts";
import type { AttributionGraph } from "../graph/graph.ts";
import { signedTotals } from "../graph/signed-totals.ts";
import { type ActiveFeature, activeFeatures } from "./active-features.ts";
import { checkFeatureCount, checkPositions } from "./checks.ts";
import { type EdgeList, edgeList } from "./edge-list.ts";
import { type NodeOptions, promptGraphOf } from "./graph-nodes.ts";
import { graphSources } from "./graph-sources.ts";
import { type ChosenLogit, chosenLogits, explainedBy } from "./logits.ts";
import { replacedRun } from "./replaced-run.ts";
import { type ChunkOptions, featureChunks, readRows } from "./row-chunks.ts";
import { strongestFeatures } from "./strongest-features.ts";
import { logitTargets } from "./targets.ts";

export interface AttributionOptions extends NodeOptions, Omit<ChunkOptions, "byBlocks"> {
  /** Positions whose features and errors are no nodes but constants of rows; default none. circuit-tracer: 0. */
  readonly constantPositions?: readonly number[];
  readonly onProgress?: (done: number, of: number) => void;
}

/** A logit as what its paths add up to. */
export interface ExplainedLogit extends ChosenLogit {
  /** All paths from tokens and errors, and the constants and remainders of all rows, through any number of features. */
  readonly total: number;
}

/** The attribution graph of a run, and that its sums are right. */
export interface PromptGraph {
  /** The whole graph: features, errors, tokens, logits. */
  readonly graph: AttributionGraph;
  /** What each node's row adds up to: a feature's pre-activation, a logit less the mean; 0 of what reads nothing. */
  readonly values: Float64Array;
  /** Biases (of attention, of encoders and decoders, β of norms), and what stands at constant positions, in each row. */
  readonly constants: Float64Array;
  /** What active features that are no nodes give each row. */
  readonly remainders: Float64Array;
  readonly features: { readonly active: number; readonly shown: number };
  readonly logits: readonly ExplainedLogit[];
  readonly certificate: {
    /** `max |Σ edges + constant + remainder − value| / max |value|` over all rows. */
    readonly rows: number;
    /** `max |Σ paths − value| / max |value|` over the logits. */
    readonly logits: number;
  };
}

/**
 * The attribution graph of a run (Ameisen et al. 2025): what each active feature, error and token gives each feature and
 * logit **directly**, with all gates held: along the stream, through attention with its pattern, through skips of
 * transcoders, and through no other feature.
 *
 *     A[t, s] = ⟨w_t, (Π of blocks between) a_s d_s⟩      Σ_s A[t, s] + constant_t + remainder_t = value_t
 *
 * with `w_t` a feature's row of the encoder through the norm, or `W_U[:, v]` less its mean through the final norm. MLPs
 * without a transcoder pass as their linear parts, with their gates held.
 *
 * ```ts
 * await withDictionaries(cpu, model, ids, transcoders, async (made) => {
 *   const { graph, certificate } = await attributionGraph(cpu, made, { token: (id) => tokenizer.decode([id]) });
 *   graphScores(pruneGraph(graph).graph);
 * });
 * ```
 *
 * @throws InputError `dictionary/no-graph`, `dictionary/bad-logits`, `dictionary/bad-count`, `dictionary/too-many`
 */
export async function attributionGraph<T extends Shaped>(
  engine: Engine<T>,
  made: DictionaryRun<T>,
  options: AttributionOptions = {},
): Promise<PromptGraph> {
  const { features: most = 4096, constantPositions = [], signal, onProgress } = options;
  checkFeatureCount(most);
  const constant = checkPositions(constantPositions, made.run.positions);
  const replaced = engine.scope(() => replacedRun(engine, made));
  const owned: unknown[] = [replaced.own];
  try {
    const logits = await chosenLogits(engine, replaced, options.logits);
    const active = await activeFeatures(engine, replaced);
    const free = active.filter(({ position }) => !constant.has(position));
    const { chosen, others } = await strongestFeatures(engine, replaced, logits, free, most);
    const held = active.filter(({ position }) => constant.has(position));
    const sources = engine.scope(() =>
      graphSources(engine, replaced, {
        ...{ features: chosen, others: [...others, ...held], constantPositions: constant },
      }),
    );
    owned.push(sources);
    const edges = edgeList(replaced, sources, chosen);
    const chunks = featureChunks(engine, replaced, sources, chosen, options);
    for (const [i, { places, targets }] of chunks.entries()) {
      signal?.throwIfAborted();
      onProgress?.(i, chunks.length + 1);
      edges.add(places, await readRows(engine, replaced, sources, targets));
    }
    signal?.throwIfAborted();
    onProgress?.(chunks.length, chunks.length + 1);
    const places = logits.map((_, i) => edges.firstLogit + i);
    const ends = await readRows(engine, replaced, sources, () =>
      logitTargets(engine, replaced, explainedBy(logits)),
    );
    edges.add(places, ends);
    onProgress?.(chunks.length + 1, chunks.length + 1);
    return explained(replaced, edges, {
      chosen,
      active: active.length - held.length,
      logits,
      options,
    });
  } finally {
    engine.free(owned);
  }
}

function explained<T extends Shaped>(
  { run, model, replacements }: Parameters<typeof promptGraphOf<T>>[0],
  edges: EdgeList,
  of: {
    readonly chosen: readonly ActiveFeature[];
    readonly active: number;
    readonly logits: readonly ChosenLogit[];
    readonly options: AttributionOptions;
  },
): PromptGraph {
  const { chosen, logits } = of;
  const list = edges.finish(logits.length);
  const graph = promptGraphOf({ run, model, replacements }, list.edges, of);
  const { length } = graph.nodes;
  const values = new Float64Array(length);
  chosen.forEach(({ activation }, i) => {
    values[i] = activation;
  });
  logits.forEach(({ value }, i) => {
    values[edges.firstLogit + i] = value;
  });
  const { constants, remainders } = list;
  const beside = constants.map((constant, i) => constant + (remainders[i] ?? 0));
  const totals = logits.map((_, i) => {
    const weights = new Float64Array(length);
    weights[edges.firstLogit + i] = 1;
    return signedTotals(graph, { constants: beside, weights }).total;
  });
  return {
    ...{ graph, values, constants, remainders },
    features: { active: of.active, shown: chosen.length },
    logits: logits.map((logit, i) => ({ ...logit, total: totals[i] ?? Number.NaN })),
    certificate: {
      rows: apartFrom(list.sums, values),
      logits: apartFrom(
        Float64Array.from(totals),
        Float64Array.from(logits, ({ value }) => value),
      ),
    },
  };
}

/** `max |a − b| / max |b|`. */
function apartFrom(sums: Float64Array, values: Float64Array): number {
  let [most, largest] = [0, 0];
  sums.forEach((sum, i) => {
    const value = values[i] ?? Number.NaN;
    const off = Math.abs(sum - value);
    most = off > most || Number.isNaN(off) ? off : most;
    largest = Math.max(largest, Math.abs(value));
  });
  return largest === 0 ? most : most / largest;
}
