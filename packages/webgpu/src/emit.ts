import type { Group } from "./groups.ts";
import type { Launch } from "./launch.ts";
import { copyLaunches, halfLaunches, pointLaunches } from "./point.ts";
import { productLaunches } from "./product.ts";
import { putLaunches } from "./put.ts";
import { rowsLaunches } from "./rows.ts";
import type { Traits } from "./traits.ts";

/** The kernels that make the numbers of a group's root. */
export function emit(group: Group, traits: Traits): Launch[] {
  const { root, along, product } = group;
  const { work, sources } = root;
  if (root.size === 0) return [];
  if (product !== undefined) return productLaunches(group, traits);
  if (along !== undefined) return rowsLaunches(group, traits);
  if (work.type === "concat") {
    return work.into.flatMap((into, part) => {
      const source = sources[part];
      const count = into.loops.reduce((product, loop) => product * loop.size, 1);
      if (source === undefined || count === 0) return [];
      return copyLaunches(source, count, traits, { into, size: root.size });
    });
  }
  if (work.type === "put") return putLaunches(root, work, traits);
  return root.form === "f32" ? pointLaunches(group, traits) : halfLaunches(group, traits);
}
