import type { Shaped } from "@resolvent/tensor";
import { bytesPerEntry, type ReadOptions } from "@resolvent/weights";
import type { OpenMergeModel } from "../model.ts";
import type { BasisChange, LayerBases } from "./basis-change.ts";
import type { Changing } from "./changing.ts";
import { identity } from "./matrix.ts";
import { type Nearness, nearnessOver } from "./objective.ts";
import { identityOf } from "./permutation.ts";
import { type Kind, placed } from "./places.ts";
import {
  type BasisGroup,
  pairsOf,
  type Turning,
  type TurningOptions,
  turned,
  turningOf,
} from "./turning.ts";

/** How B is turned, and how well it then agrees with A. */
export interface RotationMatching {
  /** B so changed is near A. */
  readonly change: BasisChange;
  /**
   * `Σ_t ⟨A_t, B_t⟩` at the start and after each sweep, where the residual stream is turned of both models with folded norms: so it is
   * not the number that an order of the same models has. It never falls; a local optimum.
   */
  readonly objective: readonly number[];
  /** `‖A − B‖ / ‖A‖` of the same, before and after. */
  readonly distance: readonly [before: number, after: number];
  /** Whether the last sweep gained nothing to speak of, rather than that there were no more sweeps. */
  readonly settled: boolean;
  readonly order: readonly BasisGroup[];
}

export interface RotationOptions<T extends Shaped = Shaped> extends TurningOptions<T> {
  /** Most sweeps over all groups; default 100. */
  readonly sweeps?: number;
  /** Called before each group of a sweep. */
  readonly onProgress?: (progress: {
    readonly sweep: number;
    readonly done: number;
    readonly total: number;
  }) => void;
}

/** A sweep that gains less, in units of the objective, is the last. */
const SETTLED = 1e-10;

/**
 * The bases of the residual stream and within heads in which a model's weights agree best with another's, by coordinate ascent: with all
 * others as they are, the best orthogonal matrix is that of Procrustes (Schönemann 1966; for heads Zhang et al. 2025, arXiv
 * 2502.00264; for the residual stream Ashkboos et al. 2024, arXiv 2401.15024), and the best rotation of a rotary pair an angle.
 *
 * ```ts
 * const { permutation } = await matchWeights(a, b);
 * const { change, objective } = await matchRotations(a, b, { linearAlgebra, after: permutation });
 * ```
 *
 * @throws InputError `merge/align-shapes`, `merge/align-axis`, `merge/permutation`, `merge/not-finite`, and what reading throws
 */
export async function matchRotations<T extends Shaped>(
  a: OpenMergeModel,
  b: OpenMergeModel,
  options: RotationOptions<T>,
): Promise<RotationMatching> {
  const { sweeps = 100, onProgress, signal } = options;
  const turning = await turningOf(a, b, options);
  let now = turning.b;
  const near = [await nearnessIn(turning, now, { signal })];
  let settled = false;
  for (let sweep = 0; sweep < sweeps && !settled; sweep++) {
    for (const [done, group] of turning.order.entries()) {
      onProgress?.({ sweep, done, total: turning.order.length });
      now = await turned(turning, now, group, { signal });
    }
    const before = near.at(-1)?.objective ?? 0;
    near.push(await nearnessIn(turning, now, { signal }));
    const after = near.at(-1)?.objective ?? 0;
    settled = after - before <= SETTLED * Math.abs(after);
  }
  return {
    change: changeOf(now),
    objective: near.map(({ objective }) => objective),
    distance: [near[0]?.distance ?? 0, near.at(-1)?.distance ?? 0],
    settled,
    order: turning.order,
  };
}

/**
 * What a sweep of `matchRotations` costs: multiplications but for those of decompositions, and bytes that are read of each model.
 * Both are known from headers.
 *
 * @throws InputError `merge/align-axis`
 */
export function rotationCost(b: OpenMergeModel): {
  readonly multiplications: number;
  readonly bytes: number;
} {
  const { tensors, architecture, sizes } = placed(b);
  const { d_model, d_head, writeNorms } = architecture;
  let [multiplications, bytes] = [0, 0];
  for (const { shape, dtype, layer, parts, copy } of tensors) {
    if (copy) continue;
    const has = (kind: Kind): boolean => parts.some((part) => part.kind === kind);
    const size = shape.reduce((n, one) => n * one, 1);
    const turns = has("residual") && writeNorms !== true;
    const mlp = has("mlp") && turns ? (sizes.layers[layer]?.mlp ?? 0) : 0;
    // Read and turned for each group that it is in, and for the objective; a sum of products for each group.
    const inGroups = Number(turns) + Number(has("d_head")) + Number(mlp > 0);
    const turning = turns ? (inGroups + 1) * d_model : 0;
    const summing = (turns ? d_model : 0) + (has("d_head") ? d_head : 0) + mlp;
    multiplications += size * (turning + summing);
    bytes += size * bytesPerEntry(dtype) * (inGroups + 1);
  }
  return { multiplications, bytes };
}

/** What has been found, as data. */
function changeOf({ form, residual, layers, permutation }: Changing): BasisChange {
  return {
    after: permutation,
    ...(residual !== undefined && {
      residual: residual.Q ?? identity(form.architecture.d_model),
    }),
    layers: layers.map(
      ({ values, keys }): LayerBases => ({
        ...(values !== undefined && { values: values.matrices }),
        ...(keys !== undefined && { keys: keys.matrices }),
      }),
    ),
  };
}

async function nearnessIn(turning: Turning, b: Changing, options: ReadOptions): Promise<Nearness> {
  const { sizes } = b.form;
  return await nearnessOver(
    pairsOf(turning, b, () => true, options),
    identityOf(sizes),
    sizes,
  );
}
