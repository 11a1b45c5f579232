import { type Ops, type Shaped, sizeAlong, withoutAxes } from "@resolvent/tensor";
import {
  type Block,
  blockWrite,
  hasBiases,
  type Model,
  type Sites,
  withoutBiases,
} from "@resolvent/transformer";
import { type Anatomy, frozenAt } from "./anatomy.ts";
import { sumOf } from "./tree.ts";

/** The path expansion of a run: its terms, and what lies beyond the highest of them. */
export interface Sweep<T> {
  /** `D_k` for `k = 0 … min(maxDegree, number of stages)`: `degree, …, pos, d_model`. */
  readonly terms: T;
  /** The sum of all paths of higher degree, as one level of a stack; undefined where there are none. */
  readonly remainder: T | undefined;
}

/**
 * The path expansion (MATHS 2.1, all gates frozen): `D_k`, the sum of all paths through exactly `k` blocks, by
 * one sweep over the blocks.
 *
 *     H[0] = x0;  for each block i, for k descending: H[k+1] += A_i H[k];  H[1] += c_i
 *
 * With a reference, a cut branch contributes `ref_i` at degree 0, and `c_i − ref_i` enters at degree 1.
 * What would go beyond `maxDegree` is gathered in one more channel, `R += A_i (H[maxDegree] + R)`.
 *
 * @param anatomy the run, with all of its gates
 */
export function sweep<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  anatomy: Anatomy<T>,
  references: ReadonlyMap<string, T> | undefined,
  maxDegree: number,
): Sweep<T> {
  const sites = frozenAt(anatomy.gates);
  let state: Sweep<T> = {
    terms: ops.broadcast(anatomy.embedding, { degree: 1 }),
    remainder: undefined,
  };
  for (const stage of model.stages) {
    const before = state;
    state = ops.scope(() => afterStage(ops, stage, before, sites, references, maxDegree));
  }
  return state;
}

function afterStage<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  { terms, remainder }: Sweep<T>,
  sites: Sites<T>,
  references: ReadonlyMap<string, T> | undefined,
  maxDegree: number,
): Sweep<T> {
  const levels = sizeAlong(terms.shape, "degree", "sweep");
  const level = (x: T, from: number, to: number): T => ops.slice(x, "degree", from, to);
  const full = levels > maxDegree;
  // The last level read is H[maxDegree] + R once the stack is full: what it gives belongs to the remainder.
  const read =
    full && remainder !== undefined
      ? ops.concat(
          [
            ...(maxDegree > 0 ? [level(terms, 0, maxDegree)] : []),
            ops.add(level(terms, maxDegree, levels), remainder),
          ],
          "degree",
        )
      : terms;
  const written = sumOf(
    ops,
    stage.map((block) => blockWrite(ops, withoutBiases(block), read, sites)),
  );
  const constants = constantsOf(ops, stage, terms, sites);
  const cut = stage.flatMap((block) => references?.get(block.name) ?? []);
  const cutLevel = cut.length === 0 ? undefined : ops.broadcast(sumOf(ops, cut), { degree: 1 });

  /** What enters at degree 1 besides `A_i H[0]`. */
  const entering = [...constants, ...(cutLevel === undefined ? [] : [ops.scale(cutLevel, -1)])];
  const raise = (x: T): T => {
    if (entering.length === 0) return x;
    const first = sumOf(ops, [level(x, 0, 1), ...entering]);
    const size = sizeAlong(x.shape, "degree", "sweep");
    return size === 1 ? first : ops.concat([first, level(x, 1, size)], "degree");
  };
  const raised = raise(written);
  const size = sizeAlong(raised.shape, "degree", "sweep");
  const zero = cutLevel ?? ops.fill({ ...terms.shape, degree: 1 }, 0);
  const kept = full ? maxDegree : size;
  const added = kept === 0 ? zero : ops.concat([zero, level(raised, 0, kept)], "degree");
  const grown = full
    ? terms
    : ops.concat([terms, ops.fill({ ...terms.shape, degree: 1 }, 0)], "degree");
  const beyond = full ? level(raised, maxDegree, size) : undefined;
  return {
    terms: ops.add(grown, added),
    remainder: beyond && remainder ? ops.add(remainder, beyond) : (beyond ?? remainder),
  };
}

/** `c_i = f_i(0)` of the blocks that have one, each as one level of a stack. */
function constantsOf<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  terms: T,
  sites: Sites<T>,
): T[] {
  const biased = stage.filter(hasBiases);
  if (biased.length === 0) return [];
  const zero = ops.fill(withoutAxes(terms.shape, ["degree"]), 0);
  return biased.map((block) => ops.broadcast(blockWrite(ops, block, zero, sites), { degree: 1 }));
}
