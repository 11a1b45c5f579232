import type { MethodName } from "./method.ts";
import { arceeFusion } from "./methods/arcee-fusion.ts";
import { karcher } from "./methods/karcher.ts";
import { linear } from "./methods/linear.ts";
import { modelStock } from "./methods/model-stock.ts";
import { multislerp } from "./methods/multislerp.ts";
import { nearswap } from "./methods/nearswap.ts";
import { rowLength } from "./methods/numbers.ts";
import { nuslerp } from "./methods/nuslerp.ts";
import { passthrough } from "./methods/passthrough.ts";
import { uniform } from "./methods/philox.ts";
import { sce } from "./methods/sce.ts";
import { slerp } from "./methods/slerp.ts";
import type { Rescaling } from "./methods/sparsify.ts";
import { SPARSIFIERS } from "./methods/task-methods.ts";
import { taskVectors } from "./methods/task-vectors.ts";
import type { Weighted } from "./methods/weighted.ts";
import type { PlannedParameters } from "./plan.ts";
import { refuse } from "./refuse.ts";

/** A tensor with the parameters that the plan gives it. */
export interface TensorInput {
  readonly x: Float64Array;
  readonly parameters?: PlannedParameters | undefined;
  /** Which entries of its difference stay, in place of what the method would choose. */
  readonly mask?: ArrayLike<number> | undefined;
}

/** What a merge of one tensor takes. */
export interface TensorMerge {
  /** The name of the result, on which random numbers depend. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly parameters: PlannedParameters;
  /** The models in the order of the plan, without the base. */
  readonly inputs: readonly TensorInput[];
  readonly base?: Float64Array | undefined;
  /** Index of the first entry, where the arrays are a part of the tensor; default 0. */
  readonly start?: number;
}

export interface MergeOptions {
  /** Of all random numbers of the merge; default 42. */
  readonly seed?: number;
  /**
   * What differences of which only some entries are kept are divided by, where `rescale` is true: `l1`, as mergekit does, so
   * that their L1 norm stays; `probability`, as the papers of DARE and DELLA do, the keep probability. Default `l1`.
   */
  readonly rescaling?: Rescaling;
}

/**
 * A tensor of the result in float64, before it is rounded.
 *
 * @throws InputError what the method throws
 */
export function mergeTensor(
  method: MethodName,
  merge: TensorMerge,
  { seed = 42, rescaling = "l1" }: MergeOptions = {},
): Float64Array<ArrayBuffer> {
  const { name, shape, parameters, inputs, base, start = 0 } = merge;
  const xs = inputs.map(({ x }) => x);
  const weighted = inputs.map(
    (input): Weighted => ({ x: input.x, weight: numberOf(input.parameters, "weight") }),
  );
  const own = (key: string): number => numberOf(parameters, key);
  const first = xs[0] ?? new Float64Array();
  switch (method) {
    case "linear":
      return linear(weighted, { normalize: parameters.normalize === true });
    case "slerp":
      return slerp(based(merge), first, own("t"));
    case "nuslerp":
      return nuslerp(pair(weighted), {
        shape,
        base,
        flatten: parameters.nuslerp_flatten === true,
        rowWise: parameters.nuslerp_row_wise === true,
      });
    case "multislerp":
      return multislerp(weighted, {
        base,
        normalizeWeights: parameters.normalize_weights === true,
        eps: own("eps"),
      });
    case "karcher":
      return karcher(xs, { maxIter: own("max_iter"), tol: own("tol") });
    case "model_stock": {
      const row =
        parameters.filter_wise === true && shape.length > 1 ? rowLength(shape) : undefined;
      return modelStock(based(merge), xs, { row });
    }
    case "sce":
      return sce(based(merge), xs, { selectTopk: own("select_topk") });
    case "arcee_fusion":
      return arceeFusion(based(merge), first, shape);
    case "nearswap":
      return nearswap(based(merge), first, own("t"));
    case "passthrough": {
      const scale = inputs[0]?.parameters?.scale;
      return passthrough(first, typeof scale === "number" ? scale : null);
    }
    default: {
      const task = inputs.map((input, model) => ({
        ...(weighted[model] as Weighted), // one for each input
        ...sparsity(input.parameters),
        uniform: () => uniform({ seed, tensor: name, model }, input.x.length, start),
        mask: input.mask,
      }));
      return taskVectors(SPARSIFIERS[method] ?? { election: false }, based(merge), task, {
        row: rowLength(shape),
        normalize: parameters.normalize === true,
        rescale: parameters.rescale === true ? rescaling : undefined,
        lambda: own("lambda"),
      });
    }
  }
}

function numberOf(parameters: PlannedParameters | undefined, key: string): number {
  const value = parameters?.[key];
  return typeof value === "number" ? value : 0;
}

function sparsity(parameters: PlannedParameters = {}): {
  density?: number;
  gamma?: number;
  epsilon?: number;
} {
  const { density, gamma, epsilon } = parameters;
  return {
    ...(typeof density === "number" && { density }),
    ...(typeof gamma === "number" && { gamma }),
    ...(typeof epsilon === "number" && { epsilon }),
  };
}

function based({ base, name }: TensorMerge): Float64Array {
  if (base !== undefined) return base;
  throw refuse("base-missing", `${name}: there is no base.`, "Give it.", { tensor: name });
}

function pair(inputs: readonly Weighted[]): readonly [Weighted, Weighted] {
  const [a, b] = inputs;
  if (a !== undefined && b !== undefined) return [a, b];
  throw refuse("inputs", `nuslerp takes 2 models, got ${inputs.length}.`, "Give two.", {
    models: inputs.length,
  });
}
