import { foldOver, type Ops, type Shaped, sizeAlong, sumOf, withoutAxes } from "@resolvent/tensor";
import {
  type Block,
  blockWrite,
  type Companion,
  frozenAt,
  hasBiases,
  type Model,
  type Sites,
  withoutBiases,
} from "@resolvent/transformer";
import type { Anatomy } from "./anatomy.ts";
import { writesOfLevels } from "./levels.ts";

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
  anatomy: Pick<Anatomy<T>, "embedding" | "gates">,
  references: ReadonlyMap<string, T> | undefined,
  maxDegree: number,
): Sweep<T> {
  const { start, step } = sweeping(ops, references, maxDegree);
  return foldOver(ops, model.stages, start(anatomy.embedding), (state, stage) =>
    step(state, stage, anatomy.gates),
  );
}

/** The same beside the run itself, of which it needs the gates of one stage at a time. */
export function sweeping<T extends Shaped>(
  ops: Ops<T>,
  references: ReadonlyMap<string, T> | undefined,
  maxDegree: number,
): Companion<T, Sweep<T>> {
  return {
    start: (embedding) => ({
      terms: ops.broadcast(embedding, { degree: 1 }),
      remainder: undefined,
    }),
    step: (state, stage, gates) =>
      afterStage(ops, stage, state, { sites: frozenAt(gates), references, maxDegree }),
  };
}

function afterStage<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  { terms, remainder }: Sweep<T>,
  {
    sites,
    references,
    maxDegree,
  }: {
    readonly sites: Sites<T>;
    readonly references: ReadonlyMap<string, T> | undefined;
    readonly maxDegree: number;
  },
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
  const written = writesOfLevels(ops, stage.map(withoutBiases), read, sites);
  const constants = constantsOf(ops, stage, terms, sites);
  const cut = stage.flatMap((block) => references?.get(block.name) ?? []);
  const cutLevel = cut.length === 0 ? undefined : ops.broadcast(sumOf(ops, cut), { degree: 1 });

  // Degree 1 is fed by A_i H[0], the constants, and what the reference no longer stands for.
  const entering = [...constants, ...(cutLevel === undefined ? [] : [ops.scale(cutLevel, -1)])];
  const risen = (k: number): T =>
    k === 0 ? sumOf(ops, [level(written, 0, 1), ...entering]) : level(written, k, k + 1);
  const first = level(terms, 0, 1);
  const parts = [cutLevel === undefined ? first : ops.add(first, cutLevel)];
  if (levels > 1) parts.push(ops.add(level(terms, 1, 2), risen(0)));
  if (levels > 2) parts.push(ops.add(level(terms, 2, levels), level(written, 1, levels - 1)));
  if (!full) parts.push(risen(levels - 1));
  const beyond = full ? risen(maxDegree) : undefined;
  return {
    terms: ops.concat(parts, "degree"),
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
