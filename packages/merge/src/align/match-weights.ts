import type { Engine, Shaped } from "@resolvent/tensor";
import { bytesPerEntry, type ReadOptions } from "@resolvent/weights";
import type { OpenMergeModel } from "../model.ts";
import { addAgreement } from "./agreement.ts";
import { assignHeads, headsGain } from "./assign-heads.ts";
import { assignedGain, bestAssignment } from "./assignment.ts";
import { type Group, groupsOf, kindsOf, tensorsOf } from "./group.ts";
import { nearness } from "./objective.ts";
import { checkPermutation, checkSignsFree, identityOf, type Permutation } from "./permutation.ts";
import { type Products, plainProducts, productsOn } from "./products.ts";
import { type Two, twoModels } from "./two-models.ts";

/** An alignment: how B is put in order, and how well it then agrees with A. */
export interface WeightMatching {
  /** B in this order is near A. */
  readonly permutation: Permutation;
  /** `Σ_t ⟨A_t, π(B)_t⟩` at the start and after each sweep. It never falls; a local optimum. */
  readonly objective: readonly number[];
  /** Whether a sweep changed nothing, rather than that there were no more sweeps. */
  readonly settled: boolean;
  /** The order in which a sweep went: another order may end in another optimum. */
  readonly order: readonly Group[];
}

export interface MatchOptions<T extends Shaped = Shaped> extends ReadOptions {
  /**
   * Computes the products, in place of plain loops: it pays from a few hundred coordinates on. With one of float32 a sweep ends
   * where gains are below 1e-5; objectives are of float64 always.
   */
  readonly engine?: Engine<T>;
  /** What a sweep begins with; default `residual`. */
  readonly first?: "residual" | "layers";
  /** Where the ascent starts; default everything where it is. */
  readonly start?: Permutation;
  /** Whether the signs of the residual basis are matched too, which RMSNorm leaves free; default false, or as in `start`. */
  readonly signs?: boolean;
  /** Most sweeps over all groups; default 100. */
  readonly sweeps?: number;
  /** Called before each group of a sweep. */
  readonly onProgress?: (progress: MatchProgress) => void;
}

/** How far a matching is. */
export interface MatchProgress {
  /** From 0. */
  readonly sweep: number;
  readonly done: number;
  /** Groups of a sweep. */
  readonly total: number;
}

/**
 * The order of a model's residual basis, heads and neurons in which its weights agree best with another's, by coordinate ascent
 * (Ainsworth et al. 2022, arXiv 2209.04836, algorithm 1): with all groups but one as they are, the best order of that one is a
 * linear assignment. Tensors are read anew in each step, so two are held at a time.
 *
 * ```ts
 * const { permutation, objective } = await matchWeights(a, b);
 * ```
 *
 * @throws InputError `merge/align-shapes` where the models differ in a tensor's name or shape, `merge/align-axis`,
 * `merge/align-signs` for signs with LayerNorms, `merge/permutation` for a start that is none of this model, `merge/not-finite`, and what reading throws
 */
export async function matchWeights<T extends Shaped>(
  a: OpenMergeModel,
  b: OpenMergeModel,
  options: MatchOptions<T> = {},
): Promise<WeightMatching> {
  const { first = "residual", sweeps = 100, engine, onProgress } = options;
  const products = engine === undefined ? plainProducts : productsOn(engine);
  const two = twoModels(a, b);
  const { sizes } = two;
  let permutation = options.start ?? identityOf(sizes);
  checkPermutation(permutation, sizes);
  if (options.signs === true) checkSignsFree(sizes);
  const order = groupsOf(two, first);
  const objective = [(await nearness(two, permutation, options)).objective];
  let settled = false;
  for (let sweep = 0; sweep < sweeps && !settled; sweep++) {
    settled = true;
    for (const [done, group] of order.entries()) {
      onProgress?.({ sweep, done, total: order.length });
      const better = await improve(two, group, permutation, { ...options, products });
      if (better === undefined) continue;
      permutation = better;
      settled = false;
    }
    objective.push((await nearness(two, permutation, options)).objective);
  }
  return { permutation, objective, settled, order };
}

/**
 * What a sweep of `matchWeights` costs: multiplications, and bytes that are read of each model. Both are known from headers.
 *
 * @throws InputError `merge/align-shapes`, `merge/align-axis`
 */
export function matchingCost(
  a: OpenMergeModel,
  b: OpenMergeModel,
): { readonly multiplications: number; readonly bytes: number } {
  const two = twoModels(a, b);
  const size = (x: readonly number[]): number => x.reduce((n, one) => n * one, 1);
  let multiplications = 0;
  let bytes = two.tensors.reduce(
    (n, { shape, dtype }) => n + size(shape) * bytesPerEntry(dtype),
    0,
  ); // the objective
  for (const group of groupsOf(two, "residual")) {
    for (const { shape, dtype, parts } of tensorsOf(two, group)) {
      const own = parts.filter(({ kind }) => kindsOf(group).includes(kind));
      multiplications += size(shape) * size(own.map((part) => part.size));
      bytes += size(shape) * bytesPerEntry(dtype);
    }
  }
  return { multiplications, bytes };
}

interface Improving extends Pick<MatchOptions, "signs" | "signal"> {
  readonly products: Products;
}

/** The permutation with a better order of one group; undefined where there is none. */
async function improve(
  two: Two,
  group: Group,
  permutation: Permutation,
  { products, ...options }: Improving,
): Promise<Permutation | undefined> {
  const { sizes } = two;
  const { kind, layer } = group;
  const { kvHeads, group: shared, mlp } = sizes.layers[layer] ?? { kvHeads: 0, group: 0, mlp: 0 };
  const n = { residual: sizes.residual, heads: kvHeads * shared, mlp }[kind];
  const sums = new Float64Array(n * n);
  const scales = new Float64Array(kind === "residual" ? n * n : 0); // what keeps its sign
  const keys = new Float64Array(kind === "heads" ? kvHeads * kvHeads : 0);
  for (const tensor of tensorsOf(two, group)) {
    options.signal?.throwIfAborted();
    const pair = await two.read(tensor, options);
    const keeps = kind === "residual" && !tensor.parts.some(({ signed }) => signed);
    const ordered = { permutation, sizes, products };
    await addAgreement(keeps ? scales : sums, pair, kind, ordered);
    if (kind === "heads") await addAgreement(keys, pair, "kv", ordered);
  }
  const isBetter = (value: number, now: number): boolean =>
    value > now + products.tolerance * Math.abs(value);
  switch (kind) {
    case "residual": {
      const free = options.signs === true || permutation.signs !== undefined;
      const gains = sums.map((sum, at) => (free ? Math.abs(sum) : sum) + (scales[at] as number));
      const residual = bestAssignment(gains, n);
      const now = permutation.residual.reduce((sum, old, i) => {
        const at = i * n + old;
        return sum + (sums[at] as number) * (permutation.signs?.[i] ?? 1) + (scales[at] as number);
      }, 0);
      if (!isBetter(assignedGain(gains, residual), now)) return undefined;
      const signs = residual.map((old, i) => ((sums[i * n + old] as number) < 0 ? -1 : 1));
      return { ...permutation, residual, ...(free && { signs }) };
    }
    case "mlp": {
      const order = bestAssignment(sums, n);
      const now = permutation.mlp[layer] ?? [];
      if (!isBetter(assignedGain(sums, order), assignedGain(sums, now))) return undefined;
      return { ...permutation, mlp: permutation.mlp.with(layer, order) };
    }
    case "heads": {
      const order = assignHeads(sums, keys, { kvHeads, group: shared });
      const now = permutation.heads[layer] ?? [];
      const gain = (of: readonly number[]): number => headsGain(sums, keys, of, shared);
      if (!isBetter(gain(order), gain(now))) return undefined;
      return { ...permutation, heads: permutation.heads.with(layer, order) };
    }
  }
}
