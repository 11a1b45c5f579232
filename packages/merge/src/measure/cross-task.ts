import { axesOf, type Engine, type Ops, type Shaped, using } from "@resolvent/tensor";
import { blockNames, run } from "@resolvent/transformer";
import { type ActivationLinearity, type Alignment, alignmentOf } from "./alignment.ts";
import type { MeasureOptions } from "./barrier.ts";
import { checkAlpha, type Merged } from "./merged.ts";
import { batchesOf } from "./rows.ts";
import { checkSameShape } from "./same-shape.ts";
import { addTo, linearityOf, type Tally, tally } from "./tally.ts";

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
  const tallies = new Map(sitesOf(blocks).map((site) => [site, tally()]));
  const batches = batchesOf(rows, merge.architecture.vocab);
  for (const [done, batch] of batches.entries()) {
    signal?.throwIfAborted();
    await using(
      engine,
      () => alignmentBySite(engine, { first, second, merge, alpha }, batch),
      async (found) => {
        for (const [site, own] of tallies) {
          await addTo(engine, [own], found.get(site) as Alignment<T>); // one for each
        }
      },
    );
    onProgress?.({ done: done + 1, total: batches.length });
  }
  const linearity = (site: string): ActivationLinearity => linearityOf(tallies.get(site) as Tally); // every site has one
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

function sitesOf(blocks: readonly string[]): string[] {
  return ["embed", ...blocks.flatMap((block) => [`${block}.after`, `${block}.write`]), "logits"];
}

/** The inner products of a batch at each token, by site: start of the stream, streams, writes, logits. */
export function alignmentBySite<T extends Shaped>(
  ops: Ops<T>,
  { first, second, merge, alpha }: Merged<T>,
  batch: readonly (readonly number[])[],
): ReadonlyMap<string, Alignment<T>> {
  const all = sitesOf(blockNames(merge.architecture));
  const sites = all.slice(0, -1);
  return ops.scope(() => {
    const [a, b, m] = [first, second, merge].map((model) => {
      const { trace, logits } = run(ops, model, batch, { sites });
      return new Map([...trace, ["logits", logits]]);
    });
    const at = (site: string): Alignment<T> => {
      const three = {
        first: a?.get(site) as T,
        second: b?.get(site) as T,
        merge: m?.get(site) as T,
      }; // kept above
      const last = axesOf(three.merge.shape).includes("vocab") ? "vocab" : "d_model";
      return alignmentOf(ops, three, alpha, [last]);
    };
    return new Map(all.map((site) => [site, at(site)]));
  });
}
