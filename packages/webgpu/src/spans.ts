import type { Group } from "./groups.ts";
import type { Node, Places, Source } from "./node.ts";
import type { Span } from "./parts.ts";

/** Which entries of what is made or read are needed for a span of a group's root. */
export function neededFor({ root, levels }: Group, span: Span): ReadonlyMap<Node, Span> {
  const needed = new Map<Node, Span>([[root, span]]);
  const add = (node: Node, [from, to]: Span): void => {
    const [first, end] = needed.get(node) ?? [from, to];
    needed.set(node, [Math.min(first, from), Math.max(end, to)]);
  };
  for (const node of levels.keys()) {
    const own = needed.get(node);
    if (own === undefined || node.work.type === "product") continue;
    for (const source of node.sources) {
      add(source.node, spanOf(node, source, own));
      const { places } = source;
      if ("rows" in places) add(places.rows, [0, places.rows.size]);
    }
  }
  return needed;
}

/** The entries of a source that a span of a node's needs; more, where they are not easily told. */
function spanOf({ work }: Node, { node, places }: Source, span: Span): Span {
  if (work.type === "turn") return [0, node.size]; // pairs and angles lie anywhere
  if (work.type !== "rows") return reach(places, span);
  const { size, inner } = work.around;
  const keeps = work.name === "center" || work.name === "softmax";
  return reach(places, aroundSpan(span, keeps ? size * inner : inner, size * inner));
}

/** A span in blocks of one size, widened to whole blocks, in blocks of another. */
export function aroundSpan([from, to]: Span, block: number, into: number): Span {
  return [Math.floor(from / block) * into, Math.ceil(to / block) * into];
}

/** The places at which a span of entries finds its numbers, from the least to past the greatest. */
export function reach(places: Places, span: Span): Span {
  const [from, to] = span;
  const { start } = places;
  if (to <= from) return [start, start];
  if ("rows" in places) {
    const { count, around, rows } = places;
    const { size, inner } = around;
    const [first, end] = aroundSpan(span, inner, 1); // rows of all outer ones, counted through
    const [outer, last] = [Math.floor(first / count), Math.floor((end - 1) / count)];
    const within: Span = outer === last ? [first % count, ((end - 1) % count) + 1] : [0, count];
    const [least, most] = extent(listOf(rows).subarray(...within));
    return [start + (outer * size + least) * inner, start + (last * size + most) * inner];
  }
  const { loops } = places;
  let rest = loops.reduce((count, { size }) => count * size, 1);
  let [first, last] = [from, to - 1];
  let [low, high] = [start, start];
  let isOpen = false; // from there on every turn is taken
  for (const { size, step } of loops) {
    if (isOpen) {
      high += (size - 1) * step;
      continue;
    }
    rest /= size;
    const [near, far] = [Math.floor(first / rest), Math.floor(last / rest)];
    low += near * step;
    high += far * step;
    [first, last] = [first % rest, last % rest];
    isOpen = near !== far;
  }
  return [low, high + 1];
}

/** The numbers of a list that went to the device. */
export function listOf({ work }: Node): Int32Array {
  return work.type === "stored" && work.list !== undefined ? work.list : new Int32Array();
}

/** From the least of some numbers to past the greatest. */
export function extent(numbers: Int32Array): Span {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const number of numbers) [least, most] = [Math.min(least, number), Math.max(most, number)];
  return most < least ? [0, 0] : [least, most + 1];
}
