import { type HeadFacts, headFacts } from "@resolvent/analysis";
import { axesOf, type Engine, type Ops, readTogether, type Shaped, using } from "@resolvent/tensor";
import { type Model, run } from "@resolvent/transformer";
import { type ActivationLinearity, type Alignment, alignmentOf } from "./alignment.ts";
import type { MeasureOptions } from "./barrier.ts";
import { checkAlpha, type Merged } from "./merged.ts";
import { batchesOf } from "./rows.ts";
import { checkSameShape } from "./same-shape.ts";
import { addTo, linearityOf, type Tally, tally } from "./tally.ts";

/** A head in two models and their merge: what does not depend on the basis that it works in. */
export interface ComparedHead extends HeadFacts {
  /** What it adds to the stream, after W_O. */
  readonly write: ActivationLinearity;
  /** How much of its attention is elsewhere, `½ Σ |p − q|` on average over positions with a choice; null without any. */
  readonly pattern: {
    /** In the merge, against the mean of the models' patterns. */
    readonly merge: number | null;
    /** In the second model, against the first. */
    readonly apart: number | null;
  };
}

/**
 * The heads of two models of one shape and of their merge, over all tokens of some rows: what each writes, and where it
 * looks.
 *
 * @throws InputError `merge/alpha`, `merge/shapes-differ`, `merge/no-rows`, what a run throws; the signal's reason
 */
export async function compareHeads<T extends Shaped>(
  engine: Engine<T>,
  merged: Merged<T>,
  rows: readonly (readonly number[])[],
  { signal, onProgress }: MeasureOptions = {},
): Promise<readonly ComparedHead[]> {
  checkAlpha(merged.alpha);
  checkSameShape(merged.first, merged.second, merged.merge);
  const blocks = attentionBlocks(merged.merge);
  const found = blocks.map(({ heads }) =>
    Array.from({ length: heads }, () => ({
      write: tally(),
      ...{ merge: 0, apart: 0, positions: 0 },
    })),
  );
  const batches = batchesOf(rows, merged.merge.architecture.vocab);
  for (const [done, batch] of batches.entries()) {
    signal?.throwIfAborted();
    await using(
      engine,
      () => headProducts(engine, merged, batch),
      async (products) => {
        for (const [block, { write, merge, apart }] of products.entries()) {
          const own = found[block] ?? [];
          const tallies: Tally[] = own.map((head) => head.write);
          await addTo(engine, tallies, write);
          const [elsewhere, between] = await readTogether(engine, [merge, apart]);
          for (const [i, head] of own.entries()) {
            head.merge += elsewhere[i] ?? Number.NaN;
            head.apart += between[i] ?? Number.NaN;
            // The first position can look at itself only.
            head.positions += batch.reduce((sum, row) => sum + row.length - 1, 0);
          }
        }
      },
    );
    onProgress?.({ done: done + 1, total: batches.length });
  }
  return blocks.flatMap(({ layer }, block) =>
    (found[block] ?? []).map(({ write, merge, apart, positions }, head) => {
      const mean = (sum: number): number | null => (positions === 0 ? null : sum / positions);
      return {
        ...headFacts({ layer, head }),
        write: linearityOf(write),
        pattern: { merge: mean(merge), apart: mean(apart) },
      };
    }),
  );
}

/** What is read of the heads of one block. */
interface HeadProducts<T> {
  /** Of what they write, at each token, the heads last. */
  readonly write: Alignment<T>;
  /** `½ Σ |p − q|` over all positions: of each head. */
  readonly merge: T;
  readonly apart: T;
}

/** The inner products of what heads write, and the distances of their patterns, block by block. */
export function headProducts<T extends Shaped>(
  ops: Ops<T>,
  { first, second, merge, alpha }: Merged<T>,
  batch: readonly (readonly number[])[],
): readonly HeadProducts<T>[] {
  const names = attentionBlocks(merge).map(({ name }) => name);
  const sites = names.flatMap((name) => [`${name}.head`, `${name}.pattern`]);
  return ops.scope(() => {
    const traces = [first, second, merge].map((model) => run(ops, model, batch, { sites }).trace);
    return names.map((name) => {
      const [a, b, m] = traces.map((trace) => ({
        head: lastHead(ops, trace.get(`${name}.head`) as T), // kept above
        pattern: trace.get(`${name}.pattern`) as T,
      })) as [Kept<T>, Kept<T>, Kept<T>]; // of each model
      const mean = ops.add(ops.scale(a.pattern, 1 - alpha), ops.scale(b.pattern, alpha));
      return {
        write: alignmentOf(ops, { first: a.head, second: b.head, merge: m.head }, alpha, [
          "d_model",
        ]),
        merge: distance(ops, m.pattern, mean),
        apart: distance(ops, b.pattern, a.pattern),
      };
    });
  });
}

interface Kept<T> {
  readonly head: T;
  readonly pattern: T;
}

function lastHead<T extends Shaped>(ops: Ops<T>, value: T): T {
  return ops.arrange(value, [...axesOf(value.shape).filter((axis) => axis !== "head"), "head"]);
}

/** `½ Σ |p − q|` of each head. */
function distance<T extends Shaped>(ops: Ops<T>, p: T, q: T): T {
  const difference = ops.sub(p, q);
  const size = ops.sqrt(ops.mul(difference, difference));
  const others = axesOf(size.shape).filter((axis) => axis !== "head");
  return ops.scale(ops.sum(size, others), 0.5);
}

/** The attention blocks of a model that is loaded whole, in order. */
function attentionBlocks<T extends Shaped>({
  stages,
  architecture: { heads },
}: Model<T>): { readonly name: string; readonly layer: number; readonly heads: number }[] {
  return [...stages]
    .flat()
    .flatMap(({ kind, name, layer }) => (kind === "attn" ? [{ name, layer, heads }] : []));
}
