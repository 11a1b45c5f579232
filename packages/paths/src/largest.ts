import { type Heap, heapOf, pop, push } from "./heap.ts";
import type { SourceId } from "./sources.ts";
import type { Step } from "./step.ts";

/** The end of a path: its first node, and what follows it. */
export interface Suffix {
  readonly node: Pick<Step<unknown>, "name">;
  readonly next: Suffix | undefined;
  /** How many nodes it has. */
  readonly length: number;
}

/** The nodes of a suffix, the first first. */
export function nodesOf(suffix: Suffix | undefined): string[] {
  const names: string[] = [];
  for (let at = suffix; at !== undefined; at = at.next) names.push(at.node.name);
  return names;
}

/** The suffix with one more node before it. */
export function before(node: Suffix["node"], next: Suffix | undefined): Suffix {
  return { node, next, length: (next?.length ?? 0) + 1 };
}

/** A path through a frozen run, and what it contributes to a readout. */
export interface PathEffect {
  readonly source: SourceId;
  /** `L0.H3`, `L1.mlp`: from the source to the readout. */
  readonly nodes: readonly string[];
  /** How many nodes it has, one more where its source is a block's constant. */
  readonly degree: number;
  readonly effect: number;
}

interface Candidate {
  readonly effect: number;
  readonly path: () => Omit<PathEffect, "effect">;
}

/** Keeps the largest by absolute value of all that it is offered. */
export interface Best {
  /** What an effect has to exceed to be kept. */
  readonly threshold: number;
  offer(effect: number, path: Candidate["path"]): void;
  /** What was kept, the largest first. */
  sorted(): PathEffect[];
}

/** Keeps the `count` largest. */
export function bestOf(count: number): Best {
  const heap: Heap<Candidate> = heapOf((a, b) => Math.abs(a.effect) - Math.abs(b.effect));
  return {
    get threshold() {
      if (count === 0) return Number.POSITIVE_INFINITY;
      return heap.items.length < count ? -1 : Math.abs(heap.items[0]?.effect ?? 0);
    },
    offer(effect, path) {
      if (!(Math.abs(effect) > this.threshold)) return;
      push(heap, { effect, path });
      if (heap.items.length > count) pop(heap);
    },
    sorted: () =>
      [...heap.items]
        .sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect))
        .map(({ effect, path }) => ({ ...path(), effect })),
  };
}
