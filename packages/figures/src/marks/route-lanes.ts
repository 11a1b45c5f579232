import type { Cell } from "@resolvent/analysis";

/** A path with the position and the level of each of its points. */
export interface Route {
  readonly row: readonly Cell[];
  readonly spots: readonly number[];
  readonly steps: readonly number[];
  readonly effect: number;
  /** Where it runs, in words. */
  readonly says: string;
}

/**
 * How far from the middle of each token's column each path runs, in pixels: side by side, those from further left on
 * the left, so that paths of one way are all seen; nearer to each other where they are too many for the room.
 */
export function lanesOf(
  routes: readonly Route[],
  { widthOf, room }: { readonly widthOf: (route: Route) => number; readonly room: number },
): ReadonlyMap<number, ReadonlyMap<Route, number>> {
  const at = new Map<number, Set<Route>>();
  for (const route of routes)
    for (const pos of route.spots) at.set(pos, (at.get(pos) ?? new Set()).add(route));
  const start = (route: Route): number => route.spots[0] ?? 0;
  return new Map(
    [...at].map(([pos, own]) => {
      const order = [...own].sort((a, b) => start(a) - start(b));
      const all = order.reduce((sum, route) => sum + widthOf(route) + 1, 0);
      const scale = Math.min(1, room / all);
      let x = 0;
      const places = order.map((route): [Route, number] => {
        const half = (widthOf(route) + 1) / 2;
        x += 2 * half;
        return [route, (x - half - all / 2) * scale];
      });
      return [pos, new Map(places)] as const;
    }),
  );
}
