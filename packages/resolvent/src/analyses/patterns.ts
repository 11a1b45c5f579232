import { type HeadFacts, headFacts, type Table } from "@resolvent/analysis";
import { InputError, type Shaped, sizeAlong } from "@resolvent/tensor";
import type { Model, Site, StoredValue } from "@resolvent/transformer";
import { decodeNumbers } from "@resolvent/weights";

/** The sites that have them. */
export const PATTERNS = "L*.attn.pattern";

/** Numbers that a result has of them at most. */
const MOST = 2 ** 18;

/** How much of its attention a head gives, at each position (a row), to each position. */
export interface HeadPattern extends HeadFacts {
  readonly pattern: readonly (readonly number[])[];
}

/**
 * Refuses patterns that are too many for a result.
 * @throws InputError `analysis/too-much-attention`
 */
export function checkPatterns<T extends Shaped>({ architecture }: Model<T>, tokens: number): void {
  const { layers, heads } = architecture;
  const numbers = layers * heads * tokens ** 2;
  if (numbers <= MOST) return;
  throw new InputError({
    code: "analysis/too-much-attention",
    message: `The patterns of ${layers * heads} heads over ${tokens} tokens are ${numbers} numbers; a result has at most ${MOST}.`,
    remedy: "Shorten the prompt, or save them: --sites '*.pattern' --save FILE.",
    details: { numbers, limit: MOST },
  });
}

/** The patterns of a trace, head by head. */
export function patternsIn(trace: ReadonlyMap<Site, StoredValue>): HeadPattern[] {
  return [...trace].flatMap(([site, { dtype, shape, bytes }]) => {
    const layer = /^L(\d+)\.attn\.pattern$/.exec(site)?.[1];
    if (layer === undefined) return [];
    const [heads, rows, columns] = (["head", "pos", "key_pos"] as const).map((axis) =>
      sizeAlong(shape, axis, "patternsIn"),
    );
    if (heads === undefined || rows === undefined || columns === undefined) return [];
    const numbers = decodeNumbers({ dtype, shape: Object.values(shape), bytes }, "f32");
    return Array.from(
      { length: heads },
      (_, head): HeadPattern => ({
        ...headFacts({ layer: Number(layer), head }),
        pattern: Array.from({ length: rows }, (_, row) => {
          const from = (head * rows + row) * columns;
          return Array.from(numbers.subarray(from, from + columns));
        }),
      }),
    );
  });
}

/** A row for each key that a query sees. */
export function patternTable(patterns: readonly HeadPattern[]): Table {
  return {
    kind: "attention",
    replaces: "attention",
    data: true,
    title: "Attention",
    columns: [
      { name: "head", kind: "text", refers: "node" },
      { name: "query", head: "from", kind: "count", refers: "pos" },
      { name: "key", head: "to", kind: "count", refers: "pos" },
      { name: "probability", kind: "share" },
    ],
    rows: patterns.flatMap(({ name, pattern }) =>
      pattern.flatMap((row, query) =>
        row.slice(0, query + 1).map((probability, key) => [name, query, key, probability]),
      ),
    ),
  };
}
