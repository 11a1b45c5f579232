import { textWidth } from "../text.ts";
import { type GraphPlaces, HEIGHT, LAYER } from "./graph-places.ts";

/** Pixels of a dot and its room. */
export const DOT = 8;

/** Nodes of which each can have its name. */
export const NAMED = 120;

/**
 * More nodes than have room for their names, as dots in their layers and columns, so many side by side as a column has
 * room for. Layers of at most one node a column keep names where these fit.
 */
export function dotPlaces(
  layers: readonly (readonly string[])[],
  columns: readonly (readonly string[])[],
  width: number,
): GraphPlaces {
  const column = new Map(columns.flatMap((names, i) => names.map((name) => [name, i] as const)));
  const room = width / Math.max(1, columns.length);
  const across = Math.max(1, Math.floor((room - 4) / DOT));
  const cells = layers.map((layer) => {
    const own = columns.map((): string[] => []);
    for (const name of layer) own[column.get(name) ?? 0]?.push(name);
    return own;
  });
  const lines = cells.map((own) =>
    own.reduce((most, names) => Math.max(most, Math.ceil(names.length / across)), 1),
  );
  const height =
    lines.reduce((sum, count) => sum + (count - 1) * DOT, 0) +
    LAYER * (lines.length - 1) +
    HEIGHT +
    16;
  const places = new Map<string, { x: number; y: number; box: number }>();
  let up = 0;
  cells.forEach((own, i) => {
    if (i > 0) up += LAYER;
    const single = own.every((names) => names.length <= 1);
    own.forEach((names, at) => {
      names.forEach((name, n) => {
        const line = Math.floor(n / across);
        const inLine = Math.min(across, names.length - line * across);
        const wide = textWidth(name) + 14;
        places.set(name, {
          x: (at + 0.5) * room + ((n % across) - (inLine - 1) / 2) * DOT,
          y: height - 8 - up - line * DOT - HEIGHT / 2,
          box: single && wide <= room ? wide : 0,
        });
      });
    });
    up += ((lines[i] ?? 1) - 1) * DOT;
  });
  return { places, width, height };
}
