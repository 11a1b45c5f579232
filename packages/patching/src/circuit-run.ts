import type { Ops, Shape, Shaped } from "@resolvent/tensor";
import type { Target } from "@resolvent/transformer";
import { type Block, blockWrite, type Model, plainSites, targetAt } from "@resolvent/transformer";
import { lastPosition } from "./base.ts";
import { headWrites, projected } from "./changes.ts";
import { groupsOf } from "./gradients.ts";
import { HEAD_INPUTS, type HeadInput, type PatchGraph } from "./graph.ts";

/** Which edges are kept: `kept(source, receiver)` by their indices in the graph. */
export type Circuit = (source: number, receiver: number) => boolean;

/** Sources of one stage and how far what they write in each circuit is from the reference. */
interface Written<T> {
  readonly sources: readonly number[];
  /** `circuit, source, pos, d_model` */
  readonly beyond: T;
}

/**
 * The target of runs in which only the edges of a circuit carry what the run computes: `circuit`.
 *
 *     r_r = Σ_s ref_s + Σ_{s kept for r} (C_s − ref_s) + constants
 *
 * with `C_s` what `s` writes in this very circuit run; every edge outside the circuit carries the reference. At head
 * level the constants are the biases `b_O`, which belong to no head. All circuits go as one stack; at head level
 * every input of every head is composed by itself.
 *
 * @param x0 the embedding of the run: `pos, d_model`
 * @param reference `ref_s`: `source, pos, d_model`
 */
export function circuitTargets<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  graph: PatchGraph,
  x0: T,
  reference: T,
  circuits: readonly Circuit[],
  target: Target,
): T {
  const stack: Shape = { circuit: circuits.length };
  const referenceOf = (sources: readonly number[]): T => {
    const [first = 0] = sources; // the sources of a stage, and of a block, are neighbours
    return ops.slice(reference, "source", first, first + sources.length);
  };
  const sourcesIn = (test: (source: PatchGraph["sources"][number]) => boolean): number[] =>
    graph.sources.flatMap((source, i) => (test(source) ? [i] : []));
  const receiversIn = (test: (receiver: PatchGraph["receivers"][number]) => boolean): number[] =>
    graph.receivers.flatMap((receiver, i) => (test(receiver) ? [i] : []));

  const embedded = ops.broadcast(ops.sub(x0, ops.sum(referenceOf([0]), ["source"])), { source: 1 });
  const written: Written<T>[] = [{ sources: [0], beyond: ops.broadcast(embedded, stack) }];
  /** What receivers read: `circuit, receivers' axes, pos, d_model`. */
  const readOf = (cut: T, receivers: readonly number[], axes: Shape): T =>
    written.reduce(
      (sum, { sources, beyond }) => {
        const mask = circuits.flatMap((kept) =>
          sources.flatMap((s) => receivers.map((r): number => (kept(s, r) ? 1 : 0))),
        );
        const shape = { ...stack, source: sources.length, ...axes };
        return ops.add(sum, ops.matmul(ops.constant(shape, mask), beyond, ["source"]));
      },
      ops.broadcast(cut, { ...stack, ...axes }),
    );

  /** What every edge cut gives. */
  let cut = ops.sum(referenceOf([0]), ["source"]);
  for (const stage of model.stages) {
    const before = cut;
    const passed = ops.scope(() => {
      const own = stage.map((block): Written<T> & { readonly cut: T } => {
        const sources = sourcesIn((source) => source.block === block.name);
        const ref = referenceOf(sources);
        const writes = ops.scope(() => {
          if (graph.level === "block" || block.kind === "mlp") {
            const receivers = receiversIn((receiver) => receiver.block === block.name);
            const write = blockWrite(ops, block, readOf(before, receivers, {}), plainSites());
            return ops.broadcast(write, { source: 1 });
          }
          const inputs = HEAD_INPUTS.map((input): [HeadInput, T] => {
            const receivers = receiversIn((to) => to.block === block.name && to.input === input);
            const given = ops.scope(() =>
              projected(ops, block, input, readOf(before, receivers, groupsOf(block))),
            );
            return [input, given];
          });
          const heads = headWrites(ops, block, before, Object.fromEntries(inputs));
          return ops.rename(heads, { head: "source" });
        });
        const sum = ops.sum(ref, ["source"]);
        return {
          sources,
          beyond: ops.sub(writes, ref),
          cut: graph.level === "head" ? withConstant(ops, block, sum) : sum,
        };
      });
      return { own, after: own.reduce((sum, part) => ops.add(sum, part.cut), before) };
    });
    written.push(...passed.own);
    cut = passed.after;
  }
  const last = (x: T): T => lastPosition(ops, x);
  const final = receiversIn(({ input }) => input === "final");
  written.forEach((part, i) => {
    written[i] = { ...part, beyond: last(part.beyond) };
  });
  return targetAt(ops, model, readOf(last(cut), final, {}), target);
}

/** With the constant of an attention block that belongs to no head. */
function withConstant<T extends Shaped>(ops: Ops<T>, block: Block<T>, sum: T): T {
  return block.kind === "attn" && block.b_O !== undefined ? ops.add(sum, block.b_O) : sum;
}
