import { type Shaped, sizeAlong } from "@resolvent/tensor";
import type { AttentionBlock, Block, Model } from "@resolvent/transformer";
import { stagesOf } from "./run.ts";

/** What paths go through: whole blocks, or attention heads and MLPs. */
export type Level = "block" | "head";

/** A block, or one head of it, that a path can go through. */
export interface PathNode<T> {
  /** `L0.attn`, `L0.mlp`, `L0.H3` */
  readonly name: string;
  /** Which stage of the model it is in; a path has at most one node of a stage. */
  readonly stage: number;
  readonly block: Block<T>;
  /** Undefined for a whole block. */
  readonly head: number | undefined;
}

/** The nodes of a model, stage by stage. */
export function pathNodes<T extends Shaped>(model: Model<T>, level: Level): PathNode<T>[][] {
  return stagesOf(model).map((blocks, stage) =>
    blocks.flatMap((block): PathNode<T>[] => {
      if (level === "block" || block.kind === "mlp") {
        return [{ name: block.name, stage, block, head: undefined }];
      }
      return Array.from({ length: headsOf(block) }, (_, head) => {
        return { name: `L${block.layer}.H${head}`, stage, block, head };
      });
    }),
  );
}

/** How many heads an attention block has. */
export function headsOf<T extends Shaped>({ W_Q, name }: AttentionBlock<T>): number {
  return sizeAlong(W_Q.shape, "kv_head", name) * sizeAlong(W_Q.shape, "group", name);
}

/**
 * How many ways lead from each point of a model to its end `before` stages further on, by the number of nodes:
 * `counts[stage][nodes]`, `stage` from 0 to `before`.
 */
export function suffixCounts(sizes: readonly number[], before: number): bigint[][] {
  let later: bigint[] = [1n];
  const counts = [later];
  for (let stage = before - 1; stage >= 0; stage--) {
    const size = BigInt(sizes[stage] ?? 0);
    const now = Array.from(
      { length: later.length + 1 },
      (_, k) => (later[k] ?? 0n) + size * (later[k - 1] ?? 0n),
    );
    counts.unshift(now);
    later = now;
  }
  return counts;
}
