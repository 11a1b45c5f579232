import type { View } from "@resolvent/analysis";
import type { Drawing, Shape } from "@resolvent/figures";

/** The shapes of a drawing by what they stand for, so that lighting some up looks at no others. */
export interface Marks {
  /** Those that can be picked. */
  readonly keyed: readonly Shape[];
  readonly byKey: ReadonlyMap<string, readonly Shape[]>;
  /** Those at a position. */
  at(pos: number | null): ReadonlySet<Shape>;
}

/** What is selected and pointed at in a drawing. */
export interface Pointing {
  readonly pointed: string | null;
  readonly pos: number | null;
  readonly selected: string | null;
  /** Whether a key stays lit with the one that is selected. */
  readonly within: (key: string) => boolean;
}

const NONE: ReadonlySet<Shape> = new Set();

/** A drawing in which the nodes of a graph can be picked by their names, beside its edges. */
export function withNodes(drawing: Drawing, { mark }: View): Drawing {
  if (mark !== "graph") return drawing;
  const shapes = drawing.shapes.map((shape): Shape => {
    const { key, node } = shape;
    return key === undefined && node !== undefined ? { ...shape, key: node } : shape;
  });
  return { ...drawing, shapes };
}

export function litIn(shapes: readonly Shape[]): Marks {
  const byKey = new Map<string, Shape[]>();
  const byPos = new Map<string, Set<Shape>>();
  for (const shape of shapes) {
    const { key, pos } = shape;
    if (key !== undefined) {
      const own = byKey.get(key);
      if (own === undefined) byKey.set(key, [shape]);
      else own.push(shape);
    }
    for (const one of pos?.split(" ") ?? []) {
      const own = byPos.get(one) ?? new Set();
      byPos.set(one, own.add(shape));
    }
  }
  return {
    ...{ keyed: shapes.filter(({ key }) => key !== undefined), byKey },
    at: (pos) => (pos === null ? NONE : (byPos.get(String(pos)) ?? NONE)),
  };
}

/** The shapes that are lit; null where nothing is that this drawing has: a mark that is pointed at first, then a token, then what is selected. */
export function litOf(
  { keyed, byKey, at }: Marks,
  { pointed, pos, selected, within }: Pointing,
): ReadonlySet<Shape> | null {
  if (pointed !== null) {
    const own = byKey.get(pointed);
    return own === undefined ? null : new Set(own);
  }
  if (pos !== null) return new Set([...at(pos)].filter(({ key }) => key !== undefined));
  if (selected === null || !byKey.has(selected)) return null;
  return new Set(keyed.filter(({ key }) => key !== undefined && within(key)));
}
