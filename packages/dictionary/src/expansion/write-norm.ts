import type { Ops, Shaped } from "@resolvent/tensor";
import { type Block, frozenAt, type MlpBlock, normalize, type Site } from "@resolvent/transformer";

/** A replaced MLP with the norm of what its MLP writes, where the dictionary stands for what is before that. */
export function withWriteNorm<T extends Shaped>(
  { writeNorm, name }: MlpBlock<T>,
  block: MlpBlock<T>,
  value: Site,
): MlpBlock<T> {
  return writeNorm && value === `${name}.out` ? { ...block, writeNorm } : block;
}

/** What a norm of what a block writes makes of a summand, its σ held; the summand itself where there is none. */
export function throughWriteNorm<T extends Shaped>(
  ops: Ops<T>,
  { writeNorm }: Pick<Block<T>, "writeNorm">,
  sigma: T | undefined,
  part: T,
): T {
  if (writeNorm === undefined || sigma === undefined) return part;
  const { bias, ...linear } = writeNorm;
  const held = frozenAt(new Map<Site, T>([["write_norm", sigma]]));
  const passed = normalize(ops, linear, part, "d_model", held, "write_norm");
  const rest = Object.keys(part.shape).filter((axis) => axis !== "pos" && axis !== "d_model");
  return ops.arrange(passed, [...rest, "pos", "d_model"]);
}
