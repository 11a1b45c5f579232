import type { Act } from "./keys.ts";
import type { Lab } from "./lab.svelte.ts";

/** Does what a key says. */
export function doAct(lab: Lab, act: Exclude<Act, "help" | { readonly press: string }>): void {
  const last = lab.paths.byDegree.at(-1)?.degree ?? 0;
  const show = (degree: number): void =>
    lab.showDegree(degree >= last ? null : Math.max(degree, 0));
  if (typeof act === "object") show(act.degree);
  else if (act === "up" || act === "down") lab.step(act === "up" ? -1 : 1);
  else if (act === "less" || act === "more")
    show((lab.place.degree ?? last) + (act === "less" ? -1 : 1));
  else if (act === "all") void lab.checkAll();
  else if (act === "gates") lab.toggleGates();
  else if (act === "leave") lab.leave();
  else if (act === "undo") lab.undo();
  else if (act === "redo") lab.where.forward();
  else if (act === "why") lab.askWhy();
  else if (lab.path !== null) void lab.takeAway(lab.path);
}
