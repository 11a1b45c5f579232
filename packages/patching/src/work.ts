import type { Engine, Ops, Precision, Priced, Shaped } from "@resolvent/tensor";
import { inChunks, priced, readNumbers, using } from "@resolvent/tensor";
import type { Model, Target } from "@resolvent/transformer";
import type { PatchRun } from "./base.ts";
import { branchTargets } from "./branches.ts";
import { edgesOf, type PatchGraph } from "./graph.ts";
import type { PatchSetting } from "./setting.ts";
import { patchedTargets } from "./targets.ts";

/** All interventions of a kind, as places in a matrix of effects. */
export interface PatchWork {
  readonly kind: PatchSetting["kind"];
  /** The heads of the matrix's columns. */
  readonly columns: readonly string[];
  /** Where each effect belongs, in the order in which they are patched. */
  readonly cells: readonly { readonly source: number; readonly column: number }[];
  /** Interventions that share most with one another come in runs of this length. */
  readonly together: number;
}

/**
 * Edges and branches by source and receiver; nodes by source and, where `positions` is not 0, position. The branch
 * of source and receiver goes from one through the other straight to the output; to `final`, straight there.
 */
export function patchWork(
  graph: PatchGraph,
  kind: PatchSetting["kind"],
  positions: number,
): PatchWork {
  if (kind === "node") {
    const columns = Array.from({ length: positions }, (_, pos) => String(pos));
    const all = positions === 0 ? ["all"] : columns;
    const cells = graph.sources.flatMap((_, source) =>
      all.map((_, column) => ({ source, column })),
    );
    return { kind, columns: all, cells, together: 1 };
  }
  const columns = graph.receivers.map(({ name }) => name);
  const cells = edgesOf(graph).map(({ source, receiver }) => ({ source, column: receiver }));
  return { kind, columns, cells, together: graph.level === "head" ? 3 * graph.heads : 1 };
}

/** The target after some of the interventions of a work: `item`. */
export function workTargets<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  graph: PatchGraph,
  work: PatchWork,
  run: PatchRun<T>,
  deltas: T,
  cells: PatchWork["cells"],
  target: Target,
): T {
  if (work.kind === "branch") {
    const final = graph.receivers.length - 1;
    const branches = cells.map(({ source, column }) => ({
      source,
      receivers: column === final ? [] : [column],
    }));
    return branchTargets(ops, model, graph, run, deltas, branches, target);
  }
  const patches = cells.map(({ source, column }) => {
    if (work.kind === "edge") return { source, receiver: column };
    return work.columns[0] === "all" ? { source } : { source, pos: column };
  });
  return patchedTargets(ops, model, graph, run, deltas, patches, target);
}

/** The groups of cells that go through the model together. */
export function workChunks<S extends Shaped>(
  outline: Model<Priced>,
  graph: PatchGraph,
  work: PatchWork,
  run: PatchRun<S>,
  deltas: S,
  { memory, precision }: { readonly memory: number; readonly precision: Precision },
): PatchWork["cells"][] {
  const peak = (cells: PatchWork["cells"]): number =>
    priced(precision, (ops) => {
      const given = (x: S): Priced => ({ shape: x.shape, bytes: 0 }); // costs nothing itself
      const mapped = (map: ReadonlyMap<string, S>): Map<string, Priced> =>
        new Map([...map].map(([name, x]) => [name, given(x)]));
      const shapes: PatchRun<Priced> = {
        streams: run.streams.map(given),
        writes: given(run.writes),
        blocks: mapped(run.blocks),
        heads: mapped(run.heads),
      };
      const any: Target = { a: 0, b: null };
      return workTargets(ops, outline, graph, work, shapes, given(deltas), cells, any);
    }).peakBytes;
  return inChunks(work.cells, memory, peak, work.together);
}

/** The targets after all interventions of a work, in the order of its cells. */
export async function allTargets<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  graph: PatchGraph,
  work: PatchWork,
  run: PatchRun<T>,
  deltas: T,
  target: Target,
  chunks: readonly PatchWork["cells"][],
  onDone: (count: number) => Promise<void>,
): Promise<number[]> {
  const targets: number[] = [];
  for (const cells of chunks) {
    const values = await using(
      engine,
      () => workTargets(engine, model, graph, work, run, deltas, cells, target),
      (tensor) => readNumbers(engine, tensor),
    );
    targets.push(...values);
    await onDone(cells.length);
  }
  return targets;
}
