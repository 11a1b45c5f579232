import { inChunks, type Ops, type Shaped, sizeAlong, sizeOf, sumOf } from "@resolvent/tensor";
import { type Block, blockWrite, type Sites } from "@resolvent/transformer";

/** Numbers of one value inside of a block, such as what all neurons make of a stack: 64 MiB in float32. */
const NUMBERS_AT_ONCE = 2 ** 24;

/**
 * What the blocks of a stage write together of every level of a stack, of as many levels at once as keep what lies
 * between within bounds. Levels know nothing of each other.
 *
 * @param read `degree, …, pos, d_model`
 */
export function writesOfLevels<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  read: T,
  sites: Sites<T>,
): T {
  const levels = sizeAlong(read.shape, "degree", "writesOfLevels");
  const d_model = sizeAlong(read.shape, "d_model", "writesOfLevels");
  const rows = sizeOf(read.shape) / d_model / levels;
  const widest = Math.max(...stage.map((block) => innerWidth(block, d_model)));
  const all = Array.from({ length: levels }, (_, level) => level);
  const parts = inChunks(all, NUMBERS_AT_ONCE, ({ length }) => length * rows * widest, 1).map(
    ([from = 0, ...more]) => {
      const to = from + 1 + more.length;
      return ops.scope(() => {
        const some = to - from === levels ? read : ops.slice(read, "degree", from, to);
        return sumOf(
          ops,
          stage.map((block) => blockWrite(ops, block, some, sites)),
        );
      });
    },
  );
  const [only, ...others] = parts as [T, ...T[]]; // there is a level
  return others.length === 0 ? only : ops.concat(parts, "degree");
}

function innerWidth<T extends Shaped>(block: Block<T>, d_model: number): number {
  if (block.kind === "attn") return d_model;
  return sizeAlong(block.W_in.shape, "d_mlp", block.name);
}
