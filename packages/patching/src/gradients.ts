import {
  adjoint,
  InputError,
  type Ops,
  type Recorded,
  type Shaped,
  sizeAlong,
  takeEntries,
} from "@resolvent/tensor";
import {
  type Block,
  blockWrite,
  type Model,
  mapWeights,
  ownWrites,
  type Parts,
  plainSites,
} from "@resolvent/transformer";
import { mapAsked, measureAt } from "./measure.ts";
import { lastPosition, streamsFrom } from "./patch-run.ts";
import type { Patched } from "./patched.ts";
import type { PatchMethod } from "./setting.ts";

/** First-order effects of moving sources by δ. */
export interface GradientEffects<T> {
  /** `⟨∂t/∂r_r, δ_s⟩`; also where the source is not before the receiver, where it means nothing: `source, receiver`. */
  readonly edges: T;
  /** `⟨∂t/∂C_s, δ_s⟩` by position; its sum over positions is that of the source's edges: `source, pos`. */
  readonly nodes: T;
}

/**
 * Effects by gradients, of all edges and nodes at once. One block is differentiated at a time, backward from the
 * end, from what it read: nothing but the streams is kept of a forward pass. About 4 passes without logits
 * (the blocks again, and twice that for their derivatives); `m` times as much for `eap-ig`, and for
 * `eap-ig-activations` `m·sources/2` times.
 *
 * @param patched a model in memory; throws `patching/streamed-model` for one that reads its weights as it goes
 * @param steps `m` of the integrated gradients: points `reference + (k/m)(run − reference)`, `k = 1 … m`
 */
export function gradientEffects<T extends Shaped>(
  ops: Ops<T>,
  patched: Patched<T>,
  { method, steps }: { readonly method: Exclude<PatchMethod, "exact">; readonly steps: number },
): GradientEffects<T> {
  const { model, graph, run, deltas } = patched;
  checkInMemory(model);
  const fixed = mapWeights(model, adjoint(ops).fixed);
  const backward = (streams: readonly T[], start: number): GradientEffects<T> =>
    backwardFrom(ops, fixed, patched, streams, start);
  if (method === "eap") return backward(run.streams, 0);
  // δ leads from the run to the reference: the last point is the run itself.
  const shares = Array.from({ length: steps }, (_, k) => 1 - (k + 1) / steps);
  const between = (stream: T, source: number): T => {
    const delta = ops.sum(ops.slice(deltas, "source", source, source + 1), ["source"]);
    return ops.add(ops.mul(ops.constant({ step: steps }, shares), delta), stream);
  };
  if (method === "eap-ig") {
    const x0 = between(run.streams[0] as T, 0); // the first source is the embedding
    return backward(streamsFrom(ops, model, x0, 0), 0);
  }
  const each = graph.sources.map(({ stage }, source) =>
    ops.scope(() => {
      const start = stage + 1;
      const moved = streamsFrom(ops, model, between(run.streams[start] as T, source), start);
      const own = backward([...run.streams.slice(0, start), ...moved], start);
      const row = (x: T): T => ops.slice(x, "source", source, source + 1);
      return { edges: row(own.edges), nodes: row(own.nodes) };
    }),
  );
  return {
    edges: ops.concat(
      each.map(({ edges }) => edges),
      "source",
    ),
    nodes: ops.concat(
      each.map(({ nodes }) => nodes),
      "source",
    ),
  };
}

/** Gradients of the stages from `start` on, each at what it reads in `streams`; of receivers before it, zeros. */
function backwardFrom<T extends Shaped>(
  ops: Ops<T>,
  model: Model<Recorded<T>>,
  patched: Patched<T>,
  streams: readonly T[],
  start: number,
): GradientEffects<T> {
  const { graph, deltas } = patched;
  const stages = [...model.stages];
  const all = graph.sources.length;
  const positions = sizeAlong(deltas.shape, "pos", "gradientEffects");
  const edges: T[] = [];
  const nodes: T[] = [];
  /** `⟨gradient, δ_s⟩` of all sources, the gradient averaged over its steps. */
  const along = (gradient: T, over: readonly string[], moved: T = deltas): T =>
    ops.matmul(moved, overSteps(ops, gradient), over);
  /** Recorded effects of the sources of a stage, by the gradient behind it. */
  const nodesOf = (stage: number, gradient: T): void => {
    const own = graph.sources.flatMap((source, i) => (source.stage === stage ? [i] : []));
    const moved = takeEntries(ops, deltas, "source", own, "source");
    const weighted = ops.mul(moved, overSteps(ops, gradient));
    nodes.unshift(ops.arrange(ops.sum(weighted, ["d_model"]), ["source", "pos"]));
  };

  let gradient = ops.scope(() => {
    const tape = adjoint(ops);
    const last = tape.variable(lastPosition(ops, streams[stages.length] as T)); // the end of the run
    const value = measureAt(tape, model, last, mapAsked(patched, tape.fixed));
    const ones = ops.fill(value.shape, 1);
    return tape.gradients(value, ones, [last])[0] as T; // one for each variable
  });
  edges.unshift(
    ops.broadcast(along(gradient, ["pos", "d_model"], lastPosition(ops, deltas)), { receiver: 1 }),
  );
  if (positions > 1) {
    const before = ops.fill({ ...gradient.shape, pos: positions - 1 }, 0);
    gradient = ops.concat([before, gradient], "pos");
  }
  for (let at = stages.length - 1; at >= start; at--) {
    const behind = gradient;
    nodesOf(at, behind);
    const stage = stages[at] as readonly Block<Recorded<T>>[]; // an index of the stages
    const parts = stage.map((block) =>
      ops.scope(() => {
        const own = graph.sources.filter((source) => source.block === block.name).length;
        const parts = graph.level[block.kind];
        const pulled = pullBlock(ops, block, streams[at] as T, behind, parts, own);
        const scores = pulled.reads.map((read) => along(read, ["pos", "d_model"]));
        return { stream: pulled.stream, scores: receiversOf(ops, scores) };
      }),
    );
    edges.unshift(...parts.map(({ scores }) => scores));
    gradient = parts.reduce((sum, { stream }) => ops.add(sum, stream), behind);
  }
  nodesOf(start - 1, gradient);
  const after = graph.receivers.filter(({ stage }) => stage >= start).length;
  const missing = graph.receivers.length - after;
  if (missing > 0) edges.unshift(ops.fill({ source: all, receiver: missing }, 0));
  const rest = all - graph.sources.filter(({ stage }) => stage >= start - 1).length;
  if (rest > 0) nodes.unshift(ops.fill({ source: rest, pos: positions }, 0));
  const flat = edges.map((part) => ops.arrange(part, ["source", "receiver"]));
  return { edges: ops.concat(flat, "receiver"), nodes: ops.concat(nodes, "source") };
}

/** The gradient by what each input of a block reads, and by the stream that all of them read. */
function pullBlock<T extends Shaped>(
  ops: Ops<T>,
  block: Block<Recorded<T>>,
  stream: T,
  behind: T,
  parts: Parts | undefined,
  nodes: number,
): { readonly reads: readonly T[]; readonly stream: T } {
  const tape = adjoint(ops);
  if (parts === undefined) {
    const read = tape.variable(stream);
    const write = blockWrite(tape, block, read, plainSites());
    const [gradient] = tape.gradients(write, behind, [read]);
    return { reads: [gradient as T], stream: gradient as T }; // one for each variable
  }
  const each = ops.broadcast(stream, { node: nodes });
  const reads = (parts.inputs ?? [undefined]).map(() => tape.variable(each));
  const { whole } = ownWrites(tape, parts, block, reads, plainSites());
  const gradients = tape.gradients(whole, behind, reads);
  const sums = gradients.map((gradient) => ops.sum(gradient, ["node"]));
  return { reads: gradients, stream: sums.reduce((sum, part) => ops.add(sum, part)) };
}

/** Scores of the inputs of a block as receivers: all inputs of a node, then the next node's. */
function receiversOf<T extends Shaped>(ops: Ops<T>, scores: readonly T[]): T {
  const [first] = scores as [T, ...T[]]; // whatever reads has an input
  if (!("node" in first.shape)) return ops.broadcast(first, { receiver: 1 });
  const stacked = scores.map((score) => ops.broadcast(score, { input: 1 }));
  const all = ops.arrange(ops.concat(stacked, "input"), ["source", "node", "input"]);
  return ops.join(all, ["node", "input"], "receiver");
}

/** The mean over the axis `step`, where there is one. */
function overSteps<T extends Shaped>(ops: Ops<T>, x: T): T {
  const steps = x.shape.step;
  return steps === undefined ? x : ops.scale(ops.sum(x, ["step"]), 1 / steps);
}

function checkInMemory<T extends Shaped>(model: Model<T>): void {
  if (Array.isArray(model.stages)) return;
  throw new InputError({
    code: "patching/streamed-model",
    message: `Gradients go through ${model.name} backward, which a model that is read layer by layer cannot.`,
    remedy: "Load the model as a whole, or patch exactly.",
  });
}
