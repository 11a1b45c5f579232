import { ratio } from "@resolvent/analysis";
import { axesOf, type Engine, readTogether, type Shaped, using } from "@resolvent/tensor";
import { blockNames, run } from "@resolvent/transformer";
import { type Alignment, alignmentOf, cosineOf } from "./alignment.ts";
import type { MeasureOptions } from "./barrier.ts";
import { checkAlpha, type Merged } from "./merged.ts";
import { batchesOf } from "./rows.ts";
import { checkSameShape } from "./same-shape.ts";

/** How near an activation of the merge is to the mean of its models' activations. */
export interface ActivationLinearity {
  /** Mean over tokens of `cos(m, e)`, `e = (1−α)a + αb`; tokens at which one is zero do not count; null where none does. */
  readonly cosine: number | null;
  /** `‖m − e‖ / ‖m‖` over all tokens; null where the merge's is next to nothing. */
  readonly relativeError: number | null;
  /** Mean over tokens of `cos(a, b)`: a merge of models that agree anyway is near their mean without any linearity. */
  readonly between: number | null;
}

/** A block of a merge. */
export interface BlockLinearity {
  /** `L0.attn`, `L0.mlp` */
  readonly block: string;
  /** The residual stream after it. */
  readonly stream: ActivationLinearity;
  /** What it adds to the stream. */
  readonly write: ActivationLinearity;
}

/** Cross-task linearity of a merge. */
export interface CrossTaskLinearity {
  /** The start of the stream; exact for linear merges. */
  readonly embed: ActivationLinearity;
  readonly blocks: readonly BlockLinearity[];
  readonly logits: ActivationLinearity;
}

/**
 * Cross-task linearity (Zhou et al. 2024, arXiv 2402.03660): whether the activations of a merge are the merge of its
 * models' activations, block by block, over all tokens of some rows.
 *
 * @throws InputError `merge/alpha`, `merge/shapes-differ`, `merge/no-rows`, what a run throws; the signal's reason
 */
export async function crossTaskLinearity<T extends Shaped>(
  engine: Engine<T>,
  { first, second, merge, alpha }: Merged<T>,
  rows: readonly (readonly number[])[],
  { signal, onProgress }: MeasureOptions = {},
): Promise<CrossTaskLinearity> {
  checkAlpha(alpha);
  checkSameShape(first, second, merge);
  const blocks = blockNames(merge.architecture);
  const sites = ["embed", ...blocks.flatMap((block) => [`${block}.after`, `${block}.write`])];
  const tallies = new Map([...sites, "logits"].map((site) => [site, tally()]));
  const batches = batchesOf(rows, merge.architecture.vocab);
  for (const [done, batch] of batches.entries()) {
    signal?.throwIfAborted();
    await using(
      engine,
      () => {
        const [a, b, m] = [first, second, merge].map((model) => {
          const { trace, logits } = run(engine, model, batch, { sites });
          return new Map([...trace, ["logits", logits]]);
        });
        return [...tallies.keys()].map((site) => {
          const three = {
            first: a?.get(site) as T,
            second: b?.get(site) as T,
            merge: m?.get(site) as T,
          }; // kept above
          const last = axesOf(three.merge.shape).includes("vocab") ? "vocab" : "d_model";
          return alignmentOf(engine, three, alpha, [last]);
        });
      },
      async (found) => {
        for (const [i, one] of [...tallies.values()].entries()) {
          await count(engine, one, found[i] as Alignment<T>); // one for each
        }
      },
    );
    onProgress?.({ done: done + 1, total: batches.length });
  }
  const linearity = (site: string): ActivationLinearity => said(tallies.get(site) as Tally); // every site has one
  return {
    embed: linearity("embed"),
    blocks: blocks.map((block) => ({
      block,
      stream: linearity(`${block}.after`),
      write: linearity(`${block}.write`),
    })),
    logits: linearity("logits"),
  };
}

/** Sums over the tokens so far. */
interface Tally {
  readonly cosine: { sum: number; count: number };
  readonly between: { sum: number; count: number };
  off: number;
  size: number;
}

function tally(): Tally {
  return { cosine: { sum: 0, count: 0 }, between: { sum: 0, count: 0 }, off: 0, size: 0 };
}

async function count<T extends Shaped>(
  engine: Engine<T>,
  into: Tally,
  { mm, me, ee, off, aa, ab, bb }: Alignment<T>,
): Promise<void> {
  const [m, mixed, e, wrong, a, both, b] = await readTogether(engine, [
    mm,
    me,
    ee,
    off,
    aa,
    ab,
    bb,
  ]);
  for (const [i, size] of m.entries()) {
    take(into.cosine, cosineOf(size, mixed[i] ?? Number.NaN, e[i] ?? Number.NaN));
    take(into.between, cosineOf(a[i] ?? Number.NaN, both[i] ?? Number.NaN, b[i] ?? Number.NaN));
    into.off += wrong[i] ?? Number.NaN;
    into.size += size;
  }
}

function take(mean: { sum: number; count: number }, cosine: number | null): void {
  if (cosine === null) return;
  mean.sum += cosine;
  mean.count++;
}

function said({ cosine, between, off, size }: Tally): ActivationLinearity {
  const mean = ({ sum, count }: { sum: number; count: number }) =>
    count === 0 ? null : sum / count;
  return {
    cosine: mean(cosine),
    relativeError: ratio(Math.sqrt(off), Math.sqrt(size)),
    between: mean(between),
  };
}
