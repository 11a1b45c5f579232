import { type Ids, InputError, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import { blockNames, type Model, runAlong } from "@resolvent/transformer";
import { checkGates, GATES, type Gate, isGateOf } from "./gates.ts";
import { type Reference, referenceWrites } from "./reference.ts";
import { sweeping } from "./sweep.ts";
import { treeing } from "./tree.ts";

export interface TermsOptions {
  /** The gates that are held at the run's values; default all, the path expansion. */
  readonly freeze?: readonly Gate[];
  /** What a cut branch contributes; default zero. */
  readonly reference?: Reference;
  /** The highest degree that is told apart; default the number of blocks, which leaves no remainder. */
  readonly maxDegree?: number | undefined;
  /** By the truncated tree, or by the sweep, which needs all gates frozen; default the sweep where it can be. */
  readonly method?: "tree" | "sweep" | undefined;
}

/** A run as a sum over degrees, as tensors. */
export interface DegreeTerms<T> {
  readonly method: "tree" | "sweep";
  readonly freeze: readonly Gate[];
  /** `D_k` for `k = 0 … K`, `K` the least of `maxDegree` and the longest path: `degree, …, pos, d_model`. */
  readonly terms: T;
  /** `T^(k) = Σ_{j≤k} D_j`. */
  readonly partials: T;
  /** `T − Σ D_k`; undefined where all degrees are there. */
  readonly remainder: T | undefined;
  /** `T` of the real run. */
  readonly residual: T;
}

/**
 * The terms `D_k` of a run by degree: `Σ_k D_k + remainder = T`.
 *
 * @param ids one row of tokens, or several of one length
 * @throws InputError `expansion/unknown-gate`, `expansion/bad-degree`, `expansion/sweep-needs-frozen`, and what
 * the reference throws
 */
export function degreeTerms<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  options: TermsOptions = {},
): DegreeTerms<T> {
  const freeze = checkGates(options.freeze ?? GATES);
  const method = options.method ?? (freeze.length === GATES.length ? "sweep" : "tree");
  const maxDegree = checkDegree(model, options.maxDegree);
  if (method === "sweep" && freeze.length < GATES.length) {
    throw new InputError({
      code: "expansion/sweep-needs-frozen",
      message: `The sweep needs affine blocks, ${GATES.join(", ")} frozen; got ${freeze.join(", ") || "none"}.`,
      remedy: "Freeze all gates, or use the tree.",
      details: { freeze },
    });
  }
  return ops.scope(() => {
    const references = referenceWrites(ops, model, options.reference ?? { kind: "zero" }, {
      shape: { ...ids.shape, d_model: model.architecture.d_model },
    });
    const gates = isGateOf(freeze);
    if (method === "sweep") {
      const along = sweeping(ops, references, maxDegree);
      const { residual, state } = runAlong(ops, model, ids, gates, along);
      const { terms, remainder } = state;
      const rest = remainder && ops.sum(remainder, ["degree"]);
      const partials = runningSums(ops, terms);
      return { method, freeze, residual, terms, partials, remainder: rest };
    }
    const along = treeing(ops, references, maxDegree);
    const { residual, state: partials } = runAlong(ops, model, ids, gates, along);
    const last = sizeAlong(partials.shape, "degree", "degreeTerms") - 1;
    const reached = ops.slice(partials, "degree", last, last + 1);
    const missing = ops.sum(ops.sub(ops.broadcast(residual, { degree: 1 }), reached), ["degree"]);
    const remainder = maxDegree < model.stages.length ? missing : undefined;
    const terms = differences(ops, partials);
    return { method, freeze, residual, terms, partials, remainder };
  });
}

function checkDegree<T extends Shaped>(model: Model<T>, maxDegree: number | undefined): number {
  const blocks = blockNames(model.architecture).length;
  const degree = maxDegree ?? blocks;
  if (!Number.isInteger(degree) || degree < 0) {
    throw new InputError({
      code: "expansion/bad-degree",
      message: `maxDegree should be a whole number from 0, got ${degree}.`,
      remedy: `${model.name} has ${blocks} blocks; higher degrees are empty.`,
      details: { got: degree, blocks },
    });
  }
  return degree;
}

/** `Σ_{j≤k} D_j` for every `k`, as one product with a triangle of ones. */
function runningSums<T extends Shaped>(ops: Ops<T>, terms: T): T {
  const size = sizeAlong(terms.shape, "degree", "runningSums");
  const ones = Array.from({ length: size * size }, (_, i) =>
    i % size <= Math.floor(i / size) ? 1 : 0,
  );
  const triangle = ops.constant({ upTo: size, degree: size }, ones);
  return ops.rename(ops.matmul(triangle, terms, ["degree"]), { upTo: "degree" });
}

/** `D_0 = T^(0)`, `D_k = T^(k) − T^(k−1)`. */
function differences<T extends Shaped>(ops: Ops<T>, partials: T): T {
  const size = sizeAlong(partials.shape, "degree", "differences");
  if (size === 1) return partials;
  const first = ops.slice(partials, "degree", 0, 1);
  const later = ops.slice(partials, "degree", 1, size);
  return ops.concat([first, ops.sub(later, ops.slice(partials, "degree", 0, size - 1))], "degree");
}
