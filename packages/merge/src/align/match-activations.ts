import { type Engine, inOrder, type Shaped, sizeAlong } from "@resolvent/tensor";
import { type Model, run } from "@resolvent/transformer";
import { refuse } from "../refuse.ts";
import { assignHeads } from "./assign-heads.ts";
import { assignedGain, bestAssignment } from "./assignment.ts";
import { type Compared, inPasses, sitesOf } from "./compared.ts";
import { addSamples, correlations, type Moments, noMoments } from "./correlation.ts";
import { checkSignsFree, type Permutation } from "./permutation.ts";
import type { Sizes } from "./places.ts";

/** How B is put in order, and how well what it does then goes with what A does. */
export interface ActivationMatching {
  /** B in this order is near A. */
  readonly permutation: Permutation;
  /** The mean correlation of what now stands at the same place, by what was compared: `residual`, `L0.attn`, `L0.mlp`. */
  readonly correlation: Readonly<Record<string, number>>;
}

export interface ActivationOptions {
  /** Whether the signs of the residual basis are matched too, which RMSNorm leaves free; default false. */
  readonly signs?: boolean;
  readonly signal?: AbortSignal;
  /** Called after each text of a pass. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/**
 * The order of a model's residual basis, heads and neurons in which they do most nearly what another's do over texts: best
 * assignments by correlation (Li et al. 2015, arXiv 1511.07543; Tatro et al. 2020, arXiv 2009.02439). Compared are the residual
 * stream at the embedding and after each block, each point counting the same; neurons behind the activation; and heads by their
 * patterns, which no basis changes.
 *
 * ```ts
 * const { permutation, correlation } = await matchActivations(cpu, a, b, texts);
 * ```
 *
 * @param texts token ids, for both models
 * @throws InputError `merge/align-shapes` where the models have not the same sizes, `merge/align-signs`, `merge/align-tokens` for fewer than two
 * positions, and what `run` throws
 */
export async function matchActivations<T extends Shaped>(
  engine: Engine<T>,
  a: Model<T>,
  b: Model<T>,
  texts: readonly (readonly number[])[],
  options: ActivationOptions = {},
): Promise<ActivationMatching> {
  const sizes = sizesOf(a);
  if (JSON.stringify(sizes) !== JSON.stringify(sizesOf(b))) {
    throw refuse(
      "align-shapes",
      `${a.name} and ${b.name} have not the same numbers of layers, heads, neurons and coordinates.`,
      "Align models of one architecture and one size.",
      { a: sizesOf(a), b: sizesOf(b) },
    );
  }
  if (options.signs === true) checkSignsFree(sizes);
  const positions = texts.reduce((sum, { length }) => sum + length, 0);
  if (positions < 2) {
    throw refuse(
      "align-tokens",
      `Activations are compared over ${positions} positions; at least 2 are needed.`,
      "Give texts with more tokens: hundreds of positions tell neurons apart.",
      { positions },
    );
  }
  const gains = new Map<string, Float64Array>();
  const passes = inPasses(sitesOf(sizes));
  const total = passes.length * texts.length;
  for (const [pass, compared] of passes.entries()) {
    const moments = compared.map(({ size }) => noMoments(size));
    for (const [text, tokens] of texts.entries()) {
      options.signal?.throwIfAborted();
      const [inA, inB] = [
        await valuesOf(engine, a, tokens, compared),
        await valuesOf(engine, b, tokens, compared),
      ];
      for (const [i, sums] of moments.entries()) addSamples(sums, inA[i] ?? [], inB[i] ?? []);
      options.onProgress?.({ done: pass * texts.length + text + 1, total });
    }
    for (const [i, { of, share }] of compared.entries()) {
      const found = correlations(moments[i] as Moments); // one for each
      const sum = gains.get(of) ?? new Float64Array(found.length);
      gains.set(
        of,
        sum.map((so, k) => so + share * (found[k] as number)),
      );
    }
  }
  return bestOrders(gains, sizes, options);
}

/** The best orders by mean correlations. */
function bestOrders(
  gains: ReadonlyMap<string, Float64Array>,
  sizes: Sizes,
  { signs: free = false }: ActivationOptions,
): ActivationMatching {
  const correlation: Record<string, number> = {};
  const best = (name: string, n: number, assign: (gain: Float64Array) => number[]): number[] => {
    const gain = gains.get(name);
    if (gain === undefined) return []; // the layer has none
    const order = assign(gain);
    correlation[name] = assignedGain(gain, order) / n;
    return order;
  };
  const stream = gains.get("residual") ?? new Float64Array();
  const n = sizes.residual;
  const residual = bestAssignment(free ? stream.map(Math.abs) : stream, n);
  const signs = residual.map((old, i) => (free && (stream[i * n + old] as number) < 0 ? -1 : 1));
  correlation.residual =
    residual.reduce((sum, old, i) => sum + (stream[i * n + old] as number) * (signs[i] ?? 1), 0) /
    n;
  const permutation = {
    residual,
    ...(free && { signs }),
    mlp: sizes.layers.map(({ mlp }, layer) =>
      best(`L${layer}.mlp`, mlp, (gain) => bestAssignment(gain, mlp)),
    ),
    heads: sizes.layers.map((layerSizes, layer) => {
      const { kvHeads, group } = layerSizes;
      const noKeys = new Float64Array(kvHeads * kvHeads); // patterns are of query heads
      return best(`L${layer}.attn`, kvHeads * group, (gain) =>
        assignHeads(gain, noKeys, layerSizes),
      );
    }),
  };
  return { permutation, correlation };
}

function sizesOf<T extends Shaped>({ architecture, stages }: Model<T>): Sizes {
  const layers = Array.from({ length: architecture.layers }, () => ({
    mlp: 0,
    kvHeads: 0,
    group: 0,
  }));
  for (const stage of stages) {
    for (const block of stage) {
      const sizes = layers[block.layer];
      if (sizes === undefined) continue;
      if (block.kind === "mlp") sizes.mlp = sizeAlong(block.W_out.shape, "d_mlp", block.name);
      else {
        sizes.kvHeads = sizeAlong(block.W_O.shape, "kv_head", block.name);
        sizes.group = sizeAlong(block.W_O.shape, "group", block.name);
      }
    }
  }
  return { residual: architecture.d_model, signsFree: architecture.norm !== "layer", layers };
}

/** The values at sites, those along each one's axis together. */
async function valuesOf<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  compared: readonly Compared[],
): Promise<ArrayLike<number>[]> {
  const { logits, residual, trace } = run(engine, model, tokens, {
    sites: compared.map(({ site }) => site),
  });
  const kept = { logits, residual, trace };
  try {
    return await Promise.all(
      compared.map(async ({ site, axis }) => {
        const value = trace.get(site) as T; // the run kept it, or would have thrown
        return inOrder(await engine.read(value), [axis]).data;
      }),
    );
  } finally {
    engine.free(kept);
  }
}
