import type { Group } from "./groups.ts";
import type { Launch } from "./launch.ts";
import { copyLaunch, halfLaunch, pointLaunch } from "./point.ts";
import { productLaunch } from "./product.ts";
import { putLaunch } from "./put.ts";
import { rowsLaunch } from "./rows.ts";

/** The kernels that make the numbers of a group's root. */
export function emit(group: Group): Launch[] {
  const { root, along, product } = group;
  const { work, sources } = root;
  if (root.size === 0) return [];
  if (product !== undefined) return [productLaunch(group)];
  if (along !== undefined) return [rowsLaunch(group)];
  if (work.type === "concat") {
    return work.into.flatMap((into, part) => {
      const source = sources[part];
      const size = into.loops.reduce((count, loop) => count * loop.size, 1);
      return source === undefined || size === 0 ? [] : [copyLaunch(source, size, into)];
    });
  }
  if (work.type === "put") return [putLaunch(root, work)];
  return [root.form === "f32" ? pointLaunch(group) : halfLaunch(root)];
}
