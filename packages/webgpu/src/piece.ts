import { countOf, type Loop, type ProductLoops } from "@resolvent/tensor/rules";
import type { Span } from "./parts.ts";

/** Some rows, columns and batches of a product: their loops, and where they start in the two operands and the result. */
export interface Piece {
  readonly loops: ProductLoops;
  readonly starts: readonly [a: number, b: number, c: number];
}

/** Which step of a loop belongs to which tensor: see `ProductLoops`. */
const STEPS = {
  rows: { a: 0, c: 1 },
  columns: { b: 0, c: 1 },
  batches: { a: 0, b: 1, c: 2 },
  terms: { a: 0, b: 1 },
} as const satisfies Record<string, Partial<Record<Tensor, number>>>;

type Tensor = "a" | "b" | "c";

/** From the first place of a tensor that a piece of a product uses to past the last. */
export function spanIn(loops: ProductLoops, tensor: Tensor, start: number): Span {
  let last = start;
  for (const [part, places] of Object.entries(STEPS) as [keyof typeof STEPS, object][]) {
    const which = (places as Partial<Record<Tensor, number>>)[tensor];
    if (which === undefined) continue;
    for (const { size, steps } of loops[part]) last += (size - 1) * (steps[which] ?? 0);
  }
  return [start, last + 1];
}

/** Each way to cut a piece in two, along one of its loops. */
export function halves({ loops, starts }: Piece): (readonly [Piece, Piece])[] {
  return (["batches", "rows", "columns"] as const).flatMap((part) =>
    loops[part].map((loop, at): readonly [Piece, Piece] => {
      const half = Math.ceil(loop.size / 2);
      const places: Partial<Record<Tensor, number>> = STEPS[part];
      const [a, b, c] = (["a", "b", "c"] as const).map((tensor, i) => {
        const which = places[tensor];
        return (starts[i] ?? 0) + (which === undefined ? 0 : half * (loop.steps[which] ?? 0));
      }) as [number, number, number]; // of three
      return [
        { loops: resized(loops, part, at, half), starts },
        { loops: resized(loops, part, at, loop.size - half), starts: [a, b, c] },
      ];
    }),
  );
}

/** The loops with another size of one; without it where that is 1. */
function resized(
  loops: ProductLoops,
  part: "batches" | "rows" | "columns",
  at: number,
  size: number,
): ProductLoops {
  const changed = loops[part].flatMap((loop, i): Loop[] =>
    i !== at ? [loop] : size === 1 ? [] : [{ ...loop, size }],
  );
  const all = { ...loops, [part]: changed };
  return {
    ...all,
    ...{ m: countOf(all.rows), n: countOf(all.columns), batch: countOf(all.batches) },
  };
}
