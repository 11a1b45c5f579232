import { InputError, type Ops, type Shaped, takeEntries } from "@resolvent/tensor";
import type { PatchGraph } from "./graph.ts";
import { measureAt } from "./measure.ts";
import { lastPosition } from "./patch-run.ts";
import type { Patched } from "./patched.ts";
import { writeChanges } from "./write-changes.ts";

/** A path of the computational tree: a source, then the receivers it goes through, each of a later stage. */
export interface Branch {
  readonly source: number;
  /** Receivers but `final`, which every branch ends at; none for the direct branch. */
  readonly receivers: readonly number[];
}

/**
 * The target when the reference is seen along one path of the computational tree each: `item`.
 *
 *     Δ_0 = δ_s,   Δ_j = f_{r_j}(r_{r_j} + Δ_{j−1}) − C_{r_j},   target(T + Δ_k)
 *
 * Unfolded into a tree, every node reads its own copies of those before it; a branch changes one leaf and computes
 * the nodes from it to the root anew. So each receiver passes its change on to the next of its path alone, and the
 * last to the output. (Path patching, Goldowsky-Dill et al. 2023, of one path.) A branch takes one application
 * of each block that it goes through.
 */
export function branchTargets<T extends Shaped>(
  ops: Ops<T>,
  patched: Patched<T>,
  branches: readonly Branch[],
): T {
  const { model, graph, run, deltas } = patched;
  branches.forEach((branch) => void checkBranch(graph, branch));
  const sources = branches.map(({ source }) => source);
  let moved = takeEntries(ops, deltas, "source", sources, "item");
  let index = 0;
  for (const stage of model.stages) {
    const at = index++;
    const changes = branches.flatMap(({ receivers }, entry) => {
      const own = receivers.find((receiver) => graph.receivers[receiver]?.stage === at);
      const receiver = graph.receivers[own ?? -1];
      return receiver === undefined ? [] : [{ receiver, entry }];
    });
    if (changes.length === 0) continue;
    moved = ops.scope(() => {
      const before = ops.rename(moved, { item: "change" });
      const after = writeChanges(ops, stage, patched, before, changes);
      const places = branches.map((_, entry) => {
        const place = changes.findIndex((change) => change.entry === entry);
        return place < 0 ? entry : branches.length + place;
      });
      return takeEntries(ops, ops.concat([moved, after], "item"), "item", places, "item");
    });
  }
  const final = lastPosition(ops, run.streams[graph.stages] as T); // after all stages
  return measureAt(ops, model, ops.add(lastPosition(ops, moved), final), patched);
}

/** Throws `patching/bad-branch` where a receiver is not after what comes before it. */
function checkBranch(graph: PatchGraph, { source, receivers }: Branch): void {
  const nodes = [graph.sources[source], ...receivers.map((receiver) => graph.receivers[receiver])];
  const odd = nodes.findIndex((node, i) => {
    if (node === undefined || node.stage === graph.stages) return true; // final is no step
    return i > 0 && node.stage <= (nodes[i - 1]?.stage ?? 0);
  });
  if (odd < 0) return;
  throw new InputError({
    code: "patching/bad-branch",
    message: `A branch goes forward: ${nodes.map((node) => node?.name ?? "nothing").join(" → ")} does not.`,
    remedy: "Name a source and receivers of later and later blocks; the output follows by itself.",
    details: { source, receivers },
  });
}
