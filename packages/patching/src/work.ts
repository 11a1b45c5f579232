import type { Engine, Ops, Precision, Priced, Shaped } from "@resolvent/tensor";
import { inChunks, priced, readNumbers, using } from "@resolvent/tensor";
import type { Model, PartWrites } from "@resolvent/transformer";
import { branchTargets } from "./branches.ts";
import { edgesOf, type PatchGraph } from "./graph.ts";
import { mapAsked } from "./measure.ts";
import type { Patched } from "./patched.ts";
import { patchedTargets } from "./patched-targets.ts";
import type { PatchSetting } from "./setting.ts";

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
  const together = graph.receivers.filter(({ stage }) => stage === graph.lastAttention).length;
  return { kind, columns, cells, together };
}

/** The target after some of the interventions of a work: `item`. */
export function workTargets<T extends Shaped>(
  ops: Ops<T>,
  patched: Patched<T>,
  work: PatchWork,
  cells: PatchWork["cells"],
): T {
  if (work.kind === "branch") {
    const final = patched.graph.receivers.length - 1;
    const branches = cells.map(({ source, column }) => ({
      source,
      receivers: column === final ? [] : [column],
    }));
    return branchTargets(ops, patched, branches);
  }
  const patches = cells.map(({ source, column }) => {
    if (work.kind === "edge") return { source, receiver: column };
    return work.columns[0] === "all" ? { source } : { source, pos: column };
  });
  return patchedTargets(ops, patched, patches);
}

/** The groups of cells that go through the model together, in `memory` bytes each. */
export function workChunks<T extends Shaped>(
  outline: Model<Priced>,
  patched: Patched<T>,
  work: PatchWork,
  { memory, precision }: { readonly memory: number; readonly precision: Precision },
): PatchWork["cells"][] {
  const given = ({ shape }: T): Priced => ({ shape, bytes: 0 }); // costs nothing itself
  const { graph, run, deltas } = patched;
  const writes = ({ whole, each, directions }: PartWrites<T>): PartWrites<Priced> => ({
    ...{ whole: given(whole), each: given(each) },
    ...(directions && { directions: given(directions) }),
  });
  const shapes: Patched<Priced> = {
    ...mapAsked(patched, given),
    ...{ model: outline, graph, deltas: given(deltas) },
    run: {
      streams: run.streams.map(given),
      writes: given(run.writes),
      blocks: new Map([...run.blocks].map(([name, made]) => [name, writes(made)])),
    },
  };
  const peak = (cells: PatchWork["cells"]): number =>
    priced(precision, (ops) => workTargets(ops, shapes, work, cells)).peakBytes;
  return inChunks(work.cells, memory, peak, work.together);
}

/** The targets after all interventions of a work, in the order of its cells. */
export async function allTargets<T extends Shaped>(
  engine: Engine<T>,
  patched: Patched<T>,
  work: PatchWork,
  options: {
    readonly chunks: readonly PatchWork["cells"][];
    readonly onDone: (count: number) => Promise<void>;
  },
): Promise<number[]> {
  const targets: number[] = [];
  for (const cells of options.chunks) {
    const values = await using(
      engine,
      () => workTargets(engine, patched, work, cells),
      (tensor) => readNumbers(engine, tensor),
    );
    targets.push(...values);
    await options.onDone(cells.length);
  }
  return targets;
}
