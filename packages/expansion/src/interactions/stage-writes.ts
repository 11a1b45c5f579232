import type { Ops, Shaped } from "@resolvent/tensor";
import { type Block, blockWrite, type Sites } from "@resolvent/transformer";

/** What the blocks of a stage write, by block: `subset, pos, d_model`; those in `byHead` with the axis `head` after `pos`. */
export function stageWrites<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  read: T,
  byHead: ReadonlySet<string>,
  sites: Sites<T>,
): Map<string, T> {
  return ops.scope(
    () =>
      new Map(
        stage.map((block): [string, T] => [
          block.name,
          byHead.has(block.name)
            ? headsOf(ops, block, read, sites)
            : blockWrite(ops, block, read, sites),
        ]),
      ),
  );
}

/** What each head writes, without `b_O`. */
function headsOf<T extends Shaped>(ops: Ops<T>, block: Block<T>, read: T, sites: Sites<T>): T {
  const site = `${block.name}.head`;
  const found: T[] = [];
  blockWrite(ops, block, read, {
    at: (name, compute) => {
      const value = sites.at(name, compute);
      if (name === site) found.push(value);
      return value;
    },
    wants: (name) => name === site || sites.wants(name),
  });
  return found[0] as T; // an attention block passes the site where it is wanted
}
