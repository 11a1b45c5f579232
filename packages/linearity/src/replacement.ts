import type { Ops, Shaped } from "@resolvent/tensor";
import { blockWrite, embed, type Model, plainSites, tokenIds } from "@resolvent/transformer";
import { applied, type MapTensors } from "./score.ts";

/**
 * Final streams of the model itself, and of the model with each block in turn replaced by an affine map, everything
 * after it recomputed: one sweep over the blocks, in which the runs share what lies before their block. Half as
 * much as a forward pass for each block.
 *
 * @param maps the map of each block, by name
 * @returns `variant, batch, pos, d_model`: the model itself, then a variant for each block
 */
export function replacedRuns<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  rows: readonly (readonly number[])[],
  maps: (block: string) => Pick<MapTensors<T>, "A" | "b">,
): T {
  return ops.scope(() => {
    let stack = ops.broadcast(embed(ops, model, tokenIds(rows), plainSites()), { variant: 1 });
    for (const stage of model.stages) {
      const before = stack;
      stack = ops.scope(() => {
        const own = (x: T): T => ops.slice(x, "variant", 0, 1);
        const writes = stage.map((block) => blockWrite(ops, block, before, plainSites()));
        const after = writes.reduce(ops.add, before);
        const live = own(before);
        const replaced = stage.map((block, i) =>
          writes.reduce(
            (sum, write, j) =>
              ops.add(sum, i === j ? applied(ops, maps(block.name), live) : own(write)),
            live,
          ),
        );
        return ops.concat([after, ...replaced], "variant");
      });
    }
    return stack;
  });
}
