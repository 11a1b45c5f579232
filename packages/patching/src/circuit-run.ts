import type { Ops, Shape, Shaped } from "@resolvent/tensor";
import { constantOf, everyPart, type Model, ownWrites, plainSites } from "@resolvent/transformer";
import type { PatchGraph } from "./graph.ts";
import { type Asked, measureAt } from "./measure.ts";
import { lastPosition } from "./patch-run.ts";

/** Which edges are kept: `kept(source, receiver)` by their indices in the graph. */
export type Circuit = (source: number, receiver: number) => boolean;

/** What circuits are cut out of. */
export type CircuitSubject<T extends Shaped> = Asked<T> & {
  readonly model: Model<T>;
  readonly graph: PatchGraph;
  /** The embedding of the run: `pos, d_model`. */
  readonly x0: T;
  /** `ref_s`: `source, pos, d_model`. */
  readonly reference: T;
};

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
 * with `C_s` what `s` writes in this very circuit run; every edge outside the circuit carries the reference. The
 * constants are what belongs to no part of a block: at head level the biases `b_O`. All circuits go as one stack;
 * every input of every part is composed by itself.
 */
export function circuitTargets<T extends Shaped>(
  ops: Ops<T>,
  subject: CircuitSubject<T>,
  circuits: readonly Circuit[],
): T {
  const { model, graph, x0, reference } = subject;
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
        const parts = graph.level[block.kind];
        const { writes, constant } = ops.scope(() => {
          const reads = (parts?.inputs ?? [undefined]).map((input) => {
            const receivers = receiversIn(
              (to) => to.node?.block === block.name && to.input === input,
            );
            return readOf(before, receivers, { node: receivers.length });
          });
          const made = ownWrites(ops, parts, block, reads, plainSites());
          return {
            writes: ops.rename(everyPart(ops, made), { node: "source" }),
            constant: parts && ofAll(ops, constantOf(ops, parts, block, made)),
          };
        });
        const sum = ops.sum(ref, ["source"]);
        return {
          sources,
          beyond: ops.sub(writes, ref),
          cut: constant === undefined ? sum : ops.add(sum, constant),
        };
      });
      return { own, after: own.reduce((sum, part) => ops.add(sum, part.cut), before) };
    });
    written.push(...passed.own);
    cut = passed.after;
  }
  const last = (x: T): T => lastPosition(ops, x);
  const final = receiversIn(({ node }) => node === undefined);
  written.forEach((part, i) => {
    written[i] = { ...part, beyond: last(part.beyond) };
  });
  return measureAt(ops, model, readOf(last(cut), final, {}), subject);
}

/** A constant, which is the same in every circuit, once. */
function ofAll<T extends Shaped>(ops: Ops<T>, constant: T | undefined): T | undefined {
  if (constant?.shape.circuit === undefined) return constant;
  return ops.sum(ops.slice(constant, "circuit", 0, 1), ["circuit"]);
}
