import type { Engine, Shaped } from "@resolvent/tensor";
import { loadModel } from "@resolvent/transformer";
import type { ReadOptions } from "@resolvent/weights";
import type { OpenMergeModel } from "../model.ts";
import type { BasisChange } from "./basis-change.ts";
import { changeBasis } from "./change-basis.ts";
import { groupsOf } from "./group.ts";
import { matchActivations } from "./match-activations.ts";
import { matchRotations, type RotationOptions } from "./match-rotations.ts";
import { matchWeights } from "./match-weights.ts";
import type { Rewritten } from "./memory-model.ts";
import { nearness } from "./objective.ts";
import { identityOf, type Permutation } from "./permutation.ts";
import { permutedTensors } from "./permute.ts";
import { twoModels } from "./two-models.ts";

/** What a step of an alignment did, as measured: it may be nothing, and by activations weights may end further apart. */
export interface AlignmentStage {
  readonly stage: "permutation" | "rotation";
  /** What was compared. */
  readonly by: "weights" | "activations";
  /** What was put in order or turned, in this order: another may end in another optimum. */
  readonly groups: readonly { readonly kind: string; readonly layer: number }[];
  /** `Σ_t ⟨A_t, B_t⟩` at the start and after each sweep over the groups. */
  readonly objective: readonly number[];
  /** `‖A − B‖ / ‖A‖` before and after. */
  readonly distance: readonly [before: number, after: number];
  /** Whether a further sweep would change nothing. */
  readonly settled: boolean;
  /** By activations: the mean correlation of what stands at the same place, by what was compared. */
  readonly correlation?: Readonly<Record<string, number>>;
}

/** B near A: how it came about, and what B is then: it computes what it did, and can be merged with A as it is. */
export interface ModelAlignment extends Rewritten {
  /**
   * In their order. Where rotations turn the residual stream, the second compares both models with folded norms: its first objective
   * is of the models that the first stage ended with, and another number.
   */
  readonly stages: readonly AlignmentStage[];
  readonly permutation: Permutation;
  /** With rotations: the permutation and what is turned after it. */
  readonly change?: BasisChange;
}

/** How far an alignment is. */
export interface AlignmentProgress {
  readonly stage: AlignmentStage["stage"];
  /** From 0. */
  readonly sweep: number;
  readonly done: number;
  /** Groups of a sweep, or texts. */
  readonly total: number;
}

export interface AlignOptions<T extends Shaped> extends ReadOptions {
  /** Compares activations over texts, of both models loaded on an engine; default the weights. */
  readonly activations?: {
    readonly engine: Engine<T>;
    /** Token ids, for both models. */
    readonly texts: readonly (readonly number[])[];
  };
  /** Turns bases too, as a second stage; default not. B then has the scales of A's norms, and an unembedding of its own. */
  readonly rotations?: Pick<RotationOptions, "linearAlgebra" | "residual">;
  /** Computes the products over weights, in place of plain loops; rotations want one of float64. */
  readonly engine?: Engine<T>;
  /** What tensors that rotations change are stored in, rounded once; default each as it is stored. */
  readonly dtype?: "F32" | "F64";
  /** Whether the signs of the residual basis are matched too, which RMSNorm leaves free; default false. */
  readonly signs?: boolean;
  /** What a sweep over weights begins with; default `residual`. */
  readonly first?: "residual" | "layers";
  /** Most sweeps of a stage; default 100. */
  readonly sweeps?: number;
  readonly onProgress?: (progress: AlignmentProgress) => void;
}

/**
 * Brings a model near another without changing what it computes, in stages, with what each of them gained.
 *
 * ```ts
 * const alignment = await alignModels(a, b);
 * const aligned = await memoryModel("b, aligned", alignment);
 * ```
 *
 * @throws InputError what `matchWeights`, `matchActivations`, `matchRotations` and `changeBasis` throw
 */
export async function alignModels<T extends Shaped>(
  a: OpenMergeModel,
  b: OpenMergeModel,
  options: AlignOptions<T> = {},
): Promise<ModelAlignment> {
  const { engine, rotations, signal, sweeps, dtype, onProgress } = options;
  const { permutation, stage } = await orderStage(a, b, options);
  if (rotations === undefined) {
    const tensors = permutedTensors(b, permutation, { signal });
    return { stages: [stage], permutation, config: b.config, tensors };
  }
  const own = { ...(engine !== undefined && { engine }), signal };
  const { change, objective, distance, settled, order } = await matchRotations(a, b, {
    ...rotations,
    ...own,
    ...(sweeps !== undefined && { sweeps }),
    after: permutation,
    onProgress: (progress) => onProgress?.({ stage: "rotation", ...progress }),
  });
  const second: AlignmentStage = {
    ...{ stage: "rotation", by: "weights", groups: order },
    ...{ objective, distance, settled },
  };
  const rewritten = await changeBasis(b, change, {
    ...own,
    ...(dtype !== undefined && { dtype }),
    like: a,
  });
  const last = change.after ?? permutation;
  return { stages: [stage, second], permutation: last, change, ...rewritten };
}

async function orderStage<T extends Shaped>(
  a: OpenMergeModel,
  b: OpenMergeModel,
  options: AlignOptions<T>,
): Promise<{ readonly permutation: Permutation; readonly stage: AlignmentStage }> {
  const { activations, onProgress, signal, signs, rotations, dtype, ...rest } = options;
  const two = twoModels(a, b);
  const before = await nearness(two, identityOf(two.sizes), options);
  if (activations === undefined) {
    const found = await matchWeights(a, b, {
      ...rest,
      ...(signs !== undefined && { signs }),
      signal,
      onProgress: (progress) => onProgress?.({ stage: "permutation", ...progress }),
    });
    const { permutation, objective, settled, order: groups } = found;
    const { distance } = await nearness(two, permutation, options);
    const measured = { objective, distance: [before.distance, distance] as const, settled };
    return { permutation, stage: { stage: "permutation", by: "weights", groups, ...measured } };
  }
  const { engine, texts } = activations;
  const own = { ...(signal !== undefined && { signal }) };
  const loaded = await Promise.all([
    loadModel(engine, a.folder, own),
    loadModel(engine, b.folder, own),
  ]);
  try {
    const { permutation, correlation } = await matchActivations(engine, ...loaded, texts, {
      ...own,
      ...(signs !== undefined && { signs }),
      onProgress: (progress) => onProgress?.({ stage: "permutation", sweep: 0, ...progress }),
    });
    const after = await nearness(two, permutation, options);
    const stage: AlignmentStage = {
      stage: "permutation",
      by: "activations",
      groups: groupsOf(two, "residual"),
      objective: [before.objective, after.objective],
      distance: [before.distance, after.distance],
      settled: true,
      correlation,
    };
    return { permutation, stage };
  } finally {
    engine.free(loaded);
  }
}
