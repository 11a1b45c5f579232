import type { Around } from "@resolvent/tensor/rules";
import { isInLine, type Node, type Places, type Source, usedBy } from "./node.ts";
import { type Buffers, partsOf } from "./parts.ts";

/**
 * Where the entry that is being made finds a node's: at its own number in a tensor (`whole`), at the number of its row
 * of the axis that the group goes along (`row`), or anywhere.
 */
type Level = "whole" | "row" | "other";

/** Nodes whose numbers are made in one kernel; only those of the root are kept. */
export interface Group {
  readonly root: Node;
  /** The root first, others after all that use them. */
  readonly levels: ReadonlyMap<Node, Level>;
  /** The axis that sums and norms in it go along. */
  readonly along: Around | undefined;
  /** The product that it ends. */
  readonly product: Node | undefined;
}

type Growing = {
  -readonly [Name in keyof Group]: Group[Name] extends ReadonlyMap<Node, Level>
    ? Map<Node, Level>
    : Group[Name];
};

/** So many nodes make a kernel that is compiled quickly. */
const MOST_NODES = 48;

/** How often a function of an entry may be computed again rather than kept. */
const MOST_AGAIN = 8;

/**
 * Nodes that are not there yet as few kernels: a node joins the one group in which all that use it are, where nobody
 * else will ask for its numbers.
 *
 * @param nodes in the order in which they were recorded
 */
export function grouped(nodes: readonly Node[], buffers: Buffers): Group[] {
  const groups: Growing[] = [];
  const groupOf = new Map<Node, Growing>();
  for (const node of nodes.toReversed()) {
    const own = node.handles > 0 ? undefined : onlyGroup(node, groupOf);
    if (own !== undefined && joins(own, node, buffers)) groupOf.set(node, own);
    else {
      const group = groupFrom(node);
      groups.push(group);
      groupOf.set(node, group);
    }
  }
  return groups.reverse();
}

function groupFrom(root: Node): Growing {
  const { work } = root;
  const along = work.type === "rows" ? work.around : undefined;
  const level = work.type === "rows" && !keepsAxis(root) ? "row" : "whole";
  const product = work.type === "product" ? root : undefined;
  return { root, levels: new Map([[root, level]]), along, product };
}

function onlyGroup(node: Node, groupOf: ReadonlyMap<Node, Growing>): Growing | undefined {
  let only: Growing | undefined;
  for (const user of node.users) {
    const group = groupOf.get(user);
    if (group === undefined || (only !== undefined && only !== group)) return undefined;
    only = group;
  }
  return only;
}

/** Whether a kernel can make the sources of a node as it goes. */
function takesSources({ work, form }: Node): boolean {
  return (work.type === "point" || work.type === "turn" || work.type === "rows") && form === "f32";
}

function joins(group: Growing, node: Node, buffers: Buffers): boolean {
  if (group.levels.size >= MOST_NODES || node.form !== "f32") return false;
  if (![...node.users].every(takesSources)) return false;
  if ([...node.users].some(({ sources }) => sources.some((each) => listOf(each) === node)))
    return false;
  const { work } = node;
  if (work.type === "rows") return joinsAlong(group, node, work.around, buffers);
  if (work.type !== "point" && work.type !== "fill" && work.type !== "product") return false;
  const level = levelOf(node, group.levels, group.along);
  if (work.type === "product") {
    if (level !== "whole" || group.along !== undefined || group.product !== undefined) return false;
    if (node.size !== group.root.size) return false;
    group.product = node;
  } else if (level === "other" && !isCheap(node) && group.root.size > MOST_AGAIN * node.size) {
    return false;
  }
  group.levels.set(node, level);
  if (seenBy(group, buffers) <= buffers.most) return true;
  group.levels.delete(node);
  if (group.product === node) group.product = undefined;
  return false;
}

function listOf({ places }: Source): Node | undefined {
  return "rows" in places ? places.rows : undefined;
}

/** A sum or norm joins where its rows are those of the group, and each of its numbers is needed by its own row. */
function joinsAlong(group: Growing, node: Node, along: Around, buffers: Buffers): boolean {
  if (group.product !== undefined) return false;
  const native: Level = keepsAxis(node) ? "whole" : "row";
  const before = { along: group.along, levels: group.levels };
  const trials = group.along === undefined ? (["whole", "row"] as const) : ([undefined] as const);
  if (group.along !== undefined && !sameAround(group.along, along)) return false;
  for (const rootLevel of trials) {
    const levels = rootLevel === undefined ? before.levels : levelsFrom(group, rootLevel, along);
    if (levels === undefined || levelOf(node, levels, along) !== native) continue;
    group.along = along;
    group.levels = new Map([...levels, [node, native]]);
    if (seenBy(group, buffers) <= buffers.most) return true;
    Object.assign(group, before);
  }
  return false;
}

/** The levels of all nodes of a group, once it goes along an axis. */
function levelsFrom(
  { root, levels }: Growing,
  rootLevel: "whole" | "row",
  along: Around,
): Map<Node, Level> | undefined {
  const { outer, size, inner } = along;
  if (root.size !== outer * inner * (rootLevel === "whole" ? size : 1)) return undefined;
  const found = new Map<Node, Level>([[root, rootLevel]]);
  for (const node of levels.keys()) {
    if (node !== root) found.set(node, levelOf(node, found, along));
  }
  return found;
}

/** Where all users of a node in a group look for it. */
function levelOf(node: Node, levels: ReadonlyMap<Node, Level>, along: Around | undefined): Level {
  let common: Level | undefined;
  for (const user of node.users) {
    const from = user.work.type === "rows" ? "whole" : (levels.get(user) ?? "other");
    for (const source of user.sources) {
      if (source.node !== node) continue;
      const own = user.work.type === "turn" ? "other" : stepped(from, source, user, along);
      if (common !== undefined && common !== own) return "other";
      common = own;
    }
  }
  return common ?? "other";
}

function stepped(
  from: Level,
  { node, places }: Source,
  user: Node,
  along: Around | undefined,
): Level {
  if (from === "other") return "other";
  const size = user.work.type === "rows" ? sizeAround(user.work.around) : user.size;
  if (size === node.size && isInLine(places, size)) return from;
  if (from === "whole" && along !== undefined && isOfRow(places, along)) return "row";
  return "other";
}

/** Whether entry `[outer, i, inner]` finds its number at `[outer, inner]`. */
function isOfRow(places: Places, { outer, size, inner }: Around): boolean {
  if ("rows" in places || places.start !== 0) return false;
  const expected = [
    { size: outer, step: inner },
    { size, step: 0 },
    { size: inner, step: 1 },
  ].filter((loop) => loop.size !== 1);
  return (
    expected.length === places.loops.length &&
    expected.every(({ size, step }, i) => {
      const loop = places.loops[i];
      return loop?.size === size && loop.step === step;
    })
  );
}

/** Whether a node's numbers are as many as those of its source. */
function keepsAxis({ work }: Node): boolean {
  return work.type === "rows" && (work.name === "center" || work.name === "softmax");
}

function isCheap({ work }: Node): boolean {
  if (work.type === "fill") return true;
  if (work.type !== "point") return false;
  return ["copy", "scale", "add", "sub", "mul", "div", "relu"].includes(work.name);
}

function sizeAround({ outer, size, inner }: Around): number {
  return outer * size * inner;
}

function sameAround(a: Around, b: Around): boolean {
  return a.outer === b.outer && a.size === b.size && a.inner === b.inner;
}

/** How many buffers a group reads and writes. */
function seenBy({ root, levels }: Growing, buffers: Buffers): number {
  const seen = new Set<Node>([root]);
  for (const node of levels.keys()) {
    for (const used of usedBy(node)) if (!levels.has(used)) seen.add(used);
  }
  let count = 0;
  for (const node of seen) count += partsOf(node, buffers);
  return count;
}
