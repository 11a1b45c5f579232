import { foldOver, type Ops, type Shaped, sizeAlong, sumOf } from "@resolvent/tensor";
import { type Block, type Companion, frozenAt, type Model } from "@resolvent/transformer";
import type { Anatomy } from "./anatomy.ts";
import { writesOfLevels } from "./levels.ts";

/**
 * The truncated tree (MATHS 2.1): `T^(k)` for `k = 0 … min(maxDegree, number of stages)`, stacked along `degree`.
 *
 *     C_i^(0) = ref_i,   C_i^(k) = f_i( x0 + Σ_{j before i} C_j^(k−1) ),   T^(k) = x0 + Σ_i C_i^(k)
 *
 * All degrees go through the blocks together: the stack holds the prefix sums `x0 + Σ_{j before i} C_j^(k)`,
 * and block `i` reads the entries `0 … K−1` and writes to `1 … K`. Before block `i` entries from `i` on are
 * equal, so only the different ones are kept: the stack grows by one with each stage.
 *
 * @param anatomy the run; its gates are frozen
 * @returns `degree, …, pos, d_model`
 */
export function truncatedTree<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  anatomy: Pick<Anatomy<T>, "embedding" | "gates">,
  references: ReadonlyMap<string, T> | undefined,
  maxDegree: number,
): T {
  const { start, step } = treeing(ops, references, maxDegree);
  return foldOver(ops, model.stages, start(anatomy.embedding), (state, stage) =>
    step(state, stage, anatomy.gates),
  );
}

/** The same beside the run itself, of which it needs the gates of one stage at a time. */
export function treeing<T extends Shaped>(
  ops: Ops<T>,
  references: ReadonlyMap<string, T> | undefined,
  maxDegree: number,
): Companion<T, T> {
  return {
    start: (embedding) => ops.broadcast(embedding, { degree: 1 }),
    step: (before, stage, gates) => {
      const levels = sizeAlong(before.shape, "degree", "truncatedTree");
      const level = (x: T, from: number, to: number): T => ops.slice(x, "degree", from, to);
      const full = levels > maxDegree;
      const cut = referencesOf(ops, stage, references);
      const parts = [sumOf(ops, [level(before, 0, 1), ...cut])];
      if (maxDegree > 0) {
        const read = full ? level(before, 0, maxDegree) : before;
        const written = writesOfLevels(ops, stage, read, frozenAt(gates));
        if (levels > 1)
          parts.push(ops.add(level(before, 1, levels), level(written, 0, levels - 1)));
        if (!full) {
          const last = level(written, levels - 1, levels);
          parts.push(ops.add(level(before, levels - 1, levels), last));
        }
      }
      return ops.concat(parts, "degree");
    },
  };
}

/** `ref_i` of each block of a stage, as one level of a stack; none for the reference zero. */
function referencesOf<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  references: ReadonlyMap<string, T> | undefined,
): T[] {
  return stage.flatMap((block) => {
    const ref = references?.get(block.name);
    return ref === undefined ? [] : [ops.broadcast(ref, { degree: 1 })];
  });
}
