import { nearOf, type Shape } from "@resolvent/figures";

/** The nearest bar is meant at a place at most so many pixels above or below it. */
const NEAR = 14;

/** What is meant by a place of a drawing; `rows`: whether all of a bar's row means the bar. Loaded when somebody points. */
export function pointing(
  shapes: readonly Shape[],
  { rows }: { readonly rows: boolean },
): (x: number, y: number) => Shape | undefined {
  const near = nearOf(shapes);
  return (x, y) => {
    const found = near.at(x, y);
    if (found !== undefined || !rows) return found;
    let [best, away]: [Shape | undefined, number] = [undefined, NEAR];
    for (const shape of shapes) {
      if (shape.kind !== "rect" || shape.key === undefined) continue;
      const own = Math.abs(shape.y + shape.height / 2 - y);
      if (own < away) [best, away] = [shape, own];
    }
    return best;
  };
}
