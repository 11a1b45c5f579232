import { textWidth } from "../text.ts";

/** The height of a node. */
export const HEIGHT = 22;
/** From a layer to the next. */
export const LAYER = 64;
const GAP = 8;
/** Between columns, beside the gap. */
const APART = 6;

/** Where nodes stand: the middle of each, and how wide it is; 0 of one that is a dot, without its name. */
export interface GraphPlaces {
  readonly places: ReadonlyMap<
    string,
    { readonly x: number; readonly y: number; readonly box: number }
  >;
  readonly width: number;
  readonly height: number;
}

const boxOf = (name: string): number => textWidth(name) + 14;

/** Nodes in the columns and layers that they are of; in layers alone where there is no room for columns, or there are none. */
export function graphPlaces(
  layers: readonly (readonly string[])[],
  columns: readonly (readonly string[])[] | undefined,
  width: number,
): GraphPlaces {
  const slots = columns && slotsOf(layers, columns, width);
  return slots === undefined ? spread(layers, width) : inColumns(layers, slots, width);
}

/** A column that has nodes: which, how wide they are, and how many stand side by side. */
interface Slots {
  readonly nodes: ReadonlySet<string>;
  readonly box: number;
  readonly across: number;
}

/** What each column has room for: where there are several nodes in a layer they stand side by side, then in lines. */
function slotsOf(
  layers: readonly (readonly string[])[],
  columns: readonly (readonly string[])[],
  width: number,
): Slots[] | undefined {
  const shown = new Set(layers.flat());
  const used = columns
    .map((names) => names.filter((name) => shown.has(name)))
    .filter((names) => names.length > 0)
    .map((names) => ({
      nodes: new Set(names),
      box: Math.max(...names.map(boxOf)) + GAP,
      across: 1,
    }));
  const left = (): number =>
    width - used.reduce((sum, { box, across }) => sum + box * across + APART, 0);
  if (left() < 0) return undefined;
  const most = ({ nodes }: Slots): number =>
    Math.max(...layers.map((layer) => layer.filter((name) => nodes.has(name)).length));
  for (;;) {
    // The highest stack gets wider, while there is room.
    const lines = used.map((one) => Math.ceil(most(one) / one.across));
    const highest = lines.indexOf(Math.max(...lines));
    const one = used[highest];
    if (one === undefined || lines[highest] === 1 || left() < one.box) return used;
    one.across++;
  }
}

function inColumns(
  layers: readonly (readonly string[])[],
  columns: readonly Slots[],
  width: number,
): GraphPlaces {
  const taken = columns.reduce((sum, { box, across }) => sum + box * across + APART, 0);
  const free = (width - taken) / columns.length;
  const lines = layers.map((layer) =>
    Math.max(
      1,
      ...columns.map(({ nodes, across }) =>
        Math.ceil(layer.filter((name) => nodes.has(name)).length / across),
      ),
    ),
  );
  // Layers that there are stand apart; lines of a layer as near as they can.
  const bottoms: number[] = [];
  let up = 0;
  for (const [i, count] of lines.entries()) {
    if (i > 0) up += LAYER;
    bottoms.push(up);
    up += (count - 1) * (HEIGHT + GAP);
  }
  const height = up + HEIGHT + 16;
  const places = new Map<string, { x: number; y: number; box: number }>();
  layers.forEach((layer, i) => {
    let left = 0;
    for (const { nodes, box, across } of columns) {
      const room = box * across + APART + free;
      const own = layer.filter((name) => nodes.has(name));
      own.forEach((name, at) => {
        const line = Math.floor(at / across);
        const inLine = Math.min(across, own.length - line * across);
        const x = left + room / 2 + ((at % across) - (inLine - 1) / 2) * box;
        const y = height - 8 - (bottoms[i] ?? 0) - line * (HEIGHT + GAP) - HEIGHT / 2;
        places.set(name, { x, y, box: boxOf(name) });
      });
      left += room;
    }
  });
  return { places, width, height };
}

/** Layers alone: nodes over the width, so that edges have room. */
function spread(layers: readonly (readonly string[])[], width: number): GraphPlaces {
  const wide = (nodes: readonly string[]): number =>
    nodes.reduce((sum, name) => sum + boxOf(name) + GAP, GAP);
  // A layer that is too wide takes several lines, as near to each other as they can be.
  const lines = layers.flatMap((nodes, layer) =>
    wrapped(nodes, width).map((line, i) => ({ line, first: i === 0 && layer > 0 })),
  );
  const total = Math.max(width, ...lines.map(({ line }) => wide(line)));
  let up = 0;
  const heights = lines.map(({ first }, i) => {
    up += i === 0 ? 0 : first ? LAYER : HEIGHT + GAP;
    return up;
  });
  const height = up + HEIGHT + 16;
  const places = new Map<string, { x: number; y: number; box: number }>();
  lines.forEach(({ line }, i) => {
    const free = (total - wide(line)) / (line.length + 1);
    let x = GAP / 2 + free;
    for (const name of line) {
      const box = boxOf(name);
      places.set(name, { x: x + box / 2, y: height - 8 - (heights[i] ?? 0) - HEIGHT / 2, box });
      x += box + GAP + free;
    }
  });
  return { places, width: total, height };
}

function wrapped(nodes: readonly string[], width: number): string[][] {
  const lines: string[][] = [[]];
  let used = GAP;
  for (const name of nodes) {
    const line = lines.at(-1) ?? [];
    if (line.length > 0 && used + boxOf(name) + GAP > width) {
      lines.push([name]);
      used = GAP + boxOf(name) + GAP;
    } else {
      line.push(name);
      used += boxOf(name) + GAP;
    }
  }
  return lines;
}
